"""A table in one file, loaded as the data stage would read it; its delimiter and encoding are detected."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

import duckdb

from plumbline.core import duckdb_session
from plumbline.core.errors import SourceError
from plumbline.core.sql import literal_path
from plumbline.data import delimited, listing
from plumbline.data.delimited import CsvStyle
from plumbline.data.sources import SUFFIXES

TABLE = "source"
"""What the rows are called in DuckDB, as the file has them."""
DELIMITERS = (",", ";", "\t", "|")
HEAD = 1 << 16
"""Bytes that the delimiter is detected from."""
BLOCK = 1 << 22
BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")


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
    if kind == "csv":
        encoding = encoding or _encoding(path)
        style = CsvStyle(delimiter or _delimiter(path, encoding), encoding)
        relation = delimited.relation(path, str(path), style)
    else:
        relation = f"read_parquet([{literal_path(path)}], hive_partitioning=false)"
    _create(connection, path, relation)
    described = duckdb_session.rows(connection, f"DESCRIBE {TABLE}")
    rows = duckdb_session.rows(connection, f"SELECT count(*) FROM {TABLE}")[0][0]
    if not rows:
        raise SourceError(
            f"{path}: no rows; expected at least one below the header (is the export complete?)"
        )
    return TableFile(path, kind, style, {row[0]: row[1] for row in described}, rows)


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


def _create(connection: duckdb.DuckDBPyConnection, path: Path, relation: str) -> None:
    """What DuckDB says of the file becomes one SourceError."""
    try:
        connection.execute(f"CREATE OR REPLACE TABLE {TABLE} AS SELECT * FROM {relation}")
    except duckdb.Error as error:
        problem = delimited.explain(str(error))
        if problem is None:
            reason = str(error).splitlines()[0].rstrip("!.")
            problem = f": not readable: {reason}; check its format, and that it is complete"
        raise SourceError(f"{path}{problem}") from None


def _open(path: Path) -> IO[bytes]:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return path.open("rb")


def _encoding(path: Path) -> str:
    """UTF-16 with a byte order mark, UTF-8 where all bytes are, else Latin-1, which takes any."""
    import codecs

    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with _open(path) as stream:
            first = stream.read(BLOCK)
            if first.startswith(BYTE_ORDER_MARKS):
                return "utf-16"
            block = first
            while block:
                decoder.decode(block)
                block = stream.read(BLOCK)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "latin-1"
    except (gzip.BadGzipFile, EOFError) as error:
        raise SourceError(f"{path}: not a readable .gz file ({error}); export it again") from None
    return "utf-8"


def _delimiter(path: Path, encoding: str) -> str:
    """The one that gives the most columns in the header, the same number in the next line."""
    with _open(path) as stream:
        text = stream.read(HEAD).decode(encoding, errors="replace")
    lines = text.splitlines()[:2]
    return max(DELIMITERS, key=lambda d: _columns(lines, d))


def _columns(lines: list[str], delimiter: str) -> int:
    counts = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
    return counts[0] if counts and len(set(counts)) == 1 else 1
