"""Events of any use case, drawn from its contract, and small bundles of it in memory: what a service scores."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from plumbline.core import encodings
from plumbline.core.declarations import Column
from plumbline.core.tables import ARROW
from plumbline.core.usecase import FeatureSet
from plumbline.model import bundle, library, manifest
from plumbline.model import scale as scales
from plumbline.model.admission import Scorer
from plumbline.model.bundle import Bundle
from plumbline.model.calibration import Calibration
from plumbline.model.decisions import DecisionPolicy
from plumbline.model.manifest import EncodedValues, Manifest
from plumbline.model.threshold import Threshold

START = datetime(2025, 3, 1, 9)
Event = dict[str, Any]


def events(case: FeatureSet, count: int, seed: int = 1) -> list[Event]:
    """So many events that keep the contract, a minute apart; an eighth of what may be null is."""
    random = np.random.default_rng(seed)
    return [_event(case, i, random) for i in range(count)]


def histories(case: FeatureSet, count: int, seed: int = 2) -> list[list[float]]:
    """Histories of so many events, in the order of `aggregates`."""
    random = np.random.default_rng(seed)
    values = np.round(random.exponential(10, (count, len(case.aggregates))), 3)
    return (values * (random.random(values.shape) > 0.2)).tolist()


def as_json(case: FeatureSet, event: Event) -> Event:
    """The event as a request brings it: times as text."""
    return {n: v.isoformat() if isinstance(v, datetime) else v for n, v in event.items()}


def table(case: FeatureSet, drawn: list[Event], past: list[list[float]]) -> pa.Table:
    """The same events as a table with their histories."""
    known = {c.name: pa.array([e[c.name] for e in drawn], ARROW[c.type]) for c in case.known}
    joined = np.array(past, np.float64).reshape(len(drawn), -1).T
    return pa.table(known | {f.name: v for f, v in zip(case.aggregates, joined, strict=True)})


def scorer(
    case: FeatureSet,
    *,
    calibration: Calibration | None = None,
    decisions: DecisionPolicy | None = None,
    costs: tuple[tuple[float, ...], ...] = (),
) -> Scorer:
    """A bundle whose few trees are fitted on drawn events and a drawn label."""
    count = 400
    drawn, past = events(case, count, 11), histories(case, count, 12)
    columns = _columns(case, drawn, past)
    random = np.random.default_rng(13)
    learned = {
        one.name: encodings.learn(one, columns[one.column], random.integers(0, 50, count))
        for one in case.encodings
    }
    encoded = {n: e.apply(columns[e_.column]) for e_ in case.encodings for n, e in learned.items() if n == e_.name}  # fmt: skip
    whole = {**columns, **encoded}
    entries = {
        **manifest.describe(case),
        "calibration": (calibration or Calibration()).as_json(),
        "threshold": Threshold(0.4, "cost", 0.0, 0.5) if case.problem == "classification" else None,
        "decisions": decisions,
        "class_costs": costs,
        "encodings": {
            n: EncodedValues(column=one.column, values=e.values, encoded=e.encoded, other=e.other)
            for one in case.encodings
            for n, e in learned.items()
            if n == one.name
        },
        "params": {},
        "rounds": 12,
        "metrics": {},
        "model_md5": "0" * 32,
        "provenance": {},
    }
    fitted = Bundle(
        Manifest(**entries), _booster(case, whole, random), calibration or Calibration()
    )
    return Scorer(fitted, case, "checkout", ())


def _event(case: FeatureSet, place: int, random: np.random.Generator) -> Event:
    event = {c.name: _value(c, place, random) for c in case.known}
    keyed = place if case.column(case.key).type == "int" else f"k{place}"
    return {**event, case.key: keyed}


def _value(column: Column, place: int, random: np.random.Generator) -> Any:
    if column.null and random.random() < 0.125:
        return None
    if column.allowed:
        return column.allowed[int(random.integers(len(column.allowed)))]
    if column.type == "timestamp":
        return START + timedelta(minutes=place, microseconds=int(random.integers(10**6)))
    if column.type == "bool":
        return bool(random.random() < 0.5)
    low = -50 if column.min is None else column.min
    high = low + 3_000 if column.max is None else column.max
    if column.type == "float":
        return float(random.uniform(low, high))
    number = int(random.integers(int(low), int(high) + 1))
    return number if column.type == "int" else f"t{number % 40}"


def _columns(case: FeatureSet, drawn: list[Event], past: list[list[float]]) -> dict[str, Any]:
    from plumbline.serve import event_table

    whole = event_table.columns(case, table(case, drawn, past), case.features)
    return bundle.complete(case, whole)


def _booster(case: FeatureSet, columns: dict[str, Any], random: np.random.Generator) -> Any:
    library.load()
    import xgboost

    from plumbline.core import row_features

    x = row_features.matrix(case.features, columns)
    label = random.integers(0, len(case.classes) or 2, len(x))
    objectives = {"classification": "binary:logistic", "multiclass": "multi:softprob"}
    objective = "count:poisson" if case.scale == "count" else objectives.get(case.problem)
    settings: dict[str, Any] = {"objective": objective or "reg:absoluteerror", "nthread": 1}
    settings |= {"num_class": len(case.classes)} if case.classes else {}
    types = ["c" if n in case.native else "float" for n in case.features]
    data = xgboost.DMatrix(
        x,
        label,
        base_margin=scales.start(case.scale, case.offset, columns),
        feature_names=list(case.features),
        feature_types=types,
        enable_categorical=bool(case.native),
    )
    return xgboost.train(settings, data, 12)
