"""How close the card-fraud model is to what its data allow: `python -m bench.oracle [reference]`.

Two oracles rank the test window. `probability` knows all that the simulator knew but the last draw:
which terminals are hacked, which cards leaked. `reachable` knows the simulator's settings, and learns
of a strike only when its labels settle; it takes no payment that is not yet settled as a sign of one.
Prints the average precision of both, of the linear baseline and of the model, and which share of the
gap between the linear model and each oracle is closed, with intervals from whole days drawn again.
`reference` names the use case's features for the linear model, with commas; all of them by default.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np

from plumbline import files, params, usecase
from plumbline.evaluation import baselines, bootstrap, metrics, reporting
from plumbline.features import tables
from plumbline.model import bundle
from plumbline.usecase import Array, Columns, UseCase
from sources.card_fraud.simulator import simulate

NAME = "card_fraud"
TABLES = Path(f"data/{NAME}/tables")
ORACLES = ("probability", "reachable")


def truth(source: Mapping[str, object], start: date, end: date, keys: Array) -> dict[str, Array]:
    """The oracles' answers for the payments `keys` (n,) between two days, float64 (n,) each.

    A payment that was sent twice has one probability: the first row stands for both, as in the
    validate stage. Raises KeyError with the number of a payment that the simulator did not make.
    """
    begun = date.fromisoformat(str(source["start"]))
    made = simulate(dict(source["settings"]), begun, end, int(str(source["seed"])), truth=True)  # type: ignore[call-overload]
    found: dict[str, dict[int, float]] = {name: {} for name in ORACLES}
    for day in made:
        if day.num_rows and day.column("paid_at")[0].as_py().date() < start:
            continue
        numbers = day.column("payment_id").to_pylist()
        for name in ORACLES:
            for number, value in zip(numbers, day.column(name).to_pylist(), strict=True):
                found[name].setdefault(number, value)
    return {n: np.array([found[n][int(key)] for key in keys], np.float64) for n in ORACLES}


def linear(case: UseCase, names: tuple[str, ...], columns: Columns, rows: int) -> Array:
    """The linear baseline's answers on `columns`, fitted on train as the evaluate stage does."""
    wanted = list(dict.fromkeys([*names, case.label]))
    sample = reporting.sample(TABLES / "train.parquet", wanted, rows)
    fitted = baselines.fit(case, names, sample, sample[case.label].astype(float))
    return fitted.predict(columns)


def replicates(label: Array, answers: Columns, sample: bootstrap.Resample) -> dict[str, Array]:
    """The average precision of each answer (n,), (R,): replicate 0 is the plain figure."""
    return {n: metrics.primary("classification", label, a, sample) for n, a in answers.items()}


def line(name: str, values: Array, sample: bootstrap.Resample) -> str:
    """A row of the table: the figure and its 95 % interval."""
    seen = bootstrap.estimate(values, sample, 0.95)
    return f"{name:44}{seen.value:8.3f}   {seen.low:.3f} to {seen.high:.3f}"


def main() -> None:
    """Print the figures for the model in `models/card_fraud`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reference", nargs="?", help="features of the linear model, with commas")
    chosen = parser.parse_args()
    case, asked = usecase.load(NAME), params.load(NAME)
    columns = tables.read(TABLES / "test.parquet")
    label, day = columns[case.label].astype(float), columns[str(case.time)]
    source = files.read_json(Path(f"metrics/{NAME}/data.json"))["source"]
    days = day.astype("datetime64[D]")
    first, last = days.min().astype(date), (days.max() + 1).astype(date)
    answers = truth(source, first, last, columns[case.key])
    names = tuple(chosen.reference.split(",")) if chosen.reference else case.features
    answers["linear"] = linear(case, names, columns, asked.evaluate.linear_rows)
    answers["model"] = bundle.load(Path(f"models/{NAME}"), NAME).predict(columns)
    sample = bootstrap.resample(bootstrap.units(len(label), day), 500, asked.seed)
    found = replicates(label, answers, sample)
    print(f"{len(label)} payments, {int(label.sum())} frauds, {first} to {last}")
    for name in (*ORACLES, "linear", "model"):
        print(line(f"average precision, {name}", found[name], sample))
    for name in ORACLES:
        share = (found["model"] - found["linear"]) / (found[name] - found["linear"])
        print(line(f"share of the gap to `{name}` closed", share, sample))
    best = (found["reachable"] - found["linear"]) / (found["probability"] - found["linear"])
    print(line("share that `reachable` closes itself", best, sample))


if __name__ == "__main__":
    main()
