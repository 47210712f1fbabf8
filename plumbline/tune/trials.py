"""The trials of a use case: one boosting each, all on the same binned matrices. An edge: reads tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from plumbline.core.declarations import Columns
from plumbline.core.usecase import FeatureSet
from plumbline.metrics import metrics
from plumbline.model import booster_settings, boosting, matrices, scale
from plumbline.tune import search, space
from plumbline.tune.params import Tune
from plumbline.tune.search import Evaluate, OnTrial, Point, Trial


@dataclass(frozen=True)
class TrialMatrices:
    """The binned matrices that all trials share, XGBoost's fixed settings, and validation's columns
    where its answers are on another scale than the trees'."""

    fixed: Mapping[str, Any]
    pair: tuple[Any, Any]
    columns: Columns | None


def read(usecase: FeatureSet, tune: Tune, seed: int, train: Path, valid: Path) -> TrialMatrices:
    """The tables `train` and `valid`, binned once."""
    check(usecase, tune)
    fixed = boosting.settings(
        usecase.problem,
        tune.params,
        seed=seed,
        threads=tune.threads,
        scale=usecase.scale,
        classes=len(usecase.classes),
    )
    pair = matrices.binned(usecase, fixed, train, valid, tune.limits)
    columns = None
    if usecase.scale != "label":
        columns = matrices.sampled(valid, matrices.needed(usecase), tune.watched)
    return TrialMatrices(fixed, pair, columns)


def searched(
    usecase: FeatureSet,
    tune: Tune,
    seed: int,
    given: TrialMatrices,
    on_trial: OnTrial | None = None,
) -> tuple[Trial, ...]:
    """The trials of `tune` on matrices that are there; `seed` is the search's, theirs has the boosting's."""
    return by(usecase, tune, seed, partial(map, partial(trial, usecase, tune, given)), on_trial)


def by(
    usecase: FeatureSet,
    tune: Tune,
    seed: int,
    evaluate: Evaluate,
    on_trial: OnTrial | None = None,
) -> tuple[Trial, ...]:
    """The trials of `tune`, each round of them run by `evaluate`."""
    return search.search(
        space.parse(tune.space),
        evaluate,
        higher_is_better=metrics.PRIMARY[usecase.problem] in metrics.HIGHER_IS_BETTER,
        max_evals=tune.max_evals,
        seed=seed,
        on_trial=on_trial,
        method=tune.method,
        startup=tune.startup,
        parallel=tune.parallel,
    )


def trial(usecase: FeatureSet, tune: Tune, given: TrialMatrices, point: Point) -> Trial:
    """Run one trial; failed where XGBoost refuses its settings."""
    import xgboost  # its errors; the tables have loaded it

    def objective(params: Mapping[str, Any]) -> tuple[float, int]:
        full = {**given.fixed, **params}
        boosted = boosting.boost(
            full, *given.pair, rounds=tune.rounds, early_stopping=tune.early_stopping
        )
        return figure(usecase, given, boosted), boosted.rounds

    return search.attempt(objective, (xgboost.core.XGBoostError,), point)


def figure(usecase: FeatureSet, given: TrialMatrices, boosted: boosting.Boosted) -> float:
    """The primary metric on the validation window."""
    columns = given.columns
    if columns is None:
        return boosting.score(usecase.problem, boosted, given.pair[1])
    margin = scale.margins(usecase.scale, boosted.booster, given.pair[1])
    answer = scale.answer(usecase.scale, usecase.offset, columns, margin)
    return metrics.primary_figure(usecase.problem, columns[usecase.label].astype(float), answer)


def check(usecase: FeatureSet, tune: Tune) -> None:
    """ParamsError for settings that several classes do not have."""
    if usecase.classes:
        for name, given in (("params", tune.params), ("space", tune.space)):
            booster_settings.check_classes(f"params.yaml, {usecase.name}.tune.{name}", given)
