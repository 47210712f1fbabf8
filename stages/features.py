"""Reads the valid events and outcomes, makes the features, writes snapshots, tiles, model tables, catalog.

Snapshots: a Parquet per month and entity. Tiles: what histories after as_of are added up from. Tables: train, valid, test and current, split by time
with gaps (or by key), each row with its snapshot, fresh and row features and its label if known.
"""

from __future__ import annotations

import logging
from pathlib import Path

from plumbline import config as parameters
from plumbline.core import (
    deprecation,
    documents,
    files,
    partition_cache,
    policy,
    usecase_loader,
)
from plumbline.features import assemble, ibis_session, month_keys, tile_files
from plumbline.runtime import runner

log = logging.getLogger("plumbline")


def main(
    usecase: str, valid: Path, snapshots: Path, tiles: Path, tables: Path, metrics: Path
) -> None:
    """One use case's features; a table without time has no snapshots and no tiles."""
    case, params = usecase_loader.load_features(usecase), parameters.load(usecase)
    policy.check(case)
    for line in deprecation.warned(case):
        log.warning("features: %s", line)
    with (
        ibis_session.connection() as backend,
        files.replacing_folder(snapshots) as days,
        files.replacing_folder(tiles) as sums,
        files.replacing_folder(tables) as rows,
    ):
        if case.time is None:
            report = assemble.untimed(backend, case, params.features, valid, rows)
            tile_files.write_untimed(case, sums)
        else:
            as_of = params.data.as_of
            own = params.features
            late = params.data.own_outcomes
            kept = partition_cache.of_stage("features", month_keys.LIBRARIES)
            report = assemble.timed(
                backend, case, own, as_of, valid, days, rows, sums, own=late, cache=kept
            )
    documents.write(metrics, report)


if __name__ == "__main__":
    runner.run(main)
