"""What a model of several classes is worth on public tables: against the shares of the classes and a linear model.

`python -m bench.classes [nycflights.csv]` prints, per table, the log loss on the test window with the paired
difference to each baseline, how often the likeliest class is right, and what costs and calibration change.
Tables: scikit-learn's digits (1,797 images, ten classes) and, where its file is given, departures from New York
(early, on time, late).
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline.core import tables
from plumbline.core.declarations import Column, Split
from plumbline.core.usecase import UseCase
from plumbline.evaluate import assessment, baseline_answers, class_baselines, evidence
from plumbline.evaluate.params import Evaluate, EvaluationSettings
from plumbline.features import assemble, ibis_session
from plumbline.features.params import Features
from plumbline.metrics import metrics
from plumbline.metrics.class_costs import ClassCosts
from plumbline.model import boosting, matrices
from plumbline.model.calibration import Kind
from plumbline.report.numbers import fixed
from plumbline.train import fitting
from plumbline.train.params import Train
from tests import frames

BANDS = ("early", "on time", "late")
COSTS = ClassCosts(unit="EUR", amounts={"late": {"early": 10.0, "on time": 10.0}}, other=1.0)
"""Whoever waits for a late aircraft pays most."""
TRIED: tuple[dict[str, Any], ...] = (
    {"eta": 0.1, "max_depth": 3, "min_child_weight": 1, "subsample": 0.8, "lambda": 1},
    {"eta": 0.05, "max_depth": 2, "min_child_weight": 5, "subsample": 0.7, "lambda": 5},
    {"eta": 0.03, "max_depth": 3, "min_child_weight": 30, "subsample": 0.7, "lambda": 20},
)
"""XGBoost's settings; the best on the validation window are taken."""
KINDS: tuple[Kind, ...] = ("none", "temperature", "vector")
SEED = 1
"""Of the boosting and of the days drawn."""


def main(arguments: list[str]) -> None:
    """Print the figures of each table."""
    with tempfile.TemporaryDirectory() as name:
        for title, case, folder in _built(Path(name), arguments):
            for line in lines(case, folder):
                sys.stdout.write(f"{title:8} {line}\n")


def _built(folder: Path, arguments: list[str]) -> Iterator[tuple[str, UseCase, Path]]:
    case, rows = digits()
    yield "digits", case, plain(case, rows, folder / "digits")
    if arguments:
        case = bands()
        yield "flights", case, frames.build(case, banded(Path(arguments[0])), folder / "flights")


def lines(case: UseCase, folder: Path) -> Iterator[str]:
    """The figures of one table."""
    train, valid, test = (tables.read(folder / f"{n}.parquet") for n in ("train", "valid", "test"))
    settings = EvaluationSettings(Evaluate(bootstrap=500), None, SEED, _costs(case))
    window = assessment.window(case, settings, test, None)
    models = {kind: fitted(case, folder, valid, kind) for kind in KINDS}
    model = models["temperature"]
    label = train[case.label].astype(float)
    given = case, case.features, train, label
    linear, tree = class_baselines.fit(*given), class_baselines.fit_tree(*given)
    answer = model.predict(test)
    others = baseline_answers.answers(case, test, label, linear, tree)
    kinds = dict.fromkeys(others, "probability")
    compared = evidence.compare(window, answer, others, kinds)
    yield "log loss " + _figure(compared.model["log_loss"])
    for name, apart in compared.differences.items():
        own = fixed(compared.baselines[name]["log_loss"].value, 3)
        yield f"minus {name} ({own}): {_figure(apart)}, {compared.words[name]}"
    for metric in ("accuracy", "macro_f1", "ece", "cost_saved"):
        if metric in compared.model:
            yield f"{metric} {_figure(compared.model[metric])}"
    for kind in KINDS:
        other = models[kind].predict(test)
        loss = metrics.primary_figure(case.problem, window.label, other)
        yield f"log loss, calibration {kind}: {fixed(loss, 4)}"


def fitted(case: UseCase, folder: Path, valid: Any, kind: Kind) -> fitting.FittedModel:
    """The model of one calibration, by the settings that are best on the validation window."""
    every = (_fit(case, folder, valid, kind, one) for one in TRIED)
    return min(every, key=lambda model: model.metric)


def _fit(
    case: UseCase, folder: Path, valid: Any, kind: Kind, given: dict[str, Any]
) -> fitting.FittedModel:
    own = {**given, "colsample_bytree": 0.3}
    settings = boosting.settings(case.problem, own, seed=SEED, threads=1, classes=len(case.classes))
    pair = matrices.binned(case, settings, folder / "train.parquet", folder / "valid.parquet")
    return fitting.fit(case, Train(calibration=kind), settings, pair, valid)


def bands() -> UseCase:
    """Departures by how they arrive: over five minutes early, up to a quarter of an hour late, later."""
    band = Column("band", "string", "-", "of the arrival", allowed=BANDS, known=False)
    parts: dict[str, Any] = {"offset": None, "naive": None, "behaviours": (), "groups": ()}
    return replace(
        frames.FLIGHTS,
        problem="multiclass",
        label="band",
        columns=(*frames.FLIGHTS.columns, band),
        **parts,
    )


def banded(path: Path) -> pa.Table:
    """The departures with their band."""
    rows = frames.departures(path)
    delay = rows["arr_delay"]
    late = pc.if_else(pc.less_equal(delay, 15), "on time", "late")
    return rows.append_column("band", pc.if_else(pc.less(delay, -5), "early", late))


def digits() -> tuple[UseCase, pa.Table]:
    """Images of 64 numbers each, and the digit."""
    from sklearn.datasets import load_digits

    data = load_digits()
    names = [n for n, column in zip(data.feature_names, data.data.T, strict=True) if np.ptp(column)]
    pixels = dict(zip(data.feature_names, data.data.T, strict=True))
    case = UseCase(
        name="digits",
        title="Digits",
        owner="bench",
        problem="multiclass",
        key="id",
        label="digit",
        columns=(
            Column("id", "int", "-", "image"),
            *(Column(n, "float", "-", "grey") for n in names),
            Column("digit", "int", "-", "drawn", allowed=tuple(range(10)), known=False),
        ),
        features=tuple(names),
        split=Split(stratify=True),
    )
    rows = {"id": np.arange(len(data.target)), **{n: pixels[n] for n in names}}
    return case, pa.table({**rows, "digit": data.target})


def plain(case: UseCase, rows: pa.Table, folder: Path) -> Path:
    """The model tables of a table without time."""
    folder.mkdir()
    late = [case.key, case.label]
    for kind, wanted in (("events", [c.name for c in case.known]), ("outcomes", late)):
        pq.write_table(rows.select(wanted), folder / f"{kind}-all.parquet")
    with ibis_session.connection() as backend:
        assemble.untimed(backend, case, Features(), folder, folder)
    return folder


def _costs(case: UseCase) -> ClassCosts | None:
    return COSTS if case.classes == BANDS else None


def _figure(one: Any) -> str:
    value, low, high = (fixed(v, 3) for v in (one.value, one.low, one.high))
    return f"{value} ({low} to {high})"


if __name__ == "__main__":
    main(sys.argv[1:])
