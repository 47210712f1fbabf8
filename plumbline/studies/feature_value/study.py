"""One use case's features: what each brings in several trainings beside noise, what it costs, who earns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.config import UseCaseParams
from plumbline.core import dvc_hash, row_features, tables
from plumbline.core.declarations import Columns
from plumbline.core.usecase import UseCase
from plumbline.features import catalog
from plumbline.model import bundle, scale, tune_result
from plumbline.serve import single_event
from plumbline.studies.feature_value import shadow_features, timing
from plumbline.studies.feature_value.feature_value_document import (
    FeatureCosts,
    FeatureValueStudy,
    FeatureWorth,
    MeasuredOn,
    Yardsticks,
)
from plumbline.studies.feature_value.shadow_features import (
    FeatureContribution,
    TrainingSettings,
    TrainingWindow,
)

EVENTS = 1000
"""Of the history whose reading is timed."""
ROWS = 50_000
"""Of the batch whose features are timed, at most."""


def study(
    usecase: UseCase,
    params: UseCaseParams,
    train: Path,
    valid: Path,
    model: Path,
    *,
    seeds: int,
    noise: int,
) -> FeatureValueStudy:
    """A line per feature, with the md5s of what it was measured on."""
    manifest = bundle.load(model, usecase.name).manifest
    usecase = tune_result.without(usecase, manifest.dropped)
    full = {**manifest.params, "nthread": params.train.threads}
    settings = TrainingSettings(
        usecase.problem, full, params.train.rounds, params.train.early_stopping, usecase.native
    )
    learn, watch = tables.read(train), tables.read(valid)
    pair = _table(usecase, learn), _table(usecase, watch)
    runs = [
        shadow_features.once(usecase.features, pair[0], pair[1], settings, noise, params.seed + s)
        for s in range(seeds)
    ]
    costs = _costs(usecase, {n: v[:ROWS] for n, v in learn.items()})
    return FeatureValueStudy(
        usecase=usecase.name,
        of=MeasuredOn(
            train=dvc_hash.md5(train), valid=dvc_hash.md5(valid), model=manifest.definitions
        ),
        seeds=seeds,
        noise=noise,
        yardsticks=costs.yardsticks,
        features=lines(usecase, runs, costs),
    )


def lines(
    usecase: UseCase,
    runs: Sequence[tuple[Mapping[str, FeatureContribution], Sequence[FeatureContribution]]],
    costs: FeatureCosts,
) -> list[FeatureWorth]:
    """Per feature: share of the gain, runs won against every shadow, loss, costs; the best first.

    A feature earns its place where its gain, or what the metric on `valid` loses without it, is above
    every shadow's in more than half of the runs. (Gain alone favours columns of many values: Strobl et
    al., BMC Bioinformatics 8, 2007.)
    """
    kinds = {e.name: e.kind for e in catalog.entries(usecase)}
    result = []
    for name in usecase.features:
        gains = [brought[name].gain / _total(brought) for brought, _ in runs]
        won = sum(b[name].gain > max((s.gain for s in noise), default=0.0) for b, noise in runs)
        missed = sum(b[name].loss > max((s.loss for s in noise), default=0.0) for b, noise in runs)
        worth = FeatureWorth(
            name=name,
            kind=kinds[name],
            sources=list(catalog.sources(usecase, name)),
            gain=_mean(gains),
            won=won,
            loss=_mean([brought[name].loss for brought, _ in runs]),
            missed=missed,
            earns=max(won, missed) > len(runs) / 2,
            us_per_row=costs.row.get(name, 0.0),
            us_per_request=costs.request.get(name, 0.0),
        )
        result.append(worth)
    return sorted(result, key=lambda line: (-line.gain, line.name))


def too_expensive(yardsticks: Yardsticks, features: Sequence[FeatureWorth]) -> list[str]:
    """Features that cost more than what is allowed, in words."""
    row, request = yardsticks.row, yardsticks.request
    out = []
    for line in features:
        if line.us_per_row > timing.PER_ROW * row:
            out.append(f"{line.name}: {line.us_per_row:.3g} µs per row of a batch")
        if line.us_per_request > timing.PER_REQUEST * request:
            out.append(f"{line.name}: {line.us_per_request:.3g} µs per request")
    return out


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0


def _total(brought: Mapping[str, FeatureContribution]) -> float:
    return sum(b.gain for b in brought.values()) or 1.0


def _table(usecase: UseCase, columns: Columns) -> TrainingWindow:
    label = scale.learned(usecase, columns)
    offset = scale.start(usecase.scale, usecase.offset, columns)
    return TrainingWindow(row_features.matrix(usecase.features, columns), label, offset)


def _costs(usecase: UseCase, columns: Columns) -> FeatureCosts:
    """Per row and per request, in microseconds, and the yardsticks of the same minute."""
    rows = len(columns[usecase.key])
    yardsticks = Yardsticks(row=timing.root(rows), request=timing.lookup())
    request: Mapping[str, float] = {}
    if usecase.time is not None:
        past, at = _past(usecase, columns)
        request = timing.fetch(usecase, past, at)
    return FeatureCosts(timing.batch(usecase, columns), request, yardsticks)


def _past(usecase: UseCase, columns: Columns) -> tuple[dict[str, single_event.History], Any]:
    """A history of the table's first events as if of one of each entity, and the day after them."""
    names = [*(c.name for c in usecase.columns if c.name in columns)]
    rows = min(EVENTS, len(columns[usecase.key]))
    plain = {n: columns[n][:rows].tolist() for n in names}
    events = [{n: plain[n][i] for n in names} for i in range(rows)]
    known = [c.name for c in usecase.known]
    first = [{n: e[n] for n in known} for e in events]
    outcomes = [{**e, "known_at": e[str(usecase.time)] + usecase.delay} for e in events]
    outcomes = [
        {n: o[n] for n in (usecase.key, "known_at", *(c.name for c in usecase.unknown)) if n in o}
        for o in outcomes
    ]
    derived = single_event.with_derived(usecase, first, outcomes)
    built = {e.name: single_event.history(usecase, e, derived, outcomes) for e in usecase.entities}
    return built, max(e[str(usecase.time)] for e in events) + timedelta(days=1)
