"""TPE beside random draws and a grid: same space, same trials, paired by seed. An edge: reads tables."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import get_args

import numpy as np

from plumbline import config as params_file
from plumbline.core import usecase_loader
from plumbline.core.declarations import Array
from plumbline.core.documents import finite
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import UseCase
from plumbline.metrics import bootstrap, small_sample
from plumbline.metrics.interval import Interval
from plumbline.metrics.metrics import HIGHER_IS_BETTER, PRIMARY
from plumbline.model import boosting
from plumbline.studies import trained_window
from plumbline.studies.backtest import refit
from plumbline.studies.search_methods.search_methods_record import (
    BestAfter,
    MethodDifference,
    MethodRecord,
    SearchMethodsRecord,
)
from plumbline.studies.trained_window import TrainedWindow
from plumbline.tune import trials as tune_trials
from plumbline.tune.params import Tune
from plumbline.tune.proposals import Method
from plumbline.tune.search import Trial
from plumbline.tune.trials import TrialMatrices

METHODS: tuple[Method, ...] = get_args(Method)

log = logging.getLogger("plumbline")


def study(
    root: Path, name: str, *, trials: int, seeds: int, startup: int | None, days: int | None
) -> SearchMethodsRecord:
    """The record of `seeds` searches per method; `days`: only the latest of train, to save time."""
    usecase, params = usecase_loader.load(name), params_file.load(name, root / "params.yaml")
    if not params.tune.space:
        raise PlumblineError(
            f"params.yaml, {name}.tune.space: empty; expected settings to search, such as "
            "eta: {loguniform: [0.02, 0.3]}"
        )
    first = params.tune.startup if startup is None else startup
    tune = params.tune.model_copy(update={"max_evals": trials, "startup": first})
    window = _latest(trained_window.read(usecase, params, root, 1), days)
    ran = _searches(usecase, tune, window, seeds)
    sign = 1.0 if PRIMARY[usecase.problem] in HIGHER_IS_BETTER else -1.0
    best = {m: np.array([_best(one, sign, trials) for one in some]) for m, some in ran.items()}
    level = params.evaluate.level
    return SearchMethodsRecord(
        usecase=name,
        title=usecase.title,
        metric_name=PRIMARY[usecase.problem],
        level=level,
        trials=trials,
        startup=first,
        seeds=seeds,
        rows=len(window.train[usecase.label]),
        fits=sum(len(one) for some in ran.values() for one in some),
        methods={m: _method(m, best[m], ran[m], sign, level) for m in METHODS},
        differences=_differences(best, trials, level),
    )


def _latest(window: TrainedWindow, days: int | None) -> TrainedWindow:
    """The window with the latest days of train alone."""
    time = window.usecase.time
    if days is None:
        return window
    if time is None:
        raise PlumblineError(
            f"{window.usecase.name}: a table without time has no days; leave --days out"
        )
    day = window.train[time].astype("datetime64[D]")
    rows = day > day.max() - np.timedelta64(days, "D")
    return replace(window, train=trained_window.taken(window.train, rows))


def _searches(
    usecase: UseCase, tune: Tune, window: TrainedWindow, seeds: int
) -> dict[Method, list[tuple[Trial, ...]]]:
    """By method, the trials of each seed, on matrices that are binned once."""
    matrices = _matrices(usecase, tune, window)
    ran: dict[Method, list[tuple[Trial, ...]]] = {method: [] for method in METHODS}
    for seed in range(window.params.seed, window.params.seed + seeds):
        own = replace(matrices, fixed={**matrices.fixed, "seed": seed % 2**31})
        for method in METHODS:
            using = tune.model_copy(update={"method": method})
            ran[method].append(tune_trials.searched(usecase, using, seed, own))
            log.info("search methods: seed %d, %s", seed, method)
    return ran


def _matrices(usecase: UseCase, tune: Tune, window: TrainedWindow) -> TrialMatrices:
    fixed = boosting.settings(
        usecase.problem,
        tune.params,
        seed=window.params.seed,
        threads=tune.threads,
        scale=usecase.scale,
        classes=len(usecase.classes),
    )
    pair = refit.binned(usecase, fixed, window.train, window.valid)
    return TrialMatrices(fixed, pair, None if usecase.scale == "label" else window.valid)


def _best(trials: Sequence[Trial], sign: float, count: int) -> Array:
    """The best so far after each of `count` trials, times `sign`; NaN before the first that came off.

    A search that ends early (a space of few values) keeps its last best.
    """
    figures = [np.nan if t.metric is None else sign * t.metric for t in trials]
    padded = np.array([*figures, *[np.nan] * (count - len(figures))])
    so_far = np.fmax.accumulate(padded)
    return np.asarray(so_far)


def _method(
    method: Method, best: Array, ran: Sequence[Sequence[Trial]], sign: float, level: float
) -> MethodRecord:
    """A grid has a figure for all its trials alone: part of it is no smaller grid."""
    count = best.shape[1]
    curve = [
        BestAfter(**vars(_mean(sign * best[:, place], level)), trials=place + 1)
        for place in range(count - 1 if method == "grid" else 0, count)
    ]
    return MethodRecord(
        curve=curve,
        each=[finite(sign * float(value)) for value in best[:, -1]],
        failed=sum(t.metric is None for one in ran for t in one),
    )


def _differences(best: Mapping[Method, Array], trials: int, level: float) -> list[MethodDifference]:
    """Each pair of methods at a quarter, half and all of the trials; with a grid at all of them."""
    counts = sorted({max(1, trials // 4), max(1, trials // 2), trials})
    return [
        _difference(best, one, other, count, level)
        for one, other in combinations(METHODS, 2)
        for count in (counts if "grid" not in (one, other) else counts[-1:])
    ]


def _difference(
    best: Mapping[Method, Array], one: Method, other: Method, count: int, level: float
) -> MethodDifference:
    apart = best[one][:, count - 1] - best[other][:, count - 1]
    figure = _mean(apart, level)
    word = bootstrap.word(figure.estimate, higher_is_better=True)
    return MethodDifference(**vars(figure), method=one, other=other, trials=count, word=word)


def _mean(values: Array, level: float) -> Interval:
    """The mean over seeds with Student's interval; null where a seed has no figure."""
    plain = Interval.from_estimate(small_sample.mean(values, level))
    return Interval(value=finite(plain.value), low=finite(plain.low), high=finite(plain.high))
