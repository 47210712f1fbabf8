"""Reads the train and valid tables, searches the space of params.yaml, writes the best parameters.
With `tune.select` it then leaves out features that do not earn their cost.

Trials are compared by the primary metric on the validation window. Beside the best parameters it
writes the table and a plot of the trials.
"""

from __future__ import annotations

import logging
from pathlib import Path

from plumbline import config as params_file
from plumbline.core import documents, files, usecase_loader
from plumbline.metrics import metrics
from plumbline.model.tune_result import TuneResult
from plumbline.runtime import progress, runner
from plumbline.tracking import projection as tracking
from plumbline.tune import parallel_trials, search, selection, trial_report

log = logging.getLogger("plumbline")


def main(name: str, train: Path, valid: Path, best: Path, report: Path) -> None:
    """Search for the booster's parameters of the use case `name`."""
    usecase, params = usecase_loader.load_features(name), params_file.load(name)
    metric, tune = metrics.PRIMARY[usecase.problem], params.tune
    selection.check(usecase, tune)
    tracking.warm()
    higher = metric in metrics.HIGHER_IS_BETTER
    planned = tune.max_evals if tune.space else 1
    runs = parallel_trials.run(
        usecase, tune, params.seed, train, valid, progress.progress_callback(planned)
    )
    where = f"params.yaml, {name}.tune.space"
    result = search.result(runs, metric, tune.params, higher_is_better=higher, where=where)
    chosen = selection.run(usecase, tune, params.seed, result.params, (train, valid))
    result = result.model_copy(update={"selection": chosen})
    with files.replacing_folder(report) as folder:
        selection.write(folder, chosen)
        trial_report.write(folder, runs, metric, higher_is_better=higher)
    documents.write(best, result)
    log.info("tune: %d trials, %d failed; wrote %s, %s", len(runs), result.failed, best, report)
    if chosen is not None:
        left_out = ", ".join(result.dropped) or "none"
        log.info("tune: %d fits to select features; left out: %s", chosen.fits, left_out)
    tracking.record(
        name,
        "tune",
        params={**result.fixed, **result.params},
        metrics=counts(result),
        trials=[nested(t, metric) for t in runs],
        files=sorted(report.iterdir()),
    )


def counts(result: TuneResult) -> dict[str, float | None]:
    """The search's figures as MLflow's metrics."""
    return {
        "metric": result.metric,
        "trials": result.trials,
        "failed": result.failed,
        "best_trial": result.best_trial,
        "rounds": result.rounds,
        **({"features_dropped": len(result.dropped)} if result.selection else {}),
    }


def nested(trial: search.Trial, metric: str) -> tracking.TrialRun:
    """A trial as MLflow's nested run."""
    return tracking.TrialRun(
        f"trial {trial.number}",
        trial.params,
        {metric: trial.metric, "rounds": trial.rounds},
        failed=trial.metric is None,
        tags={"status": trial.status, "reason": trial.reason},
    )


if __name__ == "__main__":
    runner.run(main, frames=False)
