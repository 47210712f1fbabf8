"""Reads the source that params.yaml names, types, sorts and partitions its rows up to the as-of date,
writes a Parquet file per month (events, and outcomes once known), what was served, and a datasheet.

Outcomes are columns of the events, known a fixed delay after each, or have a table of their own."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

from plumbline import config
from plumbline.core import documents, duckdb_session, files, partition_cache, policy
from plumbline.core.usecase_loader import load_contract
from plumbline.data import (
    datasheet,
    erasure,
    filtering,
    month_figures,
    month_files,
    outcome_counts,
    partition,
    read_source,
    served_predictions,
    tracked,
)
from plumbline.data.visible_days import VisibleDays
from plumbline.runtime import runner

log = logging.getLogger("plumbline")


def main(usecase: str, source: Path, raw: Path, served: Path, sheet: Path) -> None:
    """`source`: the folder of the use case's own source; `raw`, `served`: folders; `sheet`: JSON."""
    case, chosen = load_contract(usecase), config.load(usecase)
    for line in policy.check_contract(case):
        log.warning("data: %s", line)
    tracked.check(usecase, chosen.data, source)
    window = VisibleDays(chosen.data.start, chosen.data.as_of)
    own = chosen.data.own_outcomes
    cache = partition_cache.of_stage("data", month_files.LIBRARIES)
    with tempfile.TemporaryDirectory() as scratch, files.replacing_folder(raw) as folder:
        with duckdb_session.connect(Path(scratch)) as connection:
            read = read_source.read(
                connection, case, chosen.data, chosen.seed, source, Path(scratch), cache
            )
            gone = erasure.forget(connection, case, chosen.data.forget) if not read.months else 0
            predictions = served_predictions.of(connection, case, read.sealed)
            left_out, counted = {}, None
            if read.months:
                keys = read.months.write(folder, window)
                counted = month_figures.of(read.months, folder, keys, window)
            else:
                left_out = filtering.leave_out(connection, case)
                partition.views(connection, case, window, own=own)
                partition.write(connection, case, folder, own=own)
            written = datasheet.describe(
                connection, case, read.source, window, read.unused, folder, read.late, counted
            )
        served_predictions.write(served, predictions, written.outcome_rows)
    written = written.model_copy(update={"rows_forgotten": gone} if gone else {})
    written = written.model_copy(update={"rows_left_out": left_out} if left_out else {})
    documents.write(sheet, written)
    cache.trim()
    log.info("data: %d rows, %d outcomes", written.rows, written.outcomes)
    for line in outcome_counts.lines(written.outcome_rows):
        log.info("data: %s", line)
    for line in written.plan.lines if written.plan else ():
        log.warning("data: %s", line)
    for rule, count in left_out.items():
        log.info("data: %d rows left out: not %s", count, rule)


if __name__ == "__main__":
    runner.run(main, frames=False)
