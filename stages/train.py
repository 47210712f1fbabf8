"""Reads the train and valid tables and what tune found, boosts the final model, writes the bundle.

Early stopping, calibration and the decision threshold use the validation window; the test window is
left alone.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plumbline import config as params_file
from plumbline.core import dvc_hash, files, tables, usecase_loader
from plumbline.core.usecase import FeatureSet
from plumbline.metrics import cost_matrix, metrics
from plumbline.model import boosting, bundle, calibration, manifest, matrices, threshold
from plumbline.runtime import runner
from plumbline.tracking import projection as tracking
from plumbline.train.params import Train

log = logging.getLogger("plumbline")


def main(usecase: str, train: Path, valid: Path, tuned: Path, model: Path) -> None:
    """Train the final model of `usecase` and write its bundle to `model`."""
    case, params = usecase_loader.load_features(usecase), params_file.load(usecase)
    cost_matrix.check(usecase, params.train.costs, case.available)
    tracking.warm()
    found = files.read_json(tuned)
    settings = boosting.settings(
        case.problem,
        {
            **found["fixed"],
            **params.train.params,
            **found["params"],
            **boosting.monotone(case, params.train.monotone),
        },
        seed=params.seed,
        threads=params.train.threads,
    )
    boosted = boost(case, settings, params.train, train, valid)
    described = describe(case, boosted, params.train, valid)
    provenance = {"train": dvc_hash.md5(train), "valid": dvc_hash.md5(valid), "seed": params.seed}
    pure = {k: v for k, v in settings.items() if k != "nthread"}
    saved = bundle.save(
        model, boosted.booster, {**described, "params": pure, "provenance": provenance}
    )
    log.info("train: %d rounds, %s; wrote %s", boosted.rounds, saved.manifest.metrics, model)
    tracking.record(
        usecase,
        "train",
        params={**pure, "rounds": boosted.rounds},
        metrics=saved.manifest.metrics,
        files=(model / bundle.MANIFEST,),
    )


def boost(
    case: FeatureSet, settings: Mapping[str, Any], how: Train, train: Path, valid: Path
) -> boosting.Boosted:
    """The final booster, cut at its best round on `valid`."""
    learn, watch = matrices.binned(case, settings, train, valid)
    log.info(
        "train: %d rows, %d features, %d rows watched",
        learn.num_row(),
        learn.num_col(),
        watch.num_row(),
    )
    return boosting.boost(
        settings, learn, watch, rounds=how.rounds, early_stopping=how.early_stopping
    )


def describe(
    case: FeatureSet, boosted: boosting.Boosted, how: Train, valid: Path
) -> dict[str, Any]:
    """The manifest but for params and provenance: what is fitted on the validation window."""
    money = how.costs.columns if how.costs else []
    columns = tables.read(valid, list(dict.fromkeys([*matrices.needed(case), *money])))
    raw = bundle.raw_score(boosted.booster, case.features, case.offset, columns)
    label = columns[case.label].astype(float)
    fitted = calibration.Calibration()
    if case.problem == "classification":
        fitted = calibration.fit(how.calibration, raw, label)
    answer = calibration.apply(fitted, raw)
    figure = metrics.mae if case.problem == "regression" else metrics.average_precision
    return {
        **manifest.describe(case),
        "calibration": fitted.as_json(),
        "threshold": threshold.choose(case, columns, answer, how.costs),
        "rounds": boosted.rounds,
        "metrics": {metrics.PRIMARY[case.problem]: figure(label, answer)},
    }


if __name__ == "__main__":
    runner.run(main)
