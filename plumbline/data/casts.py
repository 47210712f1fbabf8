"""How a source's columns become the contract's: DuckDB expressions, and which values do not fit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from plumbline.core.declarations import Column, ColumnType
from plumbline.core.errors import SourceError, suggest
from plumbline.core.sql import TYPES, quote
from plumbline.core.usecase import Contract

EXPECTED: Mapping[ColumnType, str] = {
    "int": "a whole number",
    "float": "a number",
    "string": "a text",
    "bool": "true or false",
    "timestamp": "a time like 2025-01-31 23:59:59",
}

HINTS: Mapping[ColumnType, str] = {
    "int": ". Codes like 007 and numbers beyond 64 bits belong in a column of type string",
    "timestamp": ". Times in another format: derive the column with strptime, in derive=...",
}
"""What else to do about values of a type."""

ROW_NUMBER = "__row"
"""What an expression in `derive` calls the number of a row in the source, from 1."""

PLAIN = ("DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")
"""DuckDB's types of times without a zone."""

NUMERIC = (
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER"),
    *("UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL"),
)
"""How DuckDB's numeric types begin."""

WHOLE = r"[+-]?(0|[1-9][0-9]*)(\.(0|00|0000+))?"
"""A whole number as text: no 007, which is an id; no 1E+12, which has lost digits; no 1.000, which is
a thousand in half of the world."""

FIRST, LAST = "TIMESTAMP '1000-01-01'", "TIMESTAMP '9999-12-31 23:59:59.999999'"
"""Times beyond are misread: years of two digits, milliseconds taken for seconds, infinity."""


@dataclass(frozen=True)
class Cast:
    """One contract column made from a source: `value` gives it typed, null where it cannot be;
    `inputs` are the source's columns it comes from, `raw` the value as the source has it."""

    column: Column
    raw: str
    value: str
    inputs: tuple[str, ...]
    derived: bool
    needed: bool

    @property
    def bad(self) -> str:
        """True where the source has a value and the contract's type none for it. An event needs a
        time that the calendar has."""
        if self.needed:
            good = f"isfinite({self.value}) AND {self.value} >= TIMESTAMP '0001-01-01'"
            return f"({good}) IS NOT TRUE"
        given = " AND ".join(f"{quote(i)} IS NOT NULL" for i in self.inputs) or "true"
        return f"({given} AND {self.value} IS NULL)"


def casts(usecase: Contract, source: Mapping[str, str], where: str) -> tuple[Cast, ...]:
    """One cast per contract column, for a source with these columns and DuckDB types.

    Raises SourceError, naming `where`, for columns that the source does not have.
    """
    missing = [
        c.name for c in usecase.columns if c.name not in usecase.derive and c.name not in source
    ]
    if missing:
        names = ", ".join(repr(name) for name in missing)
        hint = suggest(missing[0], source) if len(missing) == 1 else f"it has: {', '.join(source)}"
        raise SourceError(
            f"{where}: no column {names}; {hint} (rename it in the source, or derive it in "
            f"usecases/{usecase.name}/contract.py, derive=...)"
        )
    return tuple(_cast(usecase, c, source) for c in usecase.columns)


def ignored(usecase: Contract, source: Mapping[str, str]) -> list[str]:
    """Columns of the source that no contract column is made from, sorted."""
    used = {c.name for c in usecase.columns if c.name not in usecase.derive}
    for expression in usecase.derive.values():
        used |= set(_inputs(expression, source))
    return sorted(set(source) - used)


def _cast(usecase: Contract, column: Column, source: Mapping[str, str]) -> Cast:
    expression, needed = usecase.derive.get(column.name), column.name == usecase.time
    if expression is None:
        raw = quote(column.name)
        value = typed_value(raw, column.type, source[column.name])
        return Cast(column, raw, value, (column.name,), False, needed)
    raw = f"TRY({expression})"
    return Cast(
        column, raw, typed_value(raw, column.type, ""), _inputs(expression, source), True, needed
    )


def _inputs(expression: str, source: Mapping[str, str]) -> tuple[str, ...]:
    bare = re.sub(r"'(?:[^']|'')*'", " ", expression)
    words = {w.lower() for w in re.findall(r"[^\W\d]\w*", bare)}
    return tuple(name for name in source if name.lower() in words or quote(name) in bare)


def typed_value(raw: str, wanted: ColumnType, source_type: str) -> str:
    """`raw` as the wanted type, null where the value would not stay the same: a fraction or `007` as a
    whole number, 2 as a truth value, an offset that is dropped, a year of two digits."""
    typed = f"TRY_CAST({raw} AS {TYPES[wanted]})"
    if wanted == "timestamp":
        return _time(raw, typed, source_type)
    if wanted == "int":
        return _whole(raw, typed, source_type)
    if wanted == "bool" and source_type.startswith(NUMERIC):
        return f"CASE WHEN {raw} IN (0, 1) THEN {typed} END"
    if wanted == "string":
        return _text(raw, typed, source_type)
    return typed


def _whole(raw: str, typed: str, source_type: str) -> str:
    if source_type.endswith(("INT", "INTEGER")):
        return typed
    if source_type == "VARCHAR":
        return f"CASE WHEN regexp_full_match(trim({raw}), '{WHOLE}') THEN {typed} END"
    if source_type.startswith("DECIMAL"):
        return f"CASE WHEN {raw} % 1 = 0 THEN {typed} END"
    return f"CASE WHEN TRY_CAST({raw} AS DOUBLE) = CAST({typed} AS DOUBLE) THEN {typed} END"


def _time(raw: str, typed: str, source_type: str) -> str:
    if source_type not in PLAIN:
        typed = f"(TRY_CAST(CAST({raw} AS VARCHAR) AS TIMESTAMPTZ) AT TIME ZONE 'UTC')"
    return f"CASE WHEN {typed} BETWEEN {FIRST} AND {LAST} THEN {typed} END"


def _text(raw: str, typed: str, source_type: str) -> str:
    """A whole float without its ".0", as an integer column has it; no list, struct or bytes."""
    if source_type.endswith("]") or source_type.startswith(("STRUCT", "MAP", "BLOB", "UNION")):
        return "CAST(NULL AS VARCHAR)"
    if source_type in ("FLOAT", "DOUBLE"):
        whole = f"CAST(TRY_CAST({raw} AS BIGINT) AS VARCHAR)"
        return (
            f"CASE WHEN {raw} = trunc({raw}) AND abs({raw}) < 9007199254740992 THEN {whole} "
            f"WHEN isfinite({raw}) THEN {typed} END"
        )
    return typed
