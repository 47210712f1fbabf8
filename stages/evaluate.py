"""Reads the bundle, three tables and what earlier stages measured; evaluates the model against baselines
and policies, by slice, group and month, and passes or fails it with reasons; writes the figures, a
report and the curves as tables. A model that passes becomes MLflow's challenger.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from plumbline import config as params_file
from plumbline.core import documents, dvc_hash, files, usecase_loader
from plumbline.evaluate import (
    evaluation,
    gap_limits,
    label_level,
    metrics_summary,
    model_card,
    picture_process,
    reporting,
    reweighed,
    sections,
)
from plumbline.evaluate.evaluate_document import DataOrigin
from plumbline.metrics import cost_matrix
from plumbline.model import bundle
from plumbline.runtime import bundle_latency, runner
from plumbline.tracking import projection as tracking

log = logging.getLogger("plumbline")


def main(
    name: str,
    model: Path,
    train: Path,
    valid: Path,
    test: Path,
    datasheet: Path,
    validated: Path,
    featured: Path,
    metrics: Path,
    summary: Path,
    report: Path,
    plots: Path,
) -> None:
    """Evaluate the bundle of the use case `name` on the table `test`; `train` fits the baselines.

    `summary`: the few figures that DVC's commands show.
    """
    usecase, params = usecase_loader.load(name), params_file.load(name)
    cost_matrix.check(name, params.train.costs, usecase.available)
    gap_limits.check(usecase, params.evaluate.max_gaps)
    tracking.warm()
    windows = train, valid, test
    with picture_process.beside(windows) as pictures:
        scorer = bundle.load(model, name)
        rows = reporting.read_rows(usecase, params.evaluate.linear_rows, *windows)
        data = _origin((datasheet, validated, featured), windows)
        result = evaluation.run(usecase, params.evaluation, scorer, rows, data)
        result = reweighed.with_price(
            usecase, params.evaluation, params.train.reweigh, scorer, (train, valid), result, rows
        )
        reporting.write(usecase, result, report, plots, pictures)
    documents.write(metrics, result.document)
    files.write_json(summary, metrics_summary.summary(result.document))
    gate, rows_judged = result.document.gate, result.document.rows.test
    reasons = "; ".join(gate.reasons)
    log.info("evaluate: %d rows; %s: %s", rows_judged, gate.verdict, reasons)
    if growth := label_level.sentence(result.document.data.windows):
        log.info("evaluate: %s", growth)
    latency = bundle_latency.noted(model, usecase, rows.test)
    run = tracking.record(
        name,
        "evaluate",
        params=params.evaluate.model_dump(),
        metrics={**result.flat, **latency},
        files=(report / model_card.MARKDOWN,),
    )
    if result.passed:
        tracking.register(name, model, run, "challenger", {"verdict": "pass"})


def _origin(measured: Sequence[Path], windows: Sequence[Path]) -> DataOrigin:
    """What the stages before measured, and the md5 of each window's table."""
    md5s = {path.stem: dvc_hash.md5(path) for path in windows}
    return sections.data([files.read_json(path) for path in measured], md5s)


if __name__ == "__main__":
    runner.run(main, frames=False)
