"""SQL for DuckDB: identifiers, literals, and the contract's types."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from plumbline.core.declarations import Column, ColumnType

TYPES: Mapping[ColumnType, str] = {
    "int": "BIGINT",
    "float": "DOUBLE",
    "string": "VARCHAR",
    "bool": "BOOLEAN",
    "timestamp": "TIMESTAMP",
}
"""The contract's types in DuckDB. Timestamps are in microseconds and bear no zone."""

PARQUET = "FORMAT parquet, COMPRESSION zstd"
"""How COPY writes the files of data and validate."""


def quote(name: str) -> str:
    """`name` as an identifier.

    >>> quote("two words")
    '"two words"'
    """
    return '"' + name.replace('"', '""') + '"'


def delayed(time: str, days: int, hours: int, minutes: int = 0) -> str:
    """The SQL of `time`, itself SQL, and a delay after it.

    >>> delayed("at", 2, 0), delayed("at", 0, 6)
    ('at + to_days(2)', 'at + to_days(0) + to_hours(6)')
    """
    hourly = f" + to_hours({hours})" if hours else ""
    return f"{time} + to_days({days}){hourly}" + (f" + to_minutes({minutes})" if minutes else "")


def literal(value: str | int | bool | Path) -> str:
    """`value` as a literal; a path with forward slashes.

    >>> literal("it's"), literal(3), literal(True), literal(Path("a/b"))
    ("'it''s'", '3', 'TRUE', "'a/b'")
    """
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    text = value.as_posix() if isinstance(value, Path) else value
    return "'" + text.replace("'", "''") + "'"


def literal_path(path: Path) -> str:
    """One file's path as a literal where DuckDB expects a pattern: its *, ? and [ mean themselves.

    >>> literal_path(Path("a/t[1].csv"))
    "'a/t[[]1].csv'"
    """
    return literal(re.sub(r"([*?\[])", r"[\1]", path.as_posix()))


def no_rows(columns: Iterable[Column]) -> str:
    """A query that gives these columns, typed, and no row."""
    typed = ", ".join(f"NULL::{TYPES[c.type]} AS {quote(c.name)}" for c in columns)
    return f"SELECT {typed} WHERE FALSE"
