"""The test window's answers as a table, enough to compare two models row by row. Pure."""

from __future__ import annotations

from plumbline.core import class_codes
from plumbline.core.declarations import Array, Columns
from plumbline.core.usecase import UseCase
from plumbline.metrics import class_metrics


def predictions(
    usecase: UseCase,
    columns: Columns,
    score: Array,
    costs: Array | None = None,
    decided: Array | None = None,
) -> dict[str, Array]:
    """Key, time where there is one, label and score: enough to compare two models row by row.

    `decided`: what is done about each row, object (n,), where decisions are declared. Of several classes the label by name, a probability per class and the class decided on.
    """
    if usecase.classes:
        return _of_classes(usecase, columns, score, costs)
    names = [usecase.key, *([usecase.time] if usecase.time else []), usecase.label]
    done = {} if decided is None else {"decision": decided}
    return {**{name: columns[name] for name in names}, "score": score, **done}


def _of_classes(
    usecase: UseCase, columns: Columns, probability: Array, costs: Array | None
) -> dict[str, Array]:
    names = [usecase.key, *([usecase.time] if usecase.time else [])]
    decided = class_metrics.decide(probability, costs)
    return {
        **{name: columns[name] for name in names},
        usecase.label: class_codes.names(usecase.classes, columns[usecase.label]),
        **{f"probability_{c}": probability[:, n] for n, c in enumerate(usecase.classes)},
        "decision": class_codes.names(usecase.classes, decided),
    }
