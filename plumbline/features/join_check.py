"""Whether the stored histories in written model tables are those that Feast's point-in-time join gives: on some rows.

Those rows are joined a second time, by Feast, from the snapshots. A value that is not equal to the bit stops the stage.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.core import tables
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.features import ibis_session, store
from plumbline.features.past import Past

log = logging.getLogger("plumbline")
ROWS = 2_000
"""Rows of each table that are joined by Feast as well; all where a table has no more."""
GROUPS = 8
"""Row groups that they are drawn from, at most, evenly from the first to the last."""


def check(past: Past, paths: Iterable[Path], snapshots: Path) -> None:
    """Compare model tables of the past's events with Feast's join of the folder `snapshots`.

    Raises PlumblineError naming the first value that is another.
    """
    usecase = past.usecase
    names = [usecase.key, *(s.name for s in usecase.stored)]
    if len(names) == 1:
        return
    written = pa.concat_tables(_some(path, names) for path in paths)
    keys = ibis_session.lend(past.backend, written.select([usecase.key]))
    events = past.events.semi_join(keys, usecase.key)
    joined = store.join_snapshots(usecase, events, snapshots).select(names)
    order = [(usecase.key, "ascending")]
    _compare(usecase, written.sort_by(order), joined.to_pyarrow().sort_by(order))
    log.info("features: %d rows of the tables joined by Feast as well: equal", written.num_rows)


def _some(path: Path, names: list[str]) -> Any:
    """Some rows of a model table, spread evenly."""
    file = pq.ParquetFile(path)
    every = file.metadata.num_row_groups
    groups = np.unique(np.linspace(0, every - 1, min(every, GROUPS)).round().astype(int))
    most = -(-ROWS // len(groups))
    parts = []
    for group in groups.tolist():
        rows = file.read_row_group(group, columns=names)
        places = np.unique(np.linspace(0, rows.num_rows - 1, most).round().astype(int))
        parts.append(rows.take(pa.array(places)))
    return pa.concat_tables(parts)


def _compare(usecase: FeatureSet, written: Any, joined: Any) -> None:
    if written.column(usecase.key).to_pylist() != joined.column(usecase.key).to_pylist():
        raise PlumblineError(
            f"{usecase.name}: expected {written.num_rows} rows from Feast's join, found {joined.num_rows}; "
            "set features.join to direct, and report this with the versions of feast and duckdb"
        )
    for spec in usecase.stored:
        own, other = (tables.numpy(table.column(spec.name)) for table in (written, joined))
        apart = np.flatnonzero(~((own == other) | (np.isnan(own) & np.isnan(other))))
        if len(apart):
            place = int(apart[0])
            key = written.column(usecase.key)[place].as_py()
            raise PlumblineError(
                f"{usecase.name}: '{spec.name}' of {usecase.key} {key} is {own[place]!s} by the direct join, and "
                f"{other[place]!s} by Feast's, in {len(apart)} of {len(own)} rows; expected equal values. No table is "
                "replaced; set features.join to feast or direct, and report this with the versions of feast and duckdb"
            )
