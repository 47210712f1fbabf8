"""Reads the train and valid tables and what tune found, fits the final model, writes its bundle.

Early stopping, calibration and the decision threshold use the validation window; the test window is
left alone. With `train.refit` the model is boosted again on both.
"""

from __future__ import annotations

import logging
from pathlib import Path

from plumbline import config as params_file
from plumbline.core import documents, dvc_hash, encodings, stored_columns, tables, usecase_loader
from plumbline.metrics import cost_matrix
from plumbline.model import bundle, decision_params, manifest
from plumbline.model.tune_result import TuneResult
from plumbline.runtime import runner
from plumbline.tracking import projection as tracking
from plumbline.train import fitting, training

log = logging.getLogger("plumbline")


def main(name: str, train: Path, valid: Path, tuned: Path, model: Path) -> None:
    """Train the final model of the use case `name` and write its bundle to `model`."""
    declared, params = usecase_loader.load_features(name), params_file.load(name)
    found = documents.read(TuneResult, tuned)
    usecase = found.selected(declared)
    cost_matrix.check(name, params.train.costs, usecase.available)
    decision_params.check(usecase, params.train.decisions)
    decision_params.check_reweigh(usecase, params.train.reweigh)
    tracking.warm()
    settings = fitting.booster_settings(usecase, params.train, found, params.seed)
    columns = stored_columns.opened(
        valid, fitting.needed_columns(usecase, params.train.costs, params.train.decisions)
    )
    fitted = training.fitted(usecase, params.train, settings, (train, valid), columns)
    provenance: dict[str, str | int] = {
        "train": dvc_hash.md5(train),
        "valid": dvc_hash.md5(valid),
        "seed": params.seed,
    }
    if params.train.refit:
        provenance["refit"] = "on train and valid"
    if params.train.workers > 1:
        provenance["workers"] = params.train.workers
    if params.train.reweigh:
        provenance["reweighed"] = f"by {params.train.reweigh.column}"
    learned = encodings.learned(usecase, tables.read(train, encodings.needed(usecase)))
    entries = fitting.manifest_entries(fitted, settings, provenance, learned)
    entries |= manifest.without(declared, found.dropped)
    saved = bundle.save(model, fitted.booster, entries, declared)
    log.info("train: %d rounds, %s; wrote %s", fitted.rounds, saved.manifest.metrics, model)
    tracking.record(
        name,
        "train",
        params={**entries["params"], "rounds": fitted.rounds},
        metrics=saved.manifest.metrics,
        files=(model / bundle.MANIFEST,),
    )


if __name__ == "__main__":
    runner.run(main, frames=False)
