"""Reads the bundle, the reference (test) and the current table, what was served, and the history of earlier days; scores
both tables, judges the current days one by one, the quality on labels that are known, and what was really answered;
writes the verdict as JSON and a folder with a page for people, Evidently's report, two plots and the history so far.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from plumbline import config
from plumbline.core import documents, dvc_hash, files, stored_columns, usecase_loader
from plumbline.core.declarations import Array, Columns
from plumbline.core.usecase import UseCase
from plumbline.model import bundle, logged_definitions
from plumbline.model.bundle import Bundle
from plumbline.monitor import (
    build_result,
    day_history,
    drift_plots,
    evidently_report,
    metrics_summary,
    observe,
)
from plumbline.monitor import page as monitor_page
from plumbline.monitor.monitored_columns import gain_shares
from plumbline.monitor.observe import Observation
from plumbline.monitor.params import Monitor
from plumbline.monitor.served import served_files, watch, withheld_labels
from plumbline.monitor.served.feature_skew import ModelMark
from plumbline.monitor.window import ScoredWindow, scorable, window
from plumbline.runtime import runner
from plumbline.tracking import projection as tracking

log = logging.getLogger("plumbline")


def main(
    name: str,
    model: Path,
    reference: Path,
    current: Path,
    served: Path,
    earlier: Path,
    result: Path,
    summary: Path,
    reports: Path,
) -> None:
    """Judge the days of the table `current` by `reference` as the bundle in `model` sees them.

    `name`: the use case's. `served`: the folder of what was served. `earlier`: the history of days judged
    before, as CSV. `summary`: the few figures that DVC's commands show.
    """
    usecase, params = usecase_loader.load(name), config.load(name)
    tracking.warm()
    limits = params.monitor
    scorer = bundle.load(model, name)
    drift_plots.warm()
    past = _window(usecase, scorer, reference)
    now = _window(usecase, scorer, current, params.data.as_of)
    seen = _seen(usecase, scorer, model, (past, now), served, limits, params.seed)
    verdict = build_result.build(seen, limits)
    before = day_history.loads(earlier.read_text(encoding="utf-8"), str(earlier))
    days = day_history.merge(before, day_history.rows(verdict, scorer.manifest.model_md5))
    with files.replacing_folder(reports) as folder:
        drift_plots.draw(folder, seen, days)
        (folder / "history.csv").write_text(day_history.dumps(days), encoding="utf-8")
        if limits.rows:
            page, kind = folder / "evidently.html", usecase.problem
            evidently_report.write(page, seen, limits, kind, scorer.threshold, params.seed)
        monitor_page.write(folder, name, verdict, days)
    documents.write(result, verdict)
    files.write_json(summary, metrics_summary.summary(verdict))
    log.info("monitor: %s", verdict.summary)
    tracking.record(
        name,
        "monitor",
        params=limits.model_dump(),
        metrics=build_result.figures(seen, limits),
        files=[result, *sorted(reports.iterdir())],
    )


def _seen(
    usecase: UseCase,
    scorer: Bundle,
    model: Path,
    windows: tuple[ScoredWindow, ScoredWindow],
    served: Path,
    limits: Monitor,
    seed: int,
) -> Observation:
    gain = gain_shares(scorer.booster)
    sealed = served_files.read(served, windows, len(usecase.classes))
    compared = withheld_labels.without(usecase, scorer, sealed, windows)
    seen = observe.observe(usecase, gain, *compared, limits, seed)
    if not sealed:
        return seen
    mark = ModelMark(dvc_hash.md5(model), logged_definitions.of(usecase))
    watched = watch.watch(usecase, sealed, windows, mark, gain, limits, seed)
    return observe.with_served(seen, watched)


def _window(usecase: UseCase, scorer: Bundle, path: Path, as_of: object = None) -> ScoredWindow:
    columns = stored_columns.opened(path)
    needed = (*scorer.features, scorer.offset) if scorer.offset else scorer.features

    def answer(part: Columns) -> Array:
        return scorer.predict(scorable(part, needed, len(next(iter(part.values())))))

    score = stored_columns.row_by_row(columns, needed, answer)
    last = np.datetime64(str(as_of), "D") - 1 if as_of and usecase.time else None
    log.info("monitor: %s: %s rows, %d columns", path, f"{len(score):,}", len(columns))
    return window(usecase, columns, score, last)


if __name__ == "__main__":
    runner.run(main)
