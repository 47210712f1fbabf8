"""Reads the bundle, the reference (test) and the current table; scores both, compares them in whole
weeks, column by column, and judges the quality on labels that are known; writes the verdict as JSON
and a folder with Evidently's report and three pictures.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from plumbline import files, runner
from plumbline import params as params_file
from plumbline import usecase as usecases
from plumbline.features import tables
from plumbline.model import bundle
from plumbline.model.bundle import Bundle
from plumbline.monitoring import drift_pictures, drift_report, monitor_json
from plumbline.monitoring import watch as monitoring
from plumbline.monitoring.window import Window, scorable, window
from plumbline.tracking import projection as tracking
from plumbline.usecase import UseCase

log = logging.getLogger("plumbline")


def main(
    usecase: str, model: Path, reference: Path, current: Path, result: Path, reports: Path
) -> None:
    """Compare the table `current` with `reference` as the bundle in `model` sees them."""
    case, params = usecases.load(usecase), params_file.load(usecase)
    tracking.warm()
    limits = params.monitor
    scorer = bundle.load(model, usecase)
    past = _window(case, scorer, reference)
    now = _window(case, scorer, current, params.data.as_of)
    gain = monitoring.gain_shares(scorer.booster)
    seen = monitoring.observe(case, gain, past, now, limits, params.seed)
    with files.replacing_folder(reports) as folder:
        drift_pictures.draw(folder, seen)
        page = folder / "evidently.html"
        drift_report.write(page, seen, limits, case.problem, scorer.threshold, params.seed)
    files.write_json(result, monitor_json.result(seen))
    log.info("monitor: %s", monitor_json.summary(seen))
    tracking.record(
        usecase,
        "monitor",
        params=limits.model_dump(),
        metrics=monitor_json.figures(seen),
        files=[result, *sorted(reports.iterdir())],
    )


def _window(case: UseCase, scorer: Bundle, path: Path, as_of: object = None) -> Window:
    columns = tables.read(path)
    rows = len(next(iter(columns.values())))
    needed = (*scorer.features, scorer.offset) if scorer.offset else scorer.features
    score = scorer.predict(scorable(columns, needed, rows))
    last = np.datetime64(str(as_of), "D") - 1 if as_of and case.time else None
    log.info("monitor: %s: %s rows, %d columns", path, f"{rows:,}", len(columns))
    return window(case, columns, score, last)


if __name__ == "__main__":
    runner.run(main)
