"""Reads the bundle, the reference (test) and the current table, and the history of earlier days;
scores both, judges the current days one by one, and the quality on labels that are known; writes the
verdict as JSON and a folder with a page for people, Evidently's report, two pictures and the history
with these days.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from plumbline import config as params_file
from plumbline.core import files, tables
from plumbline.core import usecase as usecases
from plumbline.core.usecase import UseCase
from plumbline.model import bundle
from plumbline.model.bundle import Bundle
from plumbline.monitor import binning, drift_plots, evidently_report, history
from plumbline.monitor import observe as monitoring
from plumbline.monitor import page as monitor_page
from plumbline.monitor import result as monitor_json
from plumbline.monitor.window import Window, scorable, window
from plumbline.runtime import runner
from plumbline.tracking import projection as tracking

log = logging.getLogger("plumbline")


def main(
    usecase: str,
    model: Path,
    reference: Path,
    current: Path,
    earlier: Path,
    result: Path,
    reports: Path,
) -> None:
    """Judge the days of the table `current` by `reference` as the bundle in `model` sees them.

    `earlier`: the history of days judged before, as CSV.
    """
    case, params = usecases.load(usecase), params_file.load(usecase)
    tracking.warm()
    limits = params.monitor
    scorer = bundle.load(model, usecase)
    past = _window(case, scorer, reference)
    now = _window(case, scorer, current, params.data.as_of)
    gain = binning.gain_shares(scorer.booster)
    seen = monitoring.observe(case, gain, past, now, limits, params.seed)
    told = monitor_json.result(seen, limits)
    before = history.loads(earlier.read_text(encoding="utf-8"), str(earlier))
    days = history.merge(before, history.rows(told, scorer.manifest.model_md5))
    with files.replacing_folder(reports) as folder:
        drift_plots.draw(folder, seen, days)
        (folder / "history.csv").write_text(history.dumps(days), encoding="utf-8")
        page = folder / "evidently.html"
        evidently_report.write(page, seen, limits, case.problem, scorer.threshold, params.seed)
        monitor_page.write(folder, usecase, told, days)
    files.write_json(result, told)
    log.info("monitor: %s", monitor_json.summary(seen))
    tracking.record(
        usecase,
        "monitor",
        params=limits.model_dump(),
        metrics=monitor_json.figures(seen, limits),
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
