"""The search over the space, one boosting a trial: Hyperopt's TPE or random draws, or a grid.

Points are proposed in rounds. Where and side by side with what the trials of a round run is the caller's (`Evaluate`),
and does not change the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.model.tune_result import TuneResult
from plumbline.tune import grid
from plumbline.tune.proposals import Method, Proposals
from plumbline.tune.space import Dimension

STARTUP = 20
"""Trials that Hyperopt's TPE draws at random, unless it is given another number."""
Objective = Callable[[Mapping[str, Any]], tuple[float, int]]
"""Runs a trial: settings in, the validation metric and the number of rounds out."""
Point = tuple[int, Mapping[str, Any]]
"""A trial that is to be run: its number and its settings."""
Evaluate = Callable[[Sequence[Point]], Iterable["Trial"]]
"""Runs the trials of a round and gives them back in the order of their numbers."""
OnTrial = Callable[["Trial", "Trial | None"], None]
"""Called after each trial, with it and the best so far."""


@dataclass(frozen=True)
class Trial:
    """One point of the search. A failed one has no metric but a reason."""

    number: int
    params: Mapping[str, Any] = field(default_factory=dict)
    metric: float | None = None
    rounds: int | None = None
    reason: str = ""

    @property
    def status(self) -> str:
        """ok or failed."""
        return "ok" if self.metric is not None else "failed"


def search(
    dimensions: Sequence[Dimension],
    evaluate: Evaluate,
    *,
    higher_is_better: bool,
    max_evals: int,
    seed: int,
    on_trial: OnTrial | None = None,
    method: Method = "tpe",
    startup: int = STARTUP,
    parallel: int = 1,
) -> tuple[Trial, ...]:
    """`max_evals` trials, or one with no setting where there is nothing to search.

    `startup`: trials that TPE draws at random before it learns from them. `parallel`: trials of a round, which
    are proposed together; it changes what TPE learns from, and nothing else.
    """
    trials: list[Trial] = []

    def run(points: Sequence[Mapping[str, Any]]) -> list[Trial]:
        first = len(trials)
        for trial in evaluate(list(enumerate(points, first + 1))):
            trials.append(trial)
            if on_trial is not None:
                on_trial(trial, best(trials, higher_is_better))
        return trials[first:]

    if dimensions and method == "grid":
        for points in _batched(grid.points(dimensions, max_evals, seed), parallel):
            run(points)
    elif dimensions:
        towards = -1.0 if higher_is_better else 1.0
        _minimise(Proposals(dimensions, method, startup, seed), run, max_evals, parallel, towards)
    elif max_evals:
        run([{}])
    return tuple(trials)


def in_turn(objective: Objective, failures: tuple[type[Exception], ...]) -> Evaluate:
    """The trials one after another, in this process.

    A trial that raises one of `failures`, or whose metric is not finite, is kept as failed.
    """
    return partial(map, partial(attempt, objective, failures))


def best(trials: Sequence[Trial], higher_is_better: bool) -> Trial | None:
    """The trial with the best metric, the earliest of equals; None where all have failed."""
    good = [t for t in trials if t.metric is not None]
    sign = -1.0 if higher_is_better else 1.0
    return min(good, key=lambda t: (sign * float(t.metric or 0.0), t.number), default=None)


def result(
    trials: Sequence[Trial],
    metric: str,
    fixed: Mapping[str, Any],
    *,
    higher_is_better: bool,
    where: str,
) -> TuneResult:
    """The best trial's settings and metric, and the counts of trials.

    `where` names the space in params.yaml. Raises PlumblineError with the first trial's reason where
    every trial has failed.
    """
    winner = best(trials, higher_is_better)
    if trials and winner is None:
        raise PlumblineError(
            f"{where}: all {len(trials)} trials failed; the first: {trials[0].reason}. "
            "Correct the space, or tune.params."
        )
    return TuneResult(
        trials=len(trials),
        failed=sum(t.metric is None for t in trials),
        metric_name=metric,
        fixed=dict(fixed),
        params=dict(winner.params) if winner else {},
        metric=winner.metric if winner else None,
        best_trial=winner.number if winner else None,
        rounds=winner.rounds if winner else None,
    )


def rows(trials: Sequence[Trial], metric: str) -> list[dict[str, Any]]:
    """The trials as rows of a table, all with the same keys; "" where there is nothing.

    The metric comes last: that is the column which `dvc plots` draws.
    """
    names = sorted({name for t in trials for name in t.params})
    return [
        {"trial": t.number, "status": t.status, "reason": t.reason}
        | {name: t.params.get(name, "") for name in names}
        | {"rounds": "" if t.rounds is None else t.rounds}
        | {metric: "" if t.metric is None else float(f"{t.metric:.10g}")}
        for t in trials
    ]


def attempt(objective: Objective, failures: tuple[type[Exception], ...], point: Point) -> Trial:
    """Run one trial; failed where it raises one of `failures`, or its metric is not finite."""
    number, params = point
    try:
        metric, rounds = objective(params)
    except failures as error:
        return Trial(number, params, reason=_reason(error))
    if not math.isfinite(metric):
        return Trial(number, params, rounds=rounds, reason=f"the validation metric is {metric}")
    return Trial(number, params, metric, rounds)


def _reason(error: Exception) -> str:
    """The first line that says something, without the place in a library's source."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return text.split(": ", 2)[-1] if text.startswith("[") else text


def _minimise(
    proposals: Proposals,
    run: Callable[[Sequence[Mapping[str, Any]]], list[Trial]],
    max_evals: int,
    parallel: int,
    sign: float,
) -> None:
    """Hyperopt minimises: the loss is the metric times `sign`, -1 where higher is better."""
    for done in range(0, max_evals, parallel):
        trials = run(proposals.round(min(parallel, max_evals - done)))
        proposals.learn([None if t.metric is None else sign * t.metric for t in trials])


def _batched(points: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """`points` in order, `size` at a time."""
    return (points[place : place + size] for place in range(0, len(points), size))
