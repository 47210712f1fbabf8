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
from plumbline.ops.replay.served_rows import objects
from plumbline.serve.log import day_files
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
        asked = [str(key) for key in keys]
        table = pa.table({"place": range(len(asked)), "key": pa.array(asked, pa.string())})
        self._connection.register("asked", table)
        query = "SELECT label FROM asked LEFT JOIN latest USING (key) ORDER BY place"
        rows = self._connection.execute(query).fetchall()
        self._connection.unregister("asked")
        return objects([label for (label,) in rows])


@contextmanager
def opened(
    usecase: Contract, sealed: Path, log: Path, valid: Path | None, until: date, scratch: Path
) -> Iterator[Labels]:
    """The labels that were known before the day `until`, from all that there is.

    `valid`: the folder of the data's outcomes; None for none.
    """
    with duckdb_session.connect(scratch) as connection:
        connection.execute(TABLE)
        for path in sorted(sealed.glob("outcomes-*.parquet")) if sealed.is_dir() else ():
            _insert(connection, usecase, path, sealed_form=True)
        _insert_log(connection, usecase, log, sealed)
        for path in sorted(valid.glob("outcomes-*.parquet")) if valid else ():
            _insert(connection, usecase, path, sealed_form=False)
        connection.execute(
            "CREATE TABLE latest AS SELECT key, arg_max(label, (known_at, sequence)) AS label FROM labels "
            f"WHERE label IS NOT NULL AND known_at < TIMESTAMP '{until}' GROUP BY key"
        )
        yield Labels(connection)


def _insert(connection: Any, usecase: Contract, path: Path, *, sealed_form: bool) -> None:
    """Outcomes of a Parquet file. In a sealed one the late columns may stand in a struct `outcome`."""
    names = pq.read_schema(path).names
    label = f"outcome.{quote(usecase.label)}" if "outcome" in names else quote(usecase.label)
    key = "key" if sealed_form and "key" in names else quote(usecase.key)
    known = "known_at" if "known_at" in names else "TIMESTAMP '-infinity'"
    sequence = "sequence" if "sequence" in names else "0"
    connection.execute(
        f"INSERT INTO labels SELECT CAST({key} AS VARCHAR), {known}, {sequence}, "
        f"CAST(CAST({label} AS {_kind(usecase)}) AS VARCHAR) FROM read_parquet({literal_path(path)})"
    )


def _kind(usecase: Contract) -> str:
    """Labels as one type, so that 1, 1.0 and true are one text."""
    return "VARCHAR" if usecase.problem == "multiclass" else "DOUBLE"


def _insert_log(connection: Any, usecase: Contract, log: Path, sealed: Path) -> None:
    """Outcomes of the days of the log that are not sealed."""
    reader = LogReader(log)
    for day in sorted({file.date for file in day_files.listed(log)}):
        if not (sealed / f"outcomes-{day}.parquet").is_file():
            rows = (one for one in reader.day(day) if isinstance(one, LoggedOutcome))
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
