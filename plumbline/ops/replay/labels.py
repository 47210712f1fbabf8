"""What became of served events: sealed outcomes, those in the log, and those of the data. An edge: DuckDB."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.core import duckdb_session
from plumbline.core.declarations import Array
from plumbline.core.sql import literal_path, quote
from plumbline.core.usecase import Contract
from plumbline.ops.replay.row_sources import RowSources
from plumbline.ops.replay.served_rows import objects
from plumbline.serve.log.reader import LogReader
from plumbline.serve.protocols import LoggedOutcome

GROUP = 50_000
TABLE = "CREATE TABLE labels (key VARCHAR, known_at TIMESTAMP, sequence BIGINT, label VARCHAR)"


class Labels:
    """The label of each key, as it was known at a time: of several the one that was known last."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def of(self, keys: Iterable[Any]) -> Array:
        """The labels as text, object (n,); None where none is known."""
        wanted = [str(key) for key in keys]
        table = pa.table({"place": range(len(wanted)), "key": pa.array(wanted, pa.string())})
        self._connection.register("wanted", table)
        query = "SELECT label FROM wanted LEFT JOIN latest USING (key) ORDER BY place"
        rows = self._connection.execute(query).fetchall()
        self._connection.unregister("wanted")
        return objects([label for (label,) in rows])


@contextmanager
def opened(
    usecase: Contract, sources: RowSources, valid: Path | None, until: date, scratch: Path
) -> Iterator[Labels]:
    """The labels that were known before the day `until`, from all that there is.

    `valid`: the folder of the data's outcomes; None for none.
    """
    with duckdb_session.connect(scratch) as connection:
        connection.execute(TABLE)
        for one in sources.every:
            if one.statement.rows["outcomes"]:
                _insert(connection, usecase, one.file("outcomes"))
        _insert_log(connection, usecase, sources)
        for path in sorted(valid.glob("outcomes-*.parquet")) if valid else ():
            _insert(connection, usecase, path)
        connection.execute(
            "CREATE TABLE latest AS SELECT key, arg_max(label, (known_at, sequence)) AS label FROM labels "
            f"WHERE label IS NOT NULL AND known_at < TIMESTAMP '{until}' GROUP BY key"
        )
        yield Labels(connection)


def _insert(connection: Any, usecase: Contract, path: Path) -> None:
    """Outcomes of a Parquet file of the data, or of a sealed day."""
    names = pq.read_schema(path).names
    known = "known_at" if "known_at" in names else "TIMESTAMP '-infinity'"
    sequence = "sequence" if "sequence" in names else "0"
    connection.execute(
        f"INSERT INTO labels SELECT CAST({quote(usecase.key)} AS VARCHAR), {known}, {sequence}, "
        f"CAST(CAST({quote(usecase.label)} AS {_kind(usecase)}) AS VARCHAR) FROM read_parquet({literal_path(path)})"
    )


def _kind(usecase: Contract) -> str:
    """Labels as one type, so that 1, 1.0 and true are one text."""
    return "VARCHAR" if usecase.problem == "multiclass" else "DOUBLE"


def _insert_log(connection: Any, usecase: Contract, sources: RowSources) -> None:
    """Outcomes of the log that are not sealed."""
    reader = LogReader(sources.log)
    last = sources.every[-1].statement.last_sequence if sources.every else 0
    rows = (one for one in reader.rows(last) if isinstance(one, LoggedOutcome))
    while group := list(islice(rows, GROUP)):
        _insert_rows(connection, usecase, group)


def _insert_rows(connection: Any, usecase: Contract, rows: list[LoggedOutcome]) -> None:
    table = pa.table(
        {
            "key": pa.array([str(r.key) for r in rows], pa.string()),
            "known_at": pa.array([r.known_at for r in rows], pa.timestamp("us")),
            "sequence": pa.array([r.sequence for r in rows], pa.int64()),
            "label": pa.array(
                [_text(usecase, r.values.get(usecase.label)) for r in rows], pa.string()
            ),
        }
    )
    connection.register("given", table)
    connection.execute("INSERT INTO labels SELECT * FROM given")
    connection.unregister("given")


def _text(usecase: Contract, value: Any) -> str | None:
    if value is None:
        return None
    return str(value) if usecase.problem == "multiclass" else str(float(value))
