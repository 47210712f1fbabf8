"""Quality against the age of features: on time, an hour, a day, a week. An edge: reads events and the bundle."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np

from plumbline import config as params_file
from plumbline.config import UseCaseParams
from plumbline.core import history_ages, usecase_loader
from plumbline.core.declarations import Array, Columns
from plumbline.core.documents import finite
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import UseCase
from plumbline.evaluate import assessment, slices
from plumbline.evaluate.evidence import LabelledWindow
from plumbline.metrics import bootstrap, metrics
from plumbline.metrics.interval import Interval
from plumbline.model import bundle, manifest, segments
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.review import paired
from plumbline.studies.freshness import aged_features
from plumbline.studies.freshness.freshness_record import AgedFigure, AgedGroup, FreshnessRecord

AGES = (1.0, 24.0, 168.0)
"""Hours, beside on time."""

log = logging.getLogger("plumbline")


@dataclass(frozen=True)
class ScoredAges:
    """Hours (k,), the events' columns, and by age the scores (n,), on time first."""

    hours: Sequence[float]
    columns: Sequence[Columns]
    scores: Sequence[Array]
    history: Mapping[str, Array]


def study(root: Path, name: str, hours: Sequence[float] = AGES) -> FreshnessRecord:
    """The record for these ages in hours, beside on time, with the bundle on disk."""
    usecase, params = usecase_loader.load(name), params_file.load(name, root / "params.yaml")
    _check(hours)
    model = bundle.load(artifacts.path(name, Role.BUNDLE, root), name)
    _check_definitions(usecase, model)
    scored = _scored(usecase, params, model, root, (0.0, *sorted(set(hours))))
    window = assessment.window(usecase, params.evaluation, scored.columns[0], None)
    return FreshnessRecord(
        usecase=name,
        title=usecase.title,
        metric_name=window.primary,
        level=window.level,
        margin=params.gate.margin,
        model_md5=model.manifest.model_md5,
        rows=len(window.label),
        days=0 if window.day is None else len(np.unique(window.day)),
        ages=[
            _figure(window, model, scored, place, params.gate.margin)
            for place in range(len(scored.hours))
        ],
        groups=_groups(usecase, window, scored),
    )


def _check(hours: Sequence[float]) -> None:
    odd = [one for one in hours if not 0 < one <= 24 * 365]
    if odd:
        raise PlumblineError(
            f"--hours {odd[0]:g}: expected an age above 0 and of at most a year, in hours"
        )


def _check_definitions(usecase: UseCase, model: bundle.Bundle) -> None:
    """PlumblineError where the features that are computed here are not those that the bundle learned."""
    if manifest.definitions(usecase) != model.manifest.definitions:
        raise PlumblineError(
            f"usecases/{usecase.name}/features.py: the features are not those that this model learned; run "
            f"`dvc repro train@{usecase.name}`, or check out the model's commit"
        )


def _scored(
    usecase: UseCase,
    params: UseCaseParams,
    model: bundle.Bundle,
    root: Path,
    hours: Sequence[float],
) -> ScoredAges:
    valid = artifacts.path(usecase.name, Role.VALID_EVENTS, root)
    with aged_features.opened(usecase, params, valid) as history:
        parts = []
        for age in hours:
            parts.append(aged_features.aged(history, timedelta(hours=age)))
            log.info("freshness: %g hours, %d rows", age, len(parts[-1][usecase.key]))
        seen = aged_features.ages(history)
    if not len(parts[0][usecase.key]):
        raise PlumblineError(
            f"{usecase.name}: no event of the test window has a label; widen features.test_days"
        )
    *columns, ages = aged_features.common([*parts, seen], usecase.key)
    return ScoredAges(hours, columns, [model.predict(part) for part in columns], ages)


def _figure(
    window: LabelledWindow, model: bundle.Bundle, scored: ScoredAges, place: int, margin: float
) -> AgedFigure:
    sample = window.sample()
    fresh, old = (
        metrics.primary(window.problem, window.label, scored.scores[n], sample) for n in (0, place)
    )
    noise = paired.MetricNoise(margin, np.zeros(0))
    apart = paired.difference(window, window.primary, fresh, old, sample, noise).difference
    own, base = (scored.columns[n] for n in (place, 0))
    changed = [~_same(own[name], base[name]) for name in model.features]
    return AgedFigure(
        hours=scored.hours[place],
        changed=float(np.mean(np.logical_or.reduce(changed))),
        metric=_interval(window.estimate(old, sample)),
        difference=Interval(value=apart.value, low=apart.low, high=apart.high),
        relative=apart.relative,
        word=apart.word,
    )


def _same(one: Array, other: Array) -> Array:
    a, b = one.astype(np.float64), other.astype(np.float64)
    return np.asarray((a == b) | (np.isnan(a) & np.isnan(b)))


def _groups(
    usecase: UseCase, window: LabelledWindow, scored: ScoredAges
) -> dict[str, dict[str, AgedGroup]]:
    """By entity, the events by the age of their newest history."""
    result = {}
    for entity in history_ages.entities(usecase):
        names = segments.between(scored.history[history_ages.column(entity)], history_ages.EDGES)
        ordered = slices.ordered(set(names.tolist()), history_ages.EDGES)
        result[entity.name] = {n: _group(window, scored, names == n) for n in ordered}
    return result


def _group(window: LabelledWindow, scored: ScoredAges, rows: Array) -> AgedGroup:
    part = replace(
        window, label=window.label[rows], day=None if window.day is None else window.day[rows]
    )
    sample = part.sample()
    figures = [
        metrics.primary(part.problem, part.label, score[rows], sample) for score in scored.scores
    ]
    return AgedGroup(
        rows=int(rows.sum()),
        metric=_interval(part.estimate(figures[0], sample)),
        differences={
            f"{hours:g}": _interval(part.estimate(own - figures[0], sample))
            for hours, own in zip(scored.hours[1:], figures[1:], strict=True)
        },
    )


def _interval(estimate: bootstrap.Estimate) -> Interval:
    plain = Interval.from_estimate(estimate)
    ends = (
        finite(v) if v is not None and not math.isnan(v) else None for v in vars(plain).values()
    )
    return Interval(**dict(zip(("value", "low", "high"), ends, strict=True)))
