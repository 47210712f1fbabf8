"""The source's columns in their guessed types, as a DuckDB table and as numbers to compute with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb
import numpy as np

from plumbline.core import duckdb_session
from plumbline.core.declarations import Array, ColumnType
from plumbline.core.sql import quote
from plumbline.data import conversions
from plumbline.ops.infer.column_facts import ColumnFacts
from plumbline.ops.infer.column_types import TypeGuess
from plumbline.ops.infer.table_file import TABLE

TYPED = "typed"
HUGE = 1e100
"""Numbers beyond are left out of figures: their squares overflow."""
MOST = 200_000
"""Rows that figures beyond counts are computed from, spread evenly over the table."""


@dataclass(frozen=True)
class TypedColumn:
    """A column as the contract will have it. `source`: as the file has it; `expression`: over its columns."""

    name: str
    type: ColumnType
    source: str
    source_type: str
    facts: ColumnFacts
    reason: str
    expression: str = ""
    low: float | None = None  # of int, float: over all rows; of timestamp: microseconds
    high: float | None = None
    nulls: int = 0

    @property
    def raw(self) -> str:
        """SQL over the source's columns."""
        return self.expression or quote(self.source)

    @property
    def derive(self) -> str:
        """The expression that the contract derives it with; empty where it needs none."""
        return self.expression or (quote(self.source) if self.name != self.source else "")

    @property
    def numeric(self) -> bool:
        return self.type in ("int", "float", "bool")


def column(facts: ColumnFacts, name: str, guess: TypeGuess) -> TypedColumn:
    """A column with a type."""
    assert guess.type is not None
    return TypedColumn(
        name, guess.type, facts.name, facts.source_type, facts, guess.reason, guess.expression
    )


def create(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[TypedColumn]
) -> list[TypedColumn]:
    """Fill the table TYPED; the columns with their ends and nulls, NaN counted as null."""
    values = [f"{_value(connection, c)} AS {quote(c.name)}" for c in columns]
    connection.execute(
        f"CREATE OR REPLACE TABLE {TYPED} AS SELECT {', '.join(values)} FROM {TABLE}"
    )
    return [_measured(connection, c) for c in columns]


def numbers(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> dict[str, Array]:
    """Numeric columns and times (days) as float64 (n,), n at most MOST; NaN where there is no value."""
    if not names:
        return {}
    rows = duckdb_session.rows(connection, f"SELECT count(*) FROM {TYPED}")[0][0]
    step = max(1, -(-rows // MOST))
    chosen = ", ".join(_number(connection, n) for n in names)
    query = f"SELECT {chosen} FROM {TYPED} WHERE rowid % {step} = 0 ORDER BY rowid"
    fetched = connection.execute(query).fetchnumpy()
    plain = {n: np.ma.filled(np.ma.asarray(fetched[n], np.float64), np.nan) for n in names}
    return {n: np.where(np.abs(v) < HUGE, v, np.nan) for n, v in plain.items()}


def _value(connection: duckdb.DuckDBPyConnection, column: TypedColumn) -> str:
    raw, kind = quote(column.source), column.source_type
    if column.expression:
        raw = f"TRY({column.expression})"
        kind = duckdb_session.rows(connection, f"DESCRIBE SELECT {raw} FROM {TABLE}")[0][1]
    value = conversions.typed_value(raw, column.type, kind, computed=bool(column.expression))
    return f"CASE WHEN isfinite({value}) THEN {value} END" if column.type == "float" else value


def _number(connection: duckdb.DuckDBPyConnection, name: str) -> str:
    kind = connection.table(TYPED).select(quote(name)).types[0]
    value = f"epoch_us({quote(name)}) / 8.64e10" if str(kind) == "TIMESTAMP" else quote(name)
    return f"CAST({value} AS DOUBLE) AS {quote(name)}"


def _measured(connection: duckdb.DuckDBPyConnection, column: TypedColumn) -> TypedColumn:
    name = quote(column.name)
    ends = "NULL, NULL"
    if column.type in ("int", "float"):
        ends = f"min({name}), max({name})"
    elif column.type == "timestamp":
        ends = f"epoch_us(min({name})), epoch_us(max({name}))"
    query = f"SELECT {ends}, count(*) - count({name}) FROM {TYPED}"
    low, high, nulls = duckdb_session.rows(connection, query)[0]
    return replace(column, low=low, high=high, nulls=nulls)
