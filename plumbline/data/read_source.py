"""The source that params.yaml names, read into the table `events`, its outcomes where they are rows of their own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from plumbline.core.partition_cache import PartitionCache
from plumbline.core.usecase import Contract
from plumbline.data import (
    layouts,
    month_files,
    opened_source,
    outcome_table,
    sealed_source,
    sources,
)
from plumbline.data.cluster_parts import ClusterSource
from plumbline.data.month_files import MonthFiles
from plumbline.data.outcome_table import ReadOutcomes
from plumbline.data.params import Data
from plumbline.data.sealed_source import SealedSource
from plumbline.data.sources import EventSource


@dataclass(frozen=True)
class ReadSource:
    """What was read; the columns of it that are not used; outcomes of their own, and sealed days, if there are any."""

    source: EventSource
    unused: list[str]
    late: ReadOutcomes | None
    sealed: SealedSource | None
    months: MonthFiles | None = None  # where it is read month by month, and no table is filled


def read(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    data: Data,
    seed: int,
    folder: Path,
    scratch: Path,
    cache: PartitionCache | None = None,
) -> ReadSource:
    """Fill `events`, and `outcome_rows` where outcomes are rows of their own. PlumblineError where that cannot be done.

    `seed`: of the simulator. `folder`: the use case's own source. `cache`: what is known of months; with one, a source
    of files is read month by month, if that can be done.
    """
    if data.source == "served":
        sealed = sealed_source.read(connection, usecase, data, seed, folder, scratch)
        return ReadSource(sealed.source, sealed.unused, sealed.late, sealed)
    columns = layouts.events(usecase) if data.outcomes else usecase
    opened = sources.open_source(columns, data, seed, folder, scratch)
    opened_source.announce(opened)
    cluster = ClusterSource(columns, data, opened, seed, folder, scratch)
    if cache and not cluster.fits:
        by_month = month_files.read(connection, usecase, data, opened, cache)
        if by_month and by_month.rows(data.start, data.as_of):
            return ReadSource(opened, by_month.unused, None, None, by_month)
    unused = cluster.load(connection)
    late = outcome_table.read(connection, usecase, data, scratch)
    return ReadSource(opened, unused, late, None)
