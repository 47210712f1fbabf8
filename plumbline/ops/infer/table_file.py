"""A table in one file, loaded as the data stage would read it; its delimiter and encoding are detected."""

from __future__ import annotations

import csv
import gzip
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Literal

import duckdb

from plumbline.core import duckdb_session
from plumbline.core.errors import SourceError
from plumbline.data import columnar, csv_text, delimited, listing
from plumbline.data.delimited import CsvStyle
from plumbline.data.sources import SUFFIXES

TABLE = "source"
"""What the rows are called in DuckDB, as the file has them."""
DELIMITERS = (",", ";", "\t", "|")
HEAD = 1 << 16
"""Bytes that the delimiter is detected from."""


@dataclass(frozen=True)
class TableFile:
    """How the file is read, and what is in it: columns with DuckDB's types, rows."""

    path: Path
    kind: Literal["csv", "parquet"]
    style: CsvStyle = field(default_factory=lambda: CsvStyle(",", "utf-8"))
    columns: Mapping[str, str] = field(default_factory=dict)
    rows: int = 0

    @property
    def settings(self) -> dict[str, str]:
        """What of the `data` section is not its default."""
        settings = {"delimiter": self.style.delimiter, "encoding": self.style.encoding}
        defaults = {"delimiter": ",", "encoding": "utf-8"}
        return {k: v for k, v in settings.items() if v != defaults[k]}


def load(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    delimiter: str | None = None,
    encoding: str | None = None,
) -> TableFile:
    """Fill the table TABLE with the file's rows; a CSV's values are texts.

    `delimiter` and `encoding` of a CSV are detected where they are not given. Raises SourceError where
    the file cannot be read.
    """
    kind = _kind(path)
    style = CsvStyle(delimiter or ",", encoding or "utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        if kind == "csv":
            encoding = encoding or csv_text.detect(path, str(path))
            style = CsvStyle(delimiter or _delimiter(path, encoding), encoding)
            copy = Path(scratch) / "text.parquet"
            source = delimited.prepare(path, str(path), style, copy, None)
            _create(connection, path, source.relation, partial(delimited.explain, source))
        else:
            _create(connection, path, columnar.relation(path, str(path), None))
    described = duckdb_session.rows(connection, f"DESCRIBE {TABLE}")
    rows = duckdb_session.rows(connection, f"SELECT count(*) FROM {TABLE}")[0][0]
    if not rows:
        raise SourceError(
            f"{path}: no rows; expected at least one below the header (is the export complete?)"
        )
    return TableFile(path, kind, style, {row[0]: row[1] for row in described}, rows)


def of_query(connection: duckdb.DuckDBPyConnection, name: Path, query: str) -> TableFile:
    """Fill the table TABLE with a query's rows."""
    _create(connection, name, f"({query})")
    described = duckdb_session.rows(connection, f"DESCRIBE {TABLE}")
    rows = duckdb_session.rows(connection, f"SELECT count(*) FROM {TABLE}")[0][0]
    return TableFile(name, "parquet", columns={row[0]: row[1] for row in described}, rows=rows)


def _kind(path: Path) -> Literal["csv", "parquet"]:
    if not path.is_file():
        raise SourceError(f"{path}: no such file; name one that ends with .csv or .parquet")
    if path.stat().st_size == 0:
        raise SourceError(f"{path}: the file is empty (0 bytes); export it again, with its rows")
    if listing.ends(path, SUFFIXES["parquet"]):
        return "parquet"
    if listing.ends(path, SUFFIXES["csv"]):
        return "csv"
    known = ", ".join([*SUFFIXES["csv"], *SUFFIXES["parquet"]])
    raise SourceError(f"{path}: its name ends with none of {known}; convert it, or rename it")


def _create(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    relation: str,
    explain: Callable[[], None] = lambda: None,
) -> None:
    """What DuckDB says of the file becomes one SourceError."""
    try:
        connection.execute(f"CREATE OR REPLACE TABLE {TABLE} AS SELECT * FROM {relation}")
    except duckdb.Error as error:
        explain()
        reason = str(error).splitlines()[0].rstrip("!.")
        raise SourceError(
            f"{path}: not readable: {reason}; check its format, and that it is complete"
        ) from None


def _open(path: Path) -> IO[bytes]:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return path.open("rb")


def _delimiter(path: Path, encoding: str) -> str:
    """The one that gives the most columns in the header, the same number in the next line."""
    with _open(path) as stream:
        text = stream.read(HEAD).decode(encoding, errors="replace")
    lines = text.splitlines()[:2]
    return max(DELIMITERS, key=lambda d: _columns(lines, d))


def _columns(lines: list[str], delimiter: str) -> int:
    counts = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
    return counts[0] if counts and len(set(counts)) == 1 else 1
