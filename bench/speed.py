"""What training, features and answers cost, in yardsticks measured in the same minute: no clock is trusted.

`python -m bench.speed` prints each cost against the committed one (bench/speed.json); `--keep` writes it.
Times are of the processor, the least of several runs. The yardstick is a fixed piece of work (sorting,
a square root, a loop of plain Python), so that another machine or a busy one moves both sides.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from plumbline.core import files, row_features
from plumbline.model import boosting
from plumbline.model.boosting import Batch, Batches
from plumbline.serve import single_event
from tests.boosting import FEATURES, events, parcels
from tests.mltest.columns import columns
from usecases.card_fraud import model as card_fraud

RECORD = Path(__file__).with_name("speed.json")
REPEATS = 7
ROWS = 40_000


def least(work: Callable[[], object]) -> float:
    """Seconds of the processor: the least of some runs."""
    spent = []
    for _ in range(REPEATS):
        started = time.process_time()
        work()
        spent.append(time.process_time() - started)
    return min(spent)


def yardstick() -> float:
    """The fixed piece of work, seconds."""
    values = np.random.default_rng(1).random(400_000)

    def work() -> float:
        total = sum(i % 7 for i in range(150_000))
        return total + float(np.sqrt(np.sort(values)).sum())

    return least(work)


def training_cost() -> Callable[[], object]:
    """30 rounds on 20,000 rows of four features, on one thread."""
    made = events(1, 20_000)
    x = np.stack([made[f] for f in FEATURES], axis=1).astype(np.float32)
    y = made["broken"].astype(np.float32)
    full = boosting.settings("classification", {"max_depth": 6}, seed=1, threads=1)

    def work() -> object:
        table = Batches(FEATURES, lambda: iter([Batch(x, y)]))
        data = boosting.binned(table, max_bin=256, threads=1)
        return boosting.boost(full, data, data, rounds=30, early_stopping=30)

    return work


def batch_cost() -> Callable[[], object]:
    """Row features, codes and the matrix of card_fraud on 40,000 rows."""
    case, made = card_fraud.USECASE, columns(card_fraud.USECASE, ROWS)

    def work() -> object:
        whole = {
            **made,
            **row_features.category_codes(case, made),
            **row_features.row_features(case, made),
        }
        return row_features.matrix(case.features, whole)

    return work


def request_cost() -> Callable[[], object]:
    """Every feature of 200 single payments, from histories of a thousand."""
    case, made = card_fraud.USECASE, columns(card_fraud.USECASE, 1_000)
    names = [c.name for c in case.columns]
    rows = [
        {n: made[n][i].item() if hasattr(made[n][i], "item") else made[n][i] for n in names}
        for i in range(1_000)
    ]
    late = timedelta(days=case.label_delay)
    outcomes = [
        {"payment_id": r["payment_id"], "is_fraud": r["is_fraud"], "known_at": r["paid_at"] + late}
        for r in rows
    ]
    rows = single_event.marked(case, rows, outcomes)
    known = {e.name: single_event.history(case, e, rows, outcomes) for e in case.entities}
    at = datetime(2025, 4, 15, 12)
    asked = [{**row, "paid_at": at} for row in rows[:200]]
    return lambda: [single_event.features(case, event, known) for event in asked]


WORKS = {"training": training_cost, "batch": batch_cost, "request": request_cost}


def memory() -> float:
    """Bytes per row at the peak of the batch, over those of its matrix."""
    work = batch_cost()
    work()
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / (ROWS * len(card_fraud.USECASE.features) * 4)


def measure() -> dict[str, float]:
    """Each cost in yardsticks (memory: in matrices)."""
    found = {}
    for name, make in WORKS.items():
        work = make()
        work()
        found[name] = least(work) / yardstick()
    return {**found, "memory": memory(), **parcel_latency()}


def parcel_latency() -> dict[str, float]:
    """One raw parcel's features and matrix, 300 times."""
    case, made = parcels(), events(2, 1)

    def work() -> object:
        for _ in range(300):
            whole = {
                **made,
                **row_features.row_features(case, made),
                **row_features.category_codes(case, made),
            }
            row_features.matrix(FEATURES, whole)
        return None

    return {"latency": least(work) / yardstick()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help=f"write {RECORD.name}")
    chosen = parser.parse_args()
    found = measure()
    before = files.read_json(RECORD) if RECORD.exists() else {}
    for name, cost in found.items():
        then = (
            f"{cost / before[name]:.2f} of the committed {before[name]:.3g}"
            if name in before
            else "new"
        )
        print(f"{name:10} {cost:8.3f} yardsticks, {then}")
    if chosen.keep:
        files.write_json(RECORD, found)


if __name__ == "__main__":
    main()
