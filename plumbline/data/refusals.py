"""What is said of values that do not fit: file, column, place, what was expected and found, remedy."""

from __future__ import annotations

import re
from collections.abc import Sequence

import duckdb

from plumbline.core import duckdb_session
from plumbline.core.errors import SourceError
from plumbline.core.safe_text import HIDDEN
from plumbline.core.sql import literal, quote
from plumbline.data import conversions
from plumbline.data.casts import EXPECTED, Cast
from plumbline.data.remedies import remedy
from plumbline.data.sources import SourcePart

SHOWN = 3  # bad values in a message
LONGEST = 100  # characters of each
PLACE = '"__place"'
IN_A_ZONE = (
    ": the clock there skips this hour or has it twice, or the text has an offset that a cast would drop. Write UTC "
    "or the offset in the source, or keep local times (without AT TIME ZONE)"
)
BY_A_CAST = ": a cast would drop an offset, guess a year or a zone, or round"
BEYOND = (
    ": a time before the year 1000, after 9999 or of January 1970 (milliseconds taken for seconds, or seconds for "
    "milliseconds?)"
)
"""Why a derived value is refused for which DuckDB would have one."""


def refuse(
    connection: duckdb.DuckDBPyConnection,
    part: SourcePart,
    relation: str,
    column_casts: Sequence[Cast],
    before: int,
) -> None:
    """SourceError for the first column that has bad values in this chunk, `before` rows into its part."""
    for cast in column_casts:
        rows = _rows(connection, relation, cast, cast.bad, before)
        if rows:
            raise SourceError(_message(connection, part, relation, cast, rows, before))


def refuse_mixed(
    connection: duckdb.DuckDBPyConnection,
    part: SourcePart,
    relation: str,
    cast: Cast,
    before: int,
    earlier: str,
) -> None:
    """SourceError for a column of which some times have an offset and some none. `earlier`: the part
    that had the first of them, where it is another one."""
    given, name = f"{cast.value} IS NOT NULL", cast.column.name
    found = []
    for condition, words in ((f"NOT {cast.zoned}", "without"), (cast.zoned, "with")):
        rows = _rows(connection, relation, cast, f"{given} AND {condition}", before)
        if rows:
            found.append(f"{_shown(part, rows[:1])} {words} an offset")
    if earlier != part.name:
        found.append(f"times of the other kind in {earlier}")
    raise SourceError(
        f"{part.name}: column '{name}': expected all times with an offset (Z, +02:00), or none with one; found "
        f"{' and '.join(found)}. Write the offset at every time in the source, or derive '{name}' from both "
        "kinds, in derive=..."
    )


def _rows(
    connection: duckdb.DuckDBPyConnection, relation: str, cast: Cast, where: str, before: int
) -> list[tuple[int, str | None, int]]:
    """Row, value and number of all, of the first rows where the condition holds."""
    numbered = f"(SELECT *, {before} + row_number() OVER () AS {PLACE} FROM {relation})"
    return duckdb_session.rows(
        connection,
        f"SELECT {PLACE}, CAST({_seen(cast)} AS VARCHAR), count(*) OVER () FROM {numbered} "
        f"WHERE {where} ORDER BY {PLACE} LIMIT {SHOWN}",
    )


def _seen(cast: Cast) -> str:
    """The source's values that a bad one was made of; not those of a forbidden column."""
    if cast.column.forbidden:
        return literal(HIDDEN)
    if len(cast.inputs) == 1:
        return quote(cast.inputs[0])
    pairs = ", ".join(f"concat({literal(i)}, '=', {quote(i)})" for i in cast.inputs)
    return f"concat_ws(', ', {pairs})" if pairs else cast.raw


def _message(
    connection: duckdb.DuckDBPyConnection,
    part: SourcePart,
    relation: str,
    cast: Cast,
    rows: list[tuple[int, str | None, int]],
    before: int,
) -> str:
    more = f" and {rows[0][2] - len(rows):,} more" if rows[0][2] > len(rows) else ""
    whence = f" (derived from {', '.join(cast.inputs) or 'no column'})" if cast.derivation else ""
    odd = conversions.kind(cast.source_type) in ("other", "word")
    typed = f", of type {cast.source_type}" if odd else ""
    remedy = "every row needs one" if cast.needed else "or leave them empty"
    return (
        f"{part.name}: column '{cast.column.name}'{whence}: expected {EXPECTED[cast.column.type]}, found "
        f"{_shown(part, rows)}{more}{typed}{_guessed(connection, relation, cast, before)}; correct the values in the "
        f"source ({remedy}){_hint(cast, rows)}"
    )


def _hint(cast: Cast, rows: list[tuple[int, str | None, int]]) -> str:
    values = [value for _, value, _ in rows]
    if cast.column.name in values:
        return ": the header again (two files put together?)"
    words = remedy(cast.column.type, values)
    return f". {words}" if words else ""


def _shown(part: SourcePart, rows: list[tuple[int, str | None, int]]) -> str:
    places = part.places([place for place, _, _ in rows])
    return ", ".join(
        f"{'nothing' if value is None else _cut(repr(value))} in {place}"
        for (_, value, _), place in zip(rows, places, strict=True)
    )


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text):,} characters)"


def _guessed(connection: duckdb.DuckDBPyConnection, relation: str, cast: Cast, before: int) -> str:
    """Why a derived value is refused for which DuckDB would have one."""
    if cast.derivation is None:
        return ""
    known = f"{cast.bad} AND TRY({cast.derivation.written}) IS NOT NULL"
    if _rows(connection, relation, cast, f"{known} AND {cast.raw} IS NULL", before):
        zone = re.search(r"time\s*zone", cast.derivation.written, re.IGNORECASE)
        return IN_A_ZONE if zone else BY_A_CAST
    is_time = conversions.kind(cast.derivation.type) in ("naive", "zoned")
    if is_time and _rows(connection, relation, cast, known, before):
        return BEYOND
    return ""
