"""Which rows of train a smaller data set would have had. Pure."""

from __future__ import annotations

import hashlib
import math

import numpy as np

from plumbline.core.declarations import Array
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import UseCase
from plumbline.studies.trained_window import TrainedWindow

LEAST = 200
"""Rows of train below which no model is fitted."""


def shares(points: int) -> list[float]:
    """`points` shares of the rows, each twice the one before, up to all.

    >>> shares(3)
    [0.25, 0.5, 1.0]
    """
    return [2.0**-step for step in reversed(range(points))]


def latest(at: Array, share: float) -> Array:
    """The rows, bool (n,), of the latest days: a share of the days found in the times `at` (n,)."""
    day = at.astype("datetime64[D]")
    days = np.unique(day)
    return np.asarray(day >= days[len(days) - math.ceil(share * len(days))])


def of_entities(ids: Array, share: float, salt: int) -> Array:
    """The rows, bool (n,), of a share of the ids (n,): by a hash of each id and `salt`.

    A larger share holds the rows of a smaller one.
    """
    kinds, place = np.unique(ids.astype(str), return_inverse=True)
    units = np.array([_unit(f"{salt}:{one}") for one in kinds.tolist()])
    return np.asarray((units < share)[place])


def _unit(text: str) -> float:
    """A number in [0, 1) that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48


def entity(usecase: UseCase, name: str | None) -> tuple[str, str]:
    """How rows are grouped, and the column: the entity called `name`; without one, that of the first
    entity that has a column; without entities, the key.

    Raises SpecError with the nearest names, PlumblineError for an entity of all events.
    """
    if name is not None:
        chosen = usecase.entity(name)
        if chosen.column is None:
            raise PlumblineError(
                f"--entity {name}: it is all events, of which there is no share; expected an entity "
                "with a column, or leave the option out"
            )
        return chosen.name, chosen.column
    first = next((e for e in usecase.entities if e.column is not None), None)
    return ("rows", usecase.key) if first is None else (first.name, str(first.column))


def kept(window: TrainedWindow, by: str, column: str, share: float, salt: int) -> Array | None:
    """The rows of train, bool (n,), that a data set of this share has; None: all of them.

    `by`: days, or the name of an entity whose ids `column` holds.
    """
    if share == 1:
        return None
    train, time = window.train, window.usecase.time
    return (
        latest(train[str(time)], share) if by == "days" else of_entities(train[column], share, salt)
    )


def learnable(window: TrainedWindow, rows: Array | None) -> bool:
    """Whether there are enough rows, of both classes, to fit a model on."""
    if rows is None:
        return True
    label = window.train[window.usecase.label][rows]
    classes = window.usecase.problem != "regression"
    return len(label) >= LEAST and (not classes or len(np.unique(label)) > 1)
