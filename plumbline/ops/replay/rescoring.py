"""Served rows scored again by a bundle, from what the log kept. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from plumbline.core import only, row_features
from plumbline.core.declarations import Array
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.model import calibration
from plumbline.ops.replay.bundles import ReplayBundle
from plumbline.ops.replay.served_rows import ServedRows, objects

Named = dict[str, Array]


@dataclass(frozen=True)
class Rescored:
    """What a bundle makes of n rows.

    `columns`: all that it was made of, (n,) each. `raw`, `score`: float64 (n, k). `scored`: bool (n,), false where the
    use case's rules leave the event out. `alarm`: bool (n,), None where there is no threshold. `decision`: object
    (n,), None where none are declared.
    """

    columns: Mapping[str, Array]
    raw: Array
    score: Array
    scored: Array
    alarm: Array | None
    decision: Array | None


def inputs(usecase: FeatureSet, rows: ServedRows) -> Named:
    """The known columns and the histories as they were logged, (n,) each.

    PlumblineError where the rows were served with other ones.
    """
    missing = [c.name for c in usecase.known if c.name not in rows.events]
    missing += [a.name for a in usecase.aggregates if a.name not in rows.aggregates]
    if missing:
        raise PlumblineError(
            f"{usecase.name}: rows of {rows.day} were served without {', '.join(missing[:3])}"
            f"{f' and {len(missing) - 3} more' if len(missing) > 3 else ''}"
        )
    return {**rows.known(usecase), **{a.name: rows.aggregates[a.name] for a in usecase.aggregates}}


def recomputed(usecase: FeatureSet, columns: Mapping[str, Array]) -> Named:
    """Row features and category codes by the use case's own functions, float64 (n,) each.

    PlumblineError where a function fails.
    """
    try:
        features = row_features.row_features(usecase, columns)
    except PlumblineError:
        raise
    except Exception as error:  # a project's own function: whatever it raises is a finding
        raise PlumblineError(f"{usecase.name}: a row function failed ({error})") from error
    return {**features, **row_features.category_codes(usecase, columns)}


def names(usecase: FeatureSet) -> tuple[str, ...]:
    """The row features and codes of a use case, as they are logged."""
    return (*(r.name for r in usecase.rows), *(c.name for c in usecase.categories))


def score(found: ReplayBundle, columns: Mapping[str, Array]) -> Rescored:
    """The answers to events from their columns and features; PlumblineError where a feature is infinite."""
    model = found.bundle
    whole = dict(model.with_encodings(columns))
    count = len(whole[found.usecase.key])
    scored = only.mask(found.usecase.eligible, whole, count)
    raw = np.asarray(model.raw(whole), np.float64)
    flat = calibration.apply(model.calibration, raw)
    return Rescored(
        columns=whole,
        raw=raw.reshape(count, -1),
        score=flat.reshape(count, -1),
        scored=scored,
        alarm=None if model.threshold is None or model.classes else flat >= model.threshold,
        decision=_decisions(found, whole, flat),
    )


def _decisions(found: ReplayBundle, columns: Mapping[str, Array], answer: Array) -> Array | None:
    model = found.bundle
    if model.classes:
        return objects([str(name) for name in model.decide(answer)])
    return model.decisions_of(columns, answer)
