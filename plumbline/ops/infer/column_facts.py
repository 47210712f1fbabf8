"""What can be counted of a source's column, before anything is guessed of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from plumbline.core import duckdb_session
from plumbline.core.declarations import ColumnType
from plumbline.core.sql import literal, quote
from plumbline.data import conversions
from plumbline.ops.infer.table_file import TABLE, TableFile

FORMATS = (
    *("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d"),
    *("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d.%m.%Y %H:%M", "%d-%m-%Y %H:%M", "%m-%d-%Y %H:%M"),
    *("%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d-%m-%Y %H:%M:%S"),
    *("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S"),
    *("%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d %Y", "%b %d, %Y", "%B %d, %Y", "%Y%m%d %H:%M:%S"),
    *("%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d-%b-%y", "%a %b %d %H:%M:%S %Y"),
    *("%y-%m-%d", "%d-%m-%y", "%m-%d-%y", "%y/%m/%d", "%y-%m-%d %H:%M:%S", "%d-%m-%y %H:%M:%S"),
)
"""Times that DuckDB does not read by itself, as strptime has them."""
MISSING = ("NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "none", "?", "-", ".", "#N/A")
"""Words for a value that is not there."""
TRIED: tuple[ColumnType, ...] = ("int", "float", "bool", "timestamp")
SAMPLE = 200
LIKELY = 0.8
"""Share of those values that a format takes, at least, to be tried on all."""
TOP = 60
"""Frequent values that are listed."""


@dataclass(frozen=True)
class ColumnFacts:
    """Counts over the source's rows. `fits`: values that a type takes unchanged; `formats`: likewise."""

    name: str
    source_type: str
    rows: int
    nulls: int
    distinct: int
    once: int  # values that occur once
    longest: int  # characters
    fits: Mapping[ColumnType, int]
    numbers_or_missing: int  # values that are a number, or a word for a missing one
    decimal_commas: int  # values like 1,5
    zoned: int  # times with an offset
    formats: Mapping[str, int]
    top: tuple[tuple[str, int], ...]  # values as texts, the most frequent first

    @property
    def values(self) -> int:
        """The rows that have a value."""
        return self.rows - self.nulls

    @property
    def missing_words(self) -> tuple[str, ...]:
        """Words for a missing value that occur."""
        return tuple(value for value, _ in self.top if value in MISSING)


def measure(connection: duckdb.DuckDBPyConnection, file: TableFile) -> list[ColumnFacts]:
    """The facts of each column of the table TABLE, in the file's order."""
    return [_facts(connection, name, kind) for name, kind in file.columns.items()]


def _facts(connection: duckdb.DuckDBPyConnection, name: str, kind: str) -> ColumnFacts:
    value, text = quote(name), f"CAST({quote(name)} AS VARCHAR)"
    words = ", ".join(map(literal, MISSING))
    number = f"TRY_CAST({value} AS DOUBLE)" if kind == "VARCHAR" else "NULL"
    fits = [f"count({conversions.typed_value(value, t, kind)})" for t in TRIED]
    wanted = [
        *("count(*)", f"count({value})", f"count(DISTINCT {value})", f"max(length({text}))"),
        *fits,
        f"count(*) FILTER (WHERE isfinite({number}) OR {text} IN ({words}))",
        f"count(*) FILTER (WHERE regexp_full_match({text}, '[+-]?[0-9]+,[0-9]+'))",
        f"count(*) FILTER (WHERE {conversions.zoned(value, kind)})",
    ]
    counts = duckdb_session.rows(connection, f"SELECT {', '.join(wanted)} FROM {TABLE}")[0]
    rows, there, distinct, longest = counts[:4]
    top, once = _frequent(connection, value, text)
    return ColumnFacts(
        name=name,
        source_type=kind,
        rows=rows,
        nulls=rows - there,
        distinct=distinct,
        once=once,
        longest=longest or 0,
        fits=dict(zip(TRIED, counts[4:8], strict=True)),
        numbers_or_missing=counts[8],
        decimal_commas=counts[9],
        zoned=counts[10],
        formats=_formats(connection, value, text),
        top=top,
    )


def _frequent(
    connection: duckdb.DuckDBPyConnection, value: str, text: str
) -> tuple[tuple[tuple[str, int], ...], int]:
    """The most frequent values with their counts, and how many values occur once."""
    counted = (
        f"SELECT {text} AS v, count(*) AS n FROM {TABLE} WHERE {value} IS NOT NULL GROUP BY ALL"
    )
    top = duckdb_session.rows(
        connection, f"SELECT v, n FROM ({counted}) ORDER BY n DESC, v LIMIT {TOP}"
    )
    once = duckdb_session.rows(connection, f"SELECT count(*) FROM ({counted}) WHERE n = 1")
    return tuple((str(v), int(n)) for v, n in top), int(once[0][0])


def _formats(connection: duckdb.DuckDBPyConnection, value: str, text: str) -> dict[str, int]:
    """By format, the values that it takes; only those that take most of a few values are counted."""
    few = f"(SELECT {text} AS v FROM {TABLE} WHERE {value} IS NOT NULL LIMIT {SAMPLE})"
    tried = [f"count({_parsed('v', f)}) >= {LIKELY} * count(*)" for f in FORMATS]
    hits = duckdb_session.rows(connection, f"SELECT {', '.join(tried)} FROM {few}")[0]
    likely = [f for f, hit in zip(FORMATS, hits, strict=True) if hit]
    if not likely:
        return {}
    counts = [f"count({_parsed(text, f)})" for f in likely]
    taken = duckdb_session.rows(connection, f"SELECT {', '.join(counts)} FROM {TABLE}")[0]
    return dict(zip(likely, taken, strict=True))


def _parsed(text: str, form: str) -> str:
    """The time, null where strptime takes two digits for a year of four."""
    time = f"try_strptime({text}, {literal(form)})"
    return f"CASE WHEN {time} >= TIMESTAMP '1000-01-01' THEN 1 END"
