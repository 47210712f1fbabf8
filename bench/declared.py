"""What each kind of declaration is worth on public tables: fit with and without it, compare on the test window.

`python -m bench.declared nycflights.csv [VARIANT ...]` prints a line per variant: its error or average precision
on the test window, mean of three seeds, and the difference to the plain use case.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from plumbline.core import tables
from plumbline.core.declarations import (
    Category,
    Column,
    Encoding,
    Entity,
    Fresh,
    Hourly,
    Only,
    Scale,
    Snapshot,
    Split,
    TopK,
)
from plumbline.core.usecase import UseCase
from plumbline.evaluate import per_entity
from plumbline.evaluate.params import Evaluate, EvaluationSettings
from plumbline.features import assemble, ibis_session, splits
from plumbline.features.params import Features
from plumbline.metrics import metrics
from plumbline.model import boosting, matrices
from plumbline.studies.backtest import refit
from plumbline.train import fitting
from plumbline.train.params import Train
from tests import frames

SEEDS = (1, 2, 3)
SETTINGS: Mapping[str, Any] = {
    "eta": 0.05,
    "max_depth": 4,
    "min_child_weight": 50,
    "subsample": 0.8,
    "colsample_bytree": 0.4,
    "lambda": 20,
}
PLAIN = frames.FLIGHTS
TRAIN = Train()
BARE = ("dep_delay", "distance", "carrier_code", "origin_code", "hour", "weekday")
AIRPORTS = (
    "ABQ ACK ALB ANC ATL AUS AVL BDL BGR BHM BNA BOS BQN BTV BUF BUR BWI BZN CAE CAK CHO CHS CLE CLT "
    "CMH CRW CVG DAY DCA DEN DFW DSM DTW EGE EYW FLL GRR GSO GSP HDN HNL HOU IAD IAH ILM IND JAC JAX "
    "LAS LAX LEX LGA LGB MCI MCO MDW MEM MHT MIA MKE MSN MSP MSY MTJ MVY MYR OAK OKC OMA ORD ORF PBI "
    "PDX PHL PHX PIT PSE PSP PVD PWM RDU RIC ROC RSW SAN SAT SAV SBN SDF SEA SFO SJC SJU SLC SMF SNA "
    "SRQ STL STT SYR TPA TUL TVC TYS XNA "
)
DESTINATIONS = tuple(AIRPORTS.split())


def main(arguments: list[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("flights", type=Path)
    parser.add_argument("variants", nargs="*", default=list(VARIANTS))
    given = parser.parse_args(arguments)
    sys.stdout.write(
        f"by key       {shares(Split())}\nstratified   {shares(Split(stratify=True))}\n"
    )
    sys.stdout.write(f"visits       {visits('label')}\nas counts    {visits('count')}\n")
    rows = frames.departures(given.flights)
    for names in ((), ("dest",), ("dest", "tailnum", "flight")):
        for label in ("arr_delay", "air_time"):
            figure = np.mean(untimed(rows, names, label))
            sys.stdout.write(f"{label}, untimed {' '.join(names):20} {figure:.4f}\n")
    sys.stdout.write(f"shown        {shown(rows)}\n")
    plain = fitted(PLAIN, rows)
    sys.stdout.write(f"{'plain':12} {np.mean(plain):.4f}\n")
    for name in given.variants:
        figures = fitted(VARIANTS[name], rows, TRAINED.get(name, TRAIN))
        gain = np.subtract(figures, plain)
        low, high = gain.min(), gain.max()
        sys.stdout.write(
            f"{name:12} {np.mean(figures):.4f}  {gain.mean():+.4f} ({low:+.4f} to {high:+.4f})\n"
        )


def shares(split: Split) -> dict[str, float]:
    """The share of malignant cases in each table of scikit-learn's breast cancer data, by how it is split."""
    from sklearn.datasets import load_breast_cancer

    malignant = (load_breast_cancer().target == 0).astype(float)
    columns = (Column("id", "int", "-", "row"), Column("ill", "int", "-", "label", known=False))
    case = UseCase(
        name="cancer",
        title="Cancer",
        owner="bench",
        problem="classification",
        key="id",
        label="ill",
        columns=columns,
        features=("id",),
        split=split,
    )
    rows = {"id": np.arange(len(malignant)), "ill": malignant}
    own = splits.of_rows(case, Features(), rows)
    return {name: round(float(malignant[rows].mean()), 3) for name, rows in own.items()}


def visits(scale: Scale) -> str:
    """Doctor's visits of the RAND health insurance experiment (statsmodels), learned as they are or as counts."""
    from statsmodels.datasets import randhie

    frame = randhie.load_pandas().data
    names = [n for n in frame.columns if n != "mdvis"]
    columns = (
        Column("id", "int", "-", "row"),
        *(Column(n, "float", "-", n) for n in names),
        Column("mdvis", "int", "visits", "visits in a year", min=0, known=False),
    )
    case = UseCase(
        name="visits",
        title="Visits",
        owner="bench",
        problem="regression",
        key="id",
        label="mdvis",
        columns=columns,
        features=tuple(names),
        scale=scale,
    )
    rows = {"id": np.arange(len(frame)), **{n: frame[n].to_numpy() for n in frame.columns}}
    own = splits.of_rows(case, Features(), rows)
    train, valid, test = ({n: v[own[t]] for n, v in rows.items()} for t in splits.NAMES[:3])
    given = {**SETTINGS, "objective": "reg:squarederror"}
    settings = boosting.settings("regression", given, seed=1, threads=1, scale=scale)
    pair = refit.binned(case, settings, train, valid)
    answer = fitting.fit(case, TRAIN, settings, pair, valid).predict(test)
    label = test["mdvis"].astype(float)
    floor = np.maximum(answer, 0.01)
    ratio = np.where(label > 0, label / floor, 1)
    deviance = 2 * np.mean(label * np.log(ratio) - (label - floor))
    return f"deviance {deviance:.4f}, below zero {np.mean(answer < 0):.2%}"


def minutes(scale: Scale) -> UseCase:
    """Minutes in the air, from the distance on."""
    bounded = tuple(replace(c, min=1) if c.name == "distance" else c for c in PLAIN.columns)
    offset = None if scale == "label" else "distance"
    return replace(PLAIN, columns=bounded, label="air_time", offset=offset, scale=scale)


def destinations(*, native: bool) -> UseCase:
    """The airports of arrival as a category, by the order of its codes or as sets of values."""
    code = Category("dest_code", "dest", DESTINATIONS, "airport of arrival", native=native)
    coded = tuple(replace(c, native=native) for c in PLAIN.categories)
    return with_features(replace(PLAIN, categories=coded), categories=(code,))


def untimed(rows: Any, names: tuple[str, ...], label: str = "arr_delay") -> list[float]:
    """Departures as a plain table, split by key, with these columns encoded by the label; the figure by seed."""
    means = tuple(Encoding(f"{n}_mean", n, f"mean {label}") for n in names)
    bare = BARE if label == "arr_delay" else tuple(n for n in BARE if n != "distance")
    case = replace(
        PLAIN,
        time=None,
        label=label,
        offset="dep_delay" if label == "arr_delay" else None,
        label_delay=0,
        entities=(),
        snapshots=(),
        fresh=(),
        rows=tuple(r for r in PLAIN.rows if r.name in ("hour", "weekday")),
        encodings=means,
        features=(*bare, *(e.name for e in means)),
        slices=(),
        behaviours=(),
    )
    with tempfile.TemporaryDirectory() as name, ibis_session.connection() as backend:
        folder = Path(name)
        late = [case.key, *(c.name for c in case.unknown)]
        for kind, wanted in (("events", [c.name for c in case.known]), ("outcomes", late)):
            pq.write_table(rows.select(wanted), folder / f"{kind}-all.parquet")
        assemble.untimed(backend, case, Features(), folder, folder)
        return [one(case, folder, seed, TRAIN) for seed in SEEDS]


def shown(rows: Any) -> str:
    """Of the five aircraft that left latest for each airport: the share an hour late on arrival, none late before."""
    columns = (*PLAIN.columns, Column("late", "int", "0/1", "over an hour late", known=False))
    top = TopK("dest", "tailnum", k=5)
    parts = {"columns": columns, "label": "late", "problem": "classification", "offset": None}
    case = replace(PLAIN, **parts, top=top, slices=(), behaviours=())
    with tempfile.TemporaryDirectory() as name:
        folder = frames.build(PLAIN, rows, Path(name))
        train, valid, test = (tables.read(folder / f"{t}.parquet") for t in splits.NAMES[:3])
    late = [{**t, "late": (t["arr_delay"] > 60).astype(float)} for t in (train, valid, test)]
    settings = EvaluationSettings(Evaluate(), None, 1)
    found = per_entity.evidence(case, settings, late[2], test["dep_delay"].astype(float), late[:2])
    return str(found)


def fitted(case: UseCase, rows: Any, train: Train = TRAIN) -> list[float]:
    """The primary figure on the test window, by seed."""
    with tempfile.TemporaryDirectory() as name:
        folder = frames.build(case, rows, Path(name))
        return [one(case, folder, seed, train) for seed in SEEDS]


def one(case: UseCase, folder: Path, seed: int, train_params: Train) -> float:
    """Fit on train and valid with the seed; the figure on test."""
    train, valid = folder / "train.parquet", folder / "valid.parquet"
    settings = boosting.settings(case.problem, SETTINGS, seed=seed, threads=1)
    pair = matrices.binned(case, settings, train, valid)
    columns = tables.read(valid, fitting.needed_columns(case, None))
    both = matrices.both(case, settings, train, valid) if train_params.refit else None
    model = fitting.fit(case, train_params, settings, pair, columns, both)
    test = tables.read(folder / "test.parquet", fitting.needed_columns(case, None))
    label = test[case.label].astype(float)
    return metrics.primary_figure(case.problem, label, model.predict(test))


def with_features(case: UseCase, **parts: Any) -> UseCase:
    """The use case with further histories, all of them features of the model."""
    names = [f.name for kind in parts.values() for f in kind]
    added = {kind: (*getattr(case, kind), *new) for kind, new in parts.items()}
    return replace(case, **added, features=(*case.features, *names))


def hours() -> UseCase:
    """Delays to the hour: half a day after departure a flight has arrived."""
    hourly = tuple(
        Hourly(f"{entity}_{short}_{n}h", entity, "mean", n, text, column, matured)
        for entity in ("origin", "dest", "carrier")
        for n in (1, 3)
        for short, text, column, matured in (
            ("left", "departure delay of the last hours", "dep_delay", False),
            ("arrived", "arrival delay of the last known hours", "arr_delay", True),
        )
    )
    return with_features(replace(PLAIN, label_delay=0, label_delay_hours=12), hourly=hourly)


def lags() -> UseCase:
    """The same hour yesterday and last week, and the same weekday last week."""
    hourly = tuple(
        Hourly(f"origin_lag_{lag}h", "origin", "mean", 1, "same hour", "dep_delay", lag=lag)
        for lag in (24, 168)
    )
    days = (Snapshot("dest_lag_7d", "dest", "mean", 1, "same weekday", "dep_delay", lag=7),)
    return with_features(PLAIN, hourly=hourly, snapshots=days)


def known_today() -> UseCase:
    """Arrivals whose delay became known since midnight, a day after departure."""
    fresh = tuple(
        Fresh(f"{entity}_known_today", entity, "mean", "known today", "arr_delay", matured=True)
        for entity in ("origin", "dest", "carrier")
    )
    return with_features(PLAIN, fresh=fresh)


def everything() -> UseCase:
    """Histories over all departures."""
    case = replace(PLAIN, entities=(*PLAIN.entities, Entity("all", None, "every departure")))
    return with_features(
        case,
        snapshots=(Snapshot("all_arrived_1d", "all", "mean", 1, "arrival", "arr_delay", True),),
        hourly=(Hourly("all_left_3h", "all", "mean", 3, "departure delay", "dep_delay"),),
        fresh=(Fresh("all_left_today", "all", "mean", "departure delay today", "dep_delay"),),
    )


TRAINED = {"refit": Train(refit=True)}
VARIANTS = {
    "eligible": replace(PLAIN, eligible=(Only("tailnum_count_7d", "Seen this week", low=1),)),
    "codes": destinations(native=False),
    "native": destinations(native=True),
    "air plain": minutes("label"),
    "air log": minutes("log"),
    "air ratio": minutes("ratio"),
    "refit": PLAIN,
    "everything": everything(),
    "known_today": known_today(),
    "hours": hours(),
    "lags": lags(),
}

if __name__ == "__main__":
    main(sys.argv[1:])
