"""Reads the train and valid tables, searches the space of params.yaml, writes the best parameters.

One boosting a trial, all on the same binned matrices, compared by the primary metric on the
validation window. Beside the best parameters it writes the table and a picture of the trials.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plumbline import config as params_file
from plumbline.core import files, usecase_loader
from plumbline.core.usecase import FeatureSet
from plumbline.metrics import metrics
from plumbline.model import boosting, matrices
from plumbline.runtime import progress, runner
from plumbline.tracking import projection as tracking
from plumbline.tune import search as tuning
from plumbline.tune import space, trial_report

log = logging.getLogger("plumbline")


def main(usecase: str, train: Path, valid: Path, best: Path, report: Path) -> None:
    """Search for the booster's parameters of `usecase`."""
    case, params = usecase_loader.load_features(usecase), params_file.load(usecase)
    tracking.warm()
    metric = metrics.PRIMARY[case.problem]
    higher = metric in metrics.HIGHER_IS_BETTER
    trials = search(case, params, train, valid, higher_is_better=higher)
    where = f"params.yaml, {usecase}.tune.space"
    result = tuning.summary(
        trials, metric, params.tune.params, higher_is_better=higher, where=where
    )
    with files.replacing_folder(report) as folder:
        trial_report.write(folder, trials, metric, higher_is_better=higher)
    files.write_json(best, result)
    log.info(
        "tune: %d trials, %d failed; wrote %s, %s", len(trials), result["failed"], best, report
    )
    tracking.record(
        usecase,
        "tune",
        params={**params.tune.params, **result["params"]},
        metrics={k: result.get(k) for k in ("metric", "trials", "failed", "best_trial", "rounds")},
        trials=[nested(t, metric) for t in trials],
        files=sorted(report.iterdir()),
    )


def nested(trial: tuning.Trial, metric: str) -> tracking.Trial:
    """A trial as MLflow's nested run."""
    return tracking.Trial(
        f"trial {trial.number}",
        trial.params,
        {metric: trial.metric, "rounds": trial.rounds},
        failed=trial.metric is None,
        tags={"status": trial.status, "reason": trial.reason},
    )


def search(
    case: FeatureSet,
    params: params_file.UseCaseParams,
    train: Path,
    valid: Path,
    *,
    higher_is_better: bool,
) -> tuple[tuning.Trial, ...]:
    """All trials; none where max_evals is 0."""
    tune = params.tune
    if not tune.max_evals:
        return ()
    fixed = boosting.settings(case.problem, tune.params, seed=params.seed, threads=tune.threads)
    learn, watch = matrices.binned(case, fixed, train, valid)
    import xgboost  # its errors; the tables above have loaded it

    def objective(tried: Mapping[str, Any]) -> tuple[float, int]:
        boosted = boosting.boost(
            {**fixed, **tried}, learn, watch, rounds=tune.rounds, early_stopping=tune.early_stopping
        )
        return boosting.score(case.problem, boosted, watch), boosted.rounds

    return tuning.search(
        space.parse(tune.space),
        objective,
        higher_is_better=higher_is_better,
        max_evals=tune.max_evals,
        seed=params.seed,
        failures=(xgboost.core.XGBoostError,),
        told=progress.teller(tune.max_evals if tune.space else 1),
    )


if __name__ == "__main__":
    runner.run(main)
