"""The search over the space, one boosting a trial: Hyperopt's TPE or random draws, or a grid.

Hyperopt is imported at use.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np

from plumbline.core.errors import PlumblineError
from plumbline.core.imports import without
from plumbline.model.tune_result import TuneResult
from plumbline.tune import grid, space
from plumbline.tune.space import Dimension

Method = Literal["tpe", "random", "grid"]
"""How the next point is chosen: by the trials before it, at random, or on an even grid."""
STARTUP = 20
"""Trials that Hyperopt's TPE draws at random, unless it is given another number."""
Objective = Callable[[Mapping[str, Any]], tuple[float, int]]
"""Runs a trial: settings in, the validation metric and the number of rounds out."""
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
    objective: Objective,
    *,
    higher_is_better: bool,
    max_evals: int,
    seed: int,
    failures: tuple[type[Exception], ...],
    on_trial: OnTrial | None = None,
    method: Method = "tpe",
    startup: int = STARTUP,
) -> tuple[Trial, ...]:
    """`max_evals` trials, or one with no setting where there is nothing to search.

    A trial that raises one of `failures`, or whose metric is not finite, is kept as failed. `startup`:
    trials that TPE draws at random before it learns from them.
    """
    trials: list[Trial] = []

    def attempt(params: Mapping[str, Any]) -> Trial:
        trial = _attempt(len(trials) + 1, params, objective, failures)
        trials.append(trial)
        if on_trial is not None:
            on_trial(trial, best(trials, higher_is_better))
        return trial

    if dimensions and method == "grid":
        for point in grid.points(dimensions, max_evals, seed):
            attempt(point)
    elif dimensions:
        suggest = _suggest(method, startup)
        _minimise(dimensions, attempt, -1.0 if higher_is_better else 1.0, max_evals, seed, suggest)
    elif max_evals:
        attempt({})
    return tuple(trials)


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


def _attempt(
    number: int,
    params: Mapping[str, Any],
    objective: Objective,
    failures: tuple[type[Exception], ...],
) -> Trial:
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
    dimensions: Sequence[Dimension],
    attempt: Callable[[Mapping[str, Any]], Trial],
    sign: float,
    max_evals: int,
    seed: int,
    suggest: Any,
) -> None:
    """Hyperopt minimises: the loss is the metric times `sign`, -1 where higher is better."""
    import hyperopt

    def loss(point: Mapping[str, float]) -> dict[str, Any]:
        trial = attempt({d.name: space.value(d, point[d.name]) for d in dimensions})
        if trial.metric is None:
            return {"status": hyperopt.STATUS_FAIL}
        return {"status": hyperopt.STATUS_OK, "loss": sign * trial.metric}

    # raised at the end, where all failed; `summary` has the better message
    with suppress(hyperopt.exceptions.AllTrialsFailed):
        hyperopt.fmin(
            loss,
            {d.name: _distribution(d) for d in dimensions},
            algo=suggest,
            max_evals=max_evals,
            rstate=np.random.default_rng(seed),
            trials=hyperopt.Trials(),
            verbose=False,
            show_progressbar=False,
        )


def _suggest(method: Method, startup: int) -> Any:
    """Hyperopt's own, and it is imported here first."""
    with without(unused=["hyperopt.atpe"]):  # loads scipy.stats: half of the import's time
        import hyperopt
    if method == "random":
        return hyperopt.rand.suggest
    return partial(hyperopt.tpe.suggest, n_startup_jobs=startup)


def _distribution(dimension: Dimension) -> Any:
    from hyperopt import hp

    if dimension.kind == "choice":
        return hp.choice(dimension.name, list(range(len(dimension.choices))))
    if dimension.step:
        return hp.quniform(dimension.name, -0.5, dimension.steps + 0.5, 1)
    if dimension.kind == "loguniform":
        return hp.loguniform(dimension.name, math.log(dimension.low), math.log(dimension.high))
    return hp.uniform(dimension.name, dimension.low, dimension.high)
