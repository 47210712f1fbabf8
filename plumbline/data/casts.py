"""How a source's columns become the contract's: DuckDB expressions, and which values do not fit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from plumbline.core.declarations import Column, ColumnType
from plumbline.core.sql import literal, quote
from plumbline.core.usecase import Contract
from plumbline.data import conversions, headers, layouts
from plumbline.data.conversions import typed_value

EXPECTED: Mapping[ColumnType, str] = {
    "int": "a whole number",
    "float": "a number",
    "string": "a text",
    "bool": "true or false",
    "timestamp": "a time like 2025-01-31 23:59:59",
}

EPOCH = r"\b(epoch_ms|to_timestamp|make_timestamp)"
"""Functions that make a time of a number."""
JANUARY = "TIMESTAMP '1970-01-01' AND TIMESTAMP '1970-02-01'"
"""Where they put seconds that they take for milliseconds, and 0."""

RENAMED = r'\s*("([^"]|"")+"|[^\W\d]\w*)\s*'
"""An expression that is a column of the source, under another name."""

ROW_NUMBER = "__row"
"""What an expression in `derive` calls the number of a row in the source, from 1."""


@dataclass(frozen=True)
class Derivation:
    """A derived column's SQL over one source: `sql` gives null where DuckDB would guess, `written` is as
    declared, `type` what DuckDB makes of it, `missing` is true where it means that a value is missing."""

    sql: str
    written: str
    type: str
    missing: str = "false"


@dataclass(frozen=True)
class Cast:
    """One contract column made from a source: `value` gives it typed, null where it cannot be;
    `inputs` are the source's columns it comes from, `raw` the value as the source has it. `given` is true
    where the source has one, `zoned` where it is a time with an offset."""

    column: Column
    raw: str
    value: str
    inputs: tuple[str, ...]
    given: str
    needed: bool
    zoned: str = "false"
    derivation: Derivation | None = None
    source_type: str = ""  # DuckDB's

    @property
    def bad(self) -> str:
        """True where the source has a value and the contract's type none for it. An event needs a
        time that the calendar has."""
        if not self.needed:
            return f"({self.given} AND {self.value} IS NULL)"
        if self.derivation and re.search(EPOCH, self.derivation.written, re.IGNORECASE):
            return f"({self.value} NOT BETWEEN {JANUARY}) IS NOT TRUE"
        return f"{self.value} IS NULL"


def casts(
    usecase: Contract,
    source: Mapping[str, str],
    derived: Mapping[str, Derivation] = MappingProxyType({}),
) -> tuple[Cast, ...]:
    """One cast per contract column, for a source that has them, with these DuckDB types. `derived`: of each
    derived column, how it is computed."""
    return tuple(_cast(usecase, c, source, derived.get(c.name)) for c in usecase.columns)


def ignored(usecase: Contract, source: Mapping[str, str]) -> list[str]:
    """Columns of the source that no contract column is made from, sorted."""
    return sorted(set(source) - headers.used(usecase, source))


def _cast(
    usecase: Contract, column: Column, source: Mapping[str, str], derivation: Derivation | None
) -> Cast:
    needed = column.name in layouts.needed(usecase)
    inputs: tuple[str, ...] = (column.name,)
    if derivation:
        raw, kind = f"TRY({derivation.sql})", derivation.type
        inputs = headers.mentioned(usecase.derive[column.name], source)
    else:
        raw, kind = quote(column.name), source[column.name]
    computed = derivation is not None and not re.fullmatch(RENAMED, derivation.written)
    value = typed_value(raw, column.type, kind, computed)
    if column.name == usecase.key and kind == "VARCHAR":
        value = f"nullif({value}, {literal(column.name)})" if column.type == "string" else value
    numeric = column.type in ("int", "bool") and not computed
    given = [f"NOT {conversions.missing(quote(i), source[i], numeric)}" for i in inputs]
    if derivation and derivation.missing != "false":
        given.append(f"NOT ({derivation.missing})")
    zoned = conversions.zoned(raw, kind)
    all_given = " AND ".join(given) or "true"
    return Cast(column, raw, value, inputs, all_given, needed, zoned, derivation, kind)
