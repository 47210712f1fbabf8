"""What training, features and answers cost, counted: no clock is trusted.

`python -m bench.speed` prints each cost against the committed one (bench/speed.json) and, for people, its
seconds of the processor; `--keep` writes the costs. A cost is work that is the same on every machine under
any load: functions called, entries of a history read, bytes held at the peak.
"""

from __future__ import annotations

import argparse
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.core import files, row_features
from plumbline.core.declarations import Columns
from plumbline.model import boosting
from plumbline.model.boosting import Batch, Batches
from plumbline.serve import single_event
from tests.boosting import FEATURES, events, parcels
from tests.mltest.columns import columns
from usecases.card_fraud import model as card_fraud

RECORD = Path(__file__).with_name("speed.json")
REPEATS = 7
ROWS = 40_000
REQUESTS = 200
PAST = 1_000
Work = Callable[[], object]


def calls(work: Work) -> int:
    """Functions that a piece of work calls: in Python, in C, and each step of a generator."""
    count = 0

    def seen(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def seconds(work: Work) -> float:
    """Seconds of the processor: the least of some runs."""
    spent = []
    for _ in range(REPEATS):
        started = time.process_time()
        work()
        spent.append(time.process_time() - started)
    return min(spent)


def growth(make: Callable[[int], Work], size: int, times: int) -> float:
    """How many times the seconds of `size` a size so many times larger takes, both in turns."""
    works, spent = (make(size), make(size * times)), ([], [])
    for _ in range(REPEATS):
        for work, kept in zip(works, spent, strict=True):
            started = time.process_time()
            work()
            kept.append(time.process_time() - started)
    return min(spent[1]) / min(spent[0])


def training(rows: int = 20_000) -> Work:
    """30 rounds on rows of four features, on one thread."""
    table = events(1, rows)
    x = np.stack([table[f] for f in FEATURES], axis=1).astype(np.float32)
    y = table["broken"].astype(np.float32)
    full = boosting.settings("classification", {"max_depth": 6}, seed=1, threads=1)

    def work() -> object:
        batches = Batches(FEATURES, lambda: iter([Batch(x, y)]))
        data = boosting.binned(batches, max_bin=256, threads=1)
        return boosting.boost(full, data, data, rounds=30, early_stopping=30)

    return work


def batch(rows: int = ROWS) -> Work:
    """Row features, codes and the matrix of card_fraud."""
    usecase, given = card_fraud.USECASE, columns(card_fraud.USECASE, rows)

    def work() -> object:
        every = {
            **given,
            **row_features.category_codes(usecase, given),
            **row_features.row_features(usecase, given),
        }
        return row_features.matrix(usecase.features, every)

    return work


def request(past: int = PAST, count: Counter | None = None) -> Work:
    """Every feature of single payments, from histories of so many; `count` counts what they read."""
    usecase = card_fraud.USECASE
    rows = payments(columns(usecase, past))
    late = timedelta(days=usecase.label_delay)
    outcomes = [
        {"payment_id": r["payment_id"], "is_fraud": r["is_fraud"], "known_at": r["paid_at"] + late}
        for r in rows
    ]
    rows = single_event.with_derived(usecase, rows, outcomes)
    known = {e.name: single_event.history(usecase, e, rows, outcomes) for e in usecase.entities}
    if count is not None:
        known = {name: watched(history, count) for name, history in known.items()}
    at = datetime(2025, 4, 15, 12)
    requests = [{**row, "paid_at": at} for row in rows[:REQUESTS]]
    return lambda: [single_event.features(usecase, event, known) for event in requests]


def payments(table: Columns) -> list[dict[str, Any]]:
    """The rows of a table as events of plain values."""
    names = [c.name for c in card_fraud.USECASE.columns]
    return [
        {n: v.item() if hasattr(v := table[n][i], "item") else v for n in names}
        for i in range(len(table[names[0]]))
    ]


class Counter:
    """How many entries have been read."""

    entries = 0


class Watched(tuple[Any, ...]):
    """A tuple that counts each entry read from it, by place or in turn."""

    count: Counter

    def __getitem__(self, key: Any) -> Any:
        self.count.entries += 1
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[Any]:
        for value in super().__iter__():
            self.count.entries += 1
            yield value


def watched(value: Any, count: Counter) -> Any:
    """The same history, whose tuples count what is read of them."""
    if is_dataclass(value) and not isinstance(value, type):
        parts = {f.name: watched(getattr(value, f.name), count) for f in fields(value)}
        return replace(value, **parts)
    if isinstance(value, Mapping):
        return {key: watched(part, count) for key, part in value.items()}
    if isinstance(value, tuple | list):
        counted = Watched(value)
        counted.count = count
        return counted
    return value


def reads(past: int = PAST) -> float:
    """Entries of histories that a single request reads."""
    count = Counter()
    work = request(past, count)
    count.entries = 0
    work()
    return count.entries / REQUESTS


def parcel() -> Work:
    """One raw parcel's features and matrix."""
    usecase, given = parcels(), events(2, 1)

    def work() -> object:
        every = {
            **given,
            **row_features.row_features(usecase, given),
            **row_features.category_codes(usecase, given),
        }
        return row_features.matrix(FEATURES, every)

    return work


def memory() -> float:
    """Bytes per row at the peak of the batch, over those of its matrix."""
    work = batch()
    work()
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / (ROWS * len(card_fraud.USECASE.features) * 4)


WORKS: Mapping[str, Callable[[], Work]] = {
    "training": training,
    "batch": batch,
    "request": request,
    "parcel": parcel,
}


def measure() -> dict[str, float]:
    """Calls of each piece of work; entries read at a request; bytes of memory, in matrices."""
    costs: dict[str, float] = {}
    for name, make in WORKS.items():
        work = make()
        work()  # what is imported or cached at the first time is not counted
        costs[name] = calls(work)
    return {**costs, "reads": reads(), "memory": memory()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help=f"write {RECORD.name}")
    chosen = parser.parse_args()
    costs = measure()
    before = files.read_json(RECORD) if RECORD.exists() else {}
    for name, cost in costs.items():
        then = f"{cost / before[name]:.2f} of the committed" if name in before else "new"
        spent = f", {seconds(WORKS[name]()):.3f} s" if name in WORKS else ""
        print(f"{name:10} {cost:12,.1f}, {then}{spent}")
    if chosen.keep:
        files.write_json(RECORD, costs)


if __name__ == "__main__":
    main()
