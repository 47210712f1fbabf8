"""Precision among what is shown to each entity: its k best rows, without those that it is known to have. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plumbline.core.declarations import Columns, TopK
from plumbline.core.usecase import UseCase
from plumbline.evaluate.evaluate_document import EntityPrecision
from plumbline.evaluate.params import EvaluationSettings
from plumbline.metrics import bootstrap
from plumbline.metrics.bootstrap import Array
from plumbline.metrics.interval import Interval


def evidence(
    usecase: UseCase,
    settings: EvaluationSettings,
    test: Columns,
    score: Array,
    before: Sequence[Columns],
) -> EntityPrecision | None:
    """Precision at k by entity on the test window, with an interval over entities; None where undeclared.

    `before`: the tables of train and validation window; of their positive rows each entity's items are known.
    """
    if usecase.top is None:
        return None
    known = {pair for table in before for pair in _positives(usecase, usecase.top, table)}
    new = np.array([pair not in known for pair in _pairs(usecase.top, test)], bool)
    entity, rate, base = _precisions(usecase, usecase.top, test, score, new)
    return EntityPrecision(
        entity=usecase.top.entity,
        item=usecase.top.item,
        k=usecase.top.k,
        entities=len(entity),
        removed=int(np.count_nonzero(~new)),
        precision=_interval(settings, rate),
        any_order=_interval(settings, base),
    )


def shown(top: TopK, columns: Columns, score: Array, new: Array) -> dict[object, Array]:
    """By entity, the rows that it is shown: the k best by score, each item once, in the table's order on a tie."""
    pairs = _pairs(top, columns)
    result: dict[object, list[int]] = {}
    seen: set[tuple[object, object]] = set()
    for row in np.argsort(-score, kind="stable").tolist():
        entity, item = pairs[row]
        own = result.setdefault(entity, []) if new[row] and entity is not None else None
        if own is not None and len(own) < top.k and (entity, item) not in seen:
            own.append(row)
            seen.add((entity, item))
    return {entity: np.array(rows) for entity, rows in result.items()}


def _precisions(
    usecase: UseCase, top: TopK, columns: Columns, score: Array, new: Array
) -> tuple[list[object], Array, Array]:
    """Entities; the share of positives in what each is shown; and in all that it could be shown."""
    label = columns[usecase.label].astype(np.float64)
    rows = shown(top, columns, score, new)
    candidates: dict[object, list[int]] = {}
    for row in np.flatnonzero(new).tolist():
        candidates.setdefault(_plain(columns[top.entity][row]), []).append(row)
    rate = np.array([label[own].mean() for own in rows.values()])
    base = np.array([label[candidates[entity]].mean() for entity in rows])
    return list(rows), rate, base


def _interval(settings: EvaluationSettings, values: Array) -> Interval:
    chosen = settings.evaluate
    sample = bootstrap.resample(np.arange(len(values)), chosen.bootstrap, settings.seed)
    estimate = bootstrap.estimate(sample.mean(values), sample, chosen.level)
    return Interval.from_estimate(estimate)


def _positives(usecase: UseCase, top: TopK, table: Columns) -> list[tuple[object, object]]:
    label = table[usecase.label].tolist()
    return [pair for pair, one in zip(_pairs(top, table), label, strict=True) if one == 1]


def _pairs(top: TopK, table: Columns) -> list[tuple[object, object]]:
    pairs = zip(table[top.entity].tolist(), table[top.item].tolist(), strict=True)
    return [(_plain(entity), _plain(item)) for entity, item in pairs]


def _plain(value: object) -> object:
    """NaN, which equals nothing, as None."""
    return None if value != value else value
