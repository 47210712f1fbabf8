"""The trials of a use case: one boosting each, all on the same binned matrices. An edge: reads tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plumbline.core import tables
from plumbline.core.usecase import FeatureSet
from plumbline.metrics import metrics
from plumbline.model import boosting, matrices, scale
from plumbline.tune import search, space
from plumbline.tune.params import Tune
from plumbline.tune.search import OnTrial, Trial


def run(
    usecase: FeatureSet, tune: Tune, seed: int, train: Path, valid: Path, on_trial: OnTrial
) -> tuple[Trial, ...]:
    """All trials, compared by the primary metric on the table `valid`; none where max_evals is 0.

    A trial whose settings XGBoost refuses is kept as failed. `on_trial` is called after each.
    """
    if not tune.max_evals:
        return ()
    fixed = boosting.settings(
        usecase.problem, tune.params, seed=seed, threads=tune.threads, scale=usecase.scale
    )
    pair = matrices.binned(usecase, fixed, train, valid)
    import xgboost  # its errors; the tables above have loaded it

    columns = None if usecase.scale == "label" else tables.read(valid, matrices.needed(usecase))

    def figure(boosted: boosting.Boosted) -> float:
        if columns is None:
            return boosting.score(usecase.problem, boosted, pair[1])
        margin = scale.margins(usecase.scale, boosted.booster, pair[1])
        answer = scale.answer(usecase.scale, usecase.offset, columns, margin)
        return metrics.primary_figure(usecase.problem, columns[usecase.label].astype(float), answer)

    def objective(params: Mapping[str, Any]) -> tuple[float, int]:
        boosted = boosting.boost(
            {**fixed, **params}, *pair, rounds=tune.rounds, early_stopping=tune.early_stopping
        )
        return figure(boosted), boosted.rounds

    return search.search(
        space.parse(tune.space),
        objective,
        higher_is_better=metrics.PRIMARY[usecase.problem] in metrics.HIGHER_IS_BETTER,
        max_evals=tune.max_evals,
        seed=seed,
        failures=(xgboost.core.XGBoostError,),
        on_trial=on_trial,
    )
