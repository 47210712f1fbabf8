"""Expected behaviours: what the model must do when an event changes, checked on pairs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from plumbline.core.declarations import Array, Behaviour, Columns
from plumbline.core.errors import SpecError, suggest
from plumbline.core.usecase import UseCase

Score = Callable[[Columns], Array]
"""From raw events (known columns, snapshots, fresh features) to the model's answer, float64 (n,)."""


@dataclass(frozen=True)
class BehaviourResult:
    """How one behaviour came out: `pairs` events that the change altered, `share` of them as expected."""

    name: str
    description: str
    expect: str
    pairs: int
    share: float
    required: float
    least: int = 1

    @property
    def holds(self) -> bool:
        """Whether enough pairs came out as expected; never on fewer than the `least` pairs."""
        return self.pairs >= max(self.least, 1) and self.share >= self.required


def check(
    usecase: UseCase,
    score: Score,
    columns: Columns,
    threshold: float | None = None,
    least: int = 1,
) -> list[BehaviourResult]:
    """Every declared behaviour on n events, each to be checked on at least `least` pairs.

    `columns` holds known columns, snapshots and fresh features, (n,) each; whatever follows from them
    is made anew for both sides of a pair. `threshold` is the model's. Raises SpecError where a change
    returns an unknown name.
    """
    if not usecase.behaviours:
        return []
    event = {name: _fixed(columns[name]) for name in inputs(usecase)}
    before = score(event)
    given = _Given(score, event, before, threshold, least)
    return [_outcome(usecase, behaviour, given) for behaviour in usecase.behaviours]


@dataclass(frozen=True)
class _Given:
    """What all behaviours are checked on; `before` (n,): the answers to the events as they are."""

    score: Score
    event: Columns
    before: Array
    threshold: float | None
    least: int


def inputs(usecase: UseCase) -> list[str]:
    """The columns of a raw event with its history: known columns, then histories."""
    return [*(c.name for c in usecase.known), *(h.name for h in usecase.aggregates)]


def holds(
    before: Array, after: Array, expect: str, tolerance: float, limit: float | None = None
) -> Array:
    """Which pairs are as expected, bool (n,): the same, not lower, or not higher than before; or, where
    a limit is given, at `limit` and above, or below it.
    """
    if expect in ("above", "below"):
        edge = np.inf if limit is None else limit
        return after >= edge - tolerance if expect == "above" else after < edge + tolerance
    rise = after - before
    if expect == "same":
        return np.abs(rise) <= tolerance
    return rise >= -tolerance if expect == "not_lower" else rise <= tolerance


def _outcome(usecase: UseCase, behaviour: Behaviour, given: _Given) -> BehaviourResult:
    replaced = _replaced(usecase, behaviour, given.event)
    altered = _altered(given.event, replaced)
    before, after = (
        _of_class(usecase, behaviour, answer)
        for answer in (given.before, given.score({**given.event, **replaced}))
    )
    limit = given.threshold if behaviour.limit is None else behaviour.limit
    good = holds(before, after, behaviour.expect, behaviour.tolerance, limit)[altered]
    return BehaviourResult(
        name=behaviour.name,
        description=behaviour.description,
        expect=behaviour.expect,
        pairs=int(altered.sum()),
        share=float(np.mean(good)) if len(good) else 0.0,
        required=behaviour.share,
        least=given.least,
    )


def _of_class(usecase: UseCase, behaviour: Behaviour, answer: Array) -> Array:
    """The answer (n,), or of several classes (n, k) that of the one that is meant."""
    if behaviour.of is None:
        return answer
    return answer[:, usecase.classes.index(behaviour.of)]


def _replaced(usecase: UseCase, behaviour: Behaviour, event: Columns) -> dict[str, Array]:
    size = len(event[usecase.key])
    out = {}
    for name, value in behaviour.change(dict(event)).items():
        if name not in event:
            raise SpecError(
                f"usecases/{usecase.name}/model.py, behaviour '{behaviour.name}': the change returned "
                f"'{name}', no known column, snapshot or fresh feature; {suggest(name, event)}"
            )
        out[name] = np.broadcast_to(value, (size,))
    return out


def _fixed(values: Array) -> Array:
    view = values.view()
    view.flags.writeable = False
    return view


def _altered(event: Columns, replaced: Columns) -> Array:
    size = len(next(iter(event.values())))
    altered = np.zeros(size, bool)
    for name, value in replaced.items():
        altered |= np.asarray(event[name] != value, bool)
    return altered
