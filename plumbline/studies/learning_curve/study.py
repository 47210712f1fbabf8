"""A learning curve: models of fewer days, fewer entities, fewer rounds. An edge: reads tables and trials."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plumbline import config as params_file
from plumbline.core import documents, usecase_loader
from plumbline.core.declarations import Array
from plumbline.core.documents import finite
from plumbline.core.errors import PlumblineError
from plumbline.metrics.bootstrap import Resample
from plumbline.metrics.interval import Interval
from plumbline.model import boosting, bundle, calibration
from plumbline.model.tune_result import TuneResult
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.review import paired
from plumbline.studies import gains, trained_window, trial_table
from plumbline.studies.backtest import refit
from plumbline.studies.learning_curve import subsets
from plumbline.studies.learning_curve.learning_curve_record import (
    LearningCurveRecord,
    RoundsCurve,
    RoundsPoint,
    RowsCurve,
    RowsPoint,
    TrialsCurve,
    TrialsPoint,
)
from plumbline.studies.trained_window import TrainedWindow
from plumbline.train.fitting import FittedModel

REPLICATES = 200
"""Draws of the validation days, at most: there are many models."""
PARTS = (0.125, 0.25, 0.5, 1.0, 2.0)
"""Of the chosen number of rounds."""

log = logging.getLogger("plumbline")


@dataclass(frozen=True)
class SeedFits:
    """Settings per seed, the models on all rows, and their replicates (k, R) on the validation window."""

    settings: Sequence[dict[str, Any]]
    models: Sequence[FittedModel]
    replicates: Array
    sample: Resample


def study(
    root: Path, name: str, *, points: int, seeds: int, entity: str | None
) -> LearningCurveRecord:
    """The record: the metric by rows, rounds and trials, each with what the last doubling gained."""
    declared, params = usecase_loader.load(name), params_file.load(name, root / "params.yaml")
    by, column = subsets.entity(declared, entity)
    tuned = documents.read(TuneResult, artifacts.metrics_path(name, "tune", root))
    usecase = tuned.selected(declared)
    window = trained_window.read(usecase, params, root, REPLICATES, (column,))
    whole = _whole(window, tuned, seeds)
    ways = [*(["days"] if usecase.time else []), by]
    curves, fitted = [], seeds
    for way in ways:
        curve, count = _rows(window, whole, way, column, subsets.shares(points))
        curves.append(curve)
        fitted += count
    rounds = _rounds(window, whole)
    report = artifacts.path(name, Role.TUNE_REPORT, root)
    trials = trial_table.read(report, tuned.metric_name)
    return LearningCurveRecord(
        usecase=name,
        title=usecase.title,
        metric_name=window.labelled.primary,
        level=window.labelled.level,
        margin=params.gate.margin,
        seeds=seeds,
        fits=fitted + seeds,
        rows=curves,
        rounds=rounds,
        trials=_trials(window, whole, [float(t["metric"]) for t in trials]),
    )


def _whole(window: TrainedWindow, tuned: TuneResult, seeds: int) -> SeedFits:
    seed = window.params.seed
    every = [trained_window.settings(window, tuned, seed + n) for n in range(seeds)]
    sample = window.labelled.sample()
    models = [window.fit(one) for one in every]
    log.info("learning curve: all rows, %d seeds", seeds)
    replicates = [window.replicates(m.predict(window.valid), sample) for m in models]
    return SeedFits(every, models, np.array(replicates), sample)


def _rows(
    window: TrainedWindow, whole: SeedFits, by: str, column: str, shares: Sequence[float]
) -> tuple[RowsCurve, int]:
    """The curve by shares of days or entities, and how many models were fitted for it."""
    points, figures, fitted = [], [], 0
    for share in shares:
        part = [subsets.kept(window, by, column, share, n) for n in range(len(whole.settings))]
        if not all(subsets.learnable(window, rows) for rows in part):
            log.info("learning curve: %s, share %g: too few rows", by, share)
            continue
        own = whole.replicates
        if share < 1:
            own = _replicates(window, whole, part)
            fitted += len(part)
        figures.append(own)
        points.append(_point(window, whole, own, share, by, part[0]))
        log.info("learning curve: %s, share %g: %s", by, share, points[-1].value)
    if len(points) < 2 or points[-2].share != shares[-2]:
        rows = len(window.train[window.usecase.key])
        raise PlumblineError(
            f"{window.usecase.name}: half of train's {rows:,} rows (by {by}) are too few to learn from; expected "
            f"{subsets.LEAST} rows of more than one class. Give train more rows: data.as_of, or features.*_days"
        )
    return RowsCurve(by=by, points=points, gain=_gain(window, whole, figures[-2])), fitted


def _replicates(window: TrainedWindow, whole: SeedFits, part: Sequence[Any]) -> Array:
    pairs = zip(whole.settings, part, strict=True)
    answers = (window.fit(full, rows).predict(window.valid) for full, rows in pairs)
    return np.array([window.replicates(answer, whole.sample) for answer in answers])


def _point(
    window: TrainedWindow, whole: SeedFits, own: Array, share: float, by: str, rows: Any
) -> RowsPoint:
    time, train = window.usecase.time, window.train
    kept = np.ones(len(train[window.usecase.key]), bool) if rows is None else rows
    days = len(np.unique(train[str(time)][kept].astype("datetime64[D]"))) if by == "days" else None
    figure = _interval(gains.over_seeds(window, own, whole.sample))
    return RowsPoint(**vars(figure), share=share, rows=int(kept.sum()), days=days)


def _interval(estimate: Any) -> Interval:
    plain = Interval.from_estimate(estimate)
    return Interval(value=finite(plain.value), low=finite(plain.low), high=finite(plain.high))


def _gain(window: TrainedWindow, whole: SeedFits, half: Array) -> gains.Gain:
    """What all rows gain over half of them."""
    gained = window.sign * (whole.replicates - half)
    estimate = gains.over_seeds(window, gained, whole.sample)
    return gains.judged(estimate, float(np.mean(whole.replicates[:, 0])), window.params.gate.margin)


def _rounds(window: TrainedWindow, whole: SeedFits) -> RoundsCurve:
    """Each seed's model grown to twice the rounds that the first seed's early stopping chose."""
    chosen = whole.models[0].rounds
    counts = sorted({max(1, round(part * chosen)) for part in PARTS})
    pair = refit.binned(window.usecase, whole.settings[0], window.train, window.valid)
    grown = [boosting.grow(full, pair[0], rounds=counts[-1]) for full in whole.settings]
    by_count = {
        count: np.array([_cut(window, booster, count, whole.sample) for booster in grown])
        for count in counts
    }
    gained = window.sign * (by_count[counts[-1]] - by_count[chosen])
    estimate = gains.over_seeds(window, gained, whole.sample)
    figure = float(np.mean(by_count[chosen][:, 0]))
    points = [
        RoundsPoint(**vars(_interval(gains.over_seeds(window, own, whole.sample))), rounds=count)
        for count, own in by_count.items()
    ]
    return RoundsCurve(
        chosen=chosen,
        at_limit=any(m.rounds >= window.params.train.rounds for m in whole.models),
        points=points,
        gain=gains.judged(estimate, figure, window.params.gate.margin),
    )


def _cut(window: TrainedWindow, booster: Any, rounds: int, sample: Resample) -> Array:
    usecase = window.usecase
    raw = bundle.raw_score(
        booster[:rounds],
        usecase.features,
        usecase.offset,
        window.valid,
        usecase.scale,
        len(usecase.classes),
    )
    return window.replicates(calibration.apply(calibration.Calibration(), raw), sample)


def _trials(window: TrainedWindow, whole: SeedFits, figures: Sequence[float]) -> TrialsCurve | None:
    """The search's trials as tune recorded them; None for fewer than two."""
    if len(figures) < 2:
        return None
    level, params = window.labelled.level, window.params
    better = window.sign * np.array(figures)
    noise = paired.spread(whole.replicates[:, 0], level) or 0.0
    gain = gains.of_trials(better, level, params.seed, noise)
    points = [
        TrialsPoint(trials=count, best=window.sign * gains.expected_best(better, count))
        for count in range(1, len(figures) + 1)
    ]
    return TrialsCurve(
        points=points, gain=gains.judged(gain, float(np.max(better)), params.gate.margin)
    )
