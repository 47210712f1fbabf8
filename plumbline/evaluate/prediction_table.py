"""The test window's answers as a table, enough to compare two models row by row. Pure."""

from __future__ import annotations

from functools import partial

from plumbline.core import class_codes, further_columns, stored_columns
from plumbline.core.declarations import Array, Columns
from plumbline.core.further_columns import Computed
from plumbline.core.usecase import UseCase
from plumbline.metrics import class_metrics


def predictions(
    usecase: UseCase,
    columns: Columns,
    score: Array,
    costs: Array | None = None,
    decided: Array | None = None,
) -> Columns:
    """Key, time where there is one, label and score: enough to compare two models row by row.

    `decided`: what is done about each row, object (n,), where decisions are declared. Of several classes the label by name, a probability per class and the class decided on.
    """
    if usecase.classes:
        return _of_classes(usecase, columns, score, costs)
    names = [usecase.key, *([usecase.time] if usecase.time else []), usecase.label]
    done = {"score": score} if decided is None else {"score": score, "decision": decided}
    own = stored_columns.only(columns, names)
    return further_columns.added(own, {name: partial(_same, a) for name, a in done.items()})


def _same(values: Array) -> Array:
    return values


def _of_classes(
    usecase: UseCase, columns: Columns, probability: Array, costs: Array | None
) -> Columns:
    names = [usecase.key, *([usecase.time] if usecase.time else [])]
    decided = class_metrics.decide(probability, costs)
    chances = {f"probability_{c}": probability[:, n] for n, c in enumerate(usecase.classes)}
    named = partial(class_codes.names, usecase.classes)
    computed: Computed = {
        usecase.label: lambda: named(columns[usecase.label]),
        **{name: partial(_same, values) for name, values in chances.items()},
        "decision": partial(named, decided),
    }
    return further_columns.added(stored_columns.only(columns, names), computed)
