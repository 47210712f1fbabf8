"""How close the card-fraud model is to what its data allow: `python -m bench.oracle`.

Three oracles rank the test window. `probability` knows all that the simulator knew but the last draw:
which terminals are hacked, which cards leaked. `knowable` knows the simulator's settings alone, and
weighs every earlier payment and settled label by Bayes' rule: about the best that anyone can do who
sees what the model sees. `reachable` learns of a strike only when its labels settle, and never doubts.

Two linear models are the baselines: of the payment's own columns, as it comes in, and of all the
model's features, which tell it most of what the histories hold. Prints the average precision of all,
and which share of the gap between each linear model and each oracle the model closes, with intervals
from whole days drawn again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from bench.bayes_oracle import knowable
from plumbline import config
from plumbline.core import files, tables, usecase_loader
from plumbline.core.declarations import Array, Columns
from plumbline.core.usecase import UseCase
from plumbline.evaluate import baselines, reporting
from plumbline.metrics import bootstrap, metrics
from plumbline.model import bundle
from sources.card_fraud import settings
from sources.card_fraud.simulator import simulate

NAME = "card_fraud"
TABLES = Path(f"data/{NAME}/tables")
ORACLES = ("probability", "knowable", "reachable")
OWN = ("amount_cents", "distance_m", "hour", "category_code", "amount_size")
"""What a payment says by itself: no history, nothing of the use case's but its size in steps."""
SEEN = ("payment_id", "customer_id", "terminal_id", "amount_cents", "is_fraud", "odds", "cloning")


def truth(source: Mapping[str, Any], start: date, end: date, keys: Array) -> dict[str, Array]:
    """The oracles' answers for the payments `keys` (n,) between two days, float64 (n,) each.

    A payment that was sent twice has one probability: the first row stands for both, as in the
    validate stage. Raises KeyError with the number of a payment that the simulator did not make.
    """
    begun = date.fromisoformat(str(source["start"]))
    simulated = dict(source["settings"])
    days = list(simulate(simulated, begun, end, int(source["seed"]), truth=True))
    table = pa.concat_tables(days)
    payments = {name: table[name].to_numpy() for name in (*SEEN, "probability", "reachable")}
    payments["day"] = np.repeat(np.arange(len(days)), [day.num_rows for day in days])
    _, first = np.unique(payments["payment_id"], return_index=True)  # numbers rise with time
    once = {name: values[first] for name, values in payments.items()}
    once["knowable"] = knowable(once, settings.read(simulated), (start - begun).days)
    position = np.searchsorted(once["payment_id"], keys)
    missing = np.flatnonzero(once["payment_id"][np.minimum(position, len(first) - 1)] != keys)
    if len(missing):
        raise KeyError(int(keys[missing[0]]))
    return {name: once[name][position] for name in ORACLES}


def linear(usecase: UseCase, names: tuple[str, ...], columns: Columns, rows: int) -> Array:
    """The linear baseline's answers on `columns`, fitted on train as the evaluate stage does."""
    wanted = list(dict.fromkeys([*names, usecase.label]))
    sample = reporting.sample(TABLES / "train.parquet", wanted, rows)
    fitted = baselines.fit(usecase, names, sample, sample[usecase.label].astype(float))
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
    usecase, params = usecase_loader.load(NAME), config.load(NAME)
    columns = tables.read(TABLES / "test.parquet")
    label, day = columns[usecase.label].astype(float), columns[str(usecase.time)]
    source = files.read_json(Path(f"metrics/{NAME}/data.json"))["source"]
    days = day.astype("datetime64[D]")
    first, last = days.min().astype(date), (days.max() + 1).astype(date)
    answers = truth(source, first, last, columns[usecase.key])
    lines = {"linear, own columns": OWN, "linear, all features": usecase.features}
    answers |= {
        n: linear(usecase, f, columns, params.evaluate.linear_rows) for n, f in lines.items()
    }
    answers["model"] = bundle.load(Path(f"models/{NAME}"), NAME).predict(columns)
    sample = bootstrap.resample(bootstrap.units(len(label), day), 500, params.seed)
    figures = replicates(label, answers, sample)
    print(f"{len(label)} payments, {int(label.sum())} frauds, {first} to {last}")
    print("average precision")
    for name in answers:
        print(line(f"  {name}", figures[name], sample))
    for start in lines:
        print(f"share of the gap from `{start}` that is closed")
        for name in ORACLES:
            gap = figures[name] - figures[start]
            print(
                line(
                    f"  to {name}, by the model", (figures["model"] - figures[start]) / gap, sample
                )
            )
        gap = figures["probability"] - figures[start]
        best = (figures["knowable"] - figures[start]) / gap
        print(line("  to probability, by knowable", best, sample))


if __name__ == "__main__":
    main()
