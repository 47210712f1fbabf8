"""A source's value as the contract's type, in DuckDB's SQL: the same value, or null. One rule for every source.

A typed value is treated as its text in a CSV file would be: 5, 5.0 and DECIMAL 5.00 are one number and one
text; a fraction is no whole number; bytes, lists and intervals are no text. Where a conversion would change
the value, its SQL gives null, and the row is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal

from plumbline.core.declarations import ColumnType
from plumbline.core.sql import TYPES

Kind = Literal["text", "whole", "float", "decimal", "bool", "naive", "zoned", "word", "other"]
"""What a DuckDB type is: naive and zoned are times, word has a text form alone, other none."""

KINDS: Mapping[Kind, str] = {
    "text": r"VARCHAR|JSON|ENUM\(.*",
    "whole": r"U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)",
    "float": "FLOAT|DOUBLE",
    "decimal": r"DECIMAL\(.*",
    "bool": "BOOLEAN",
    "naive": "DATE|TIMESTAMP(_S|_MS|_NS)?",
    "zoned": "TIMESTAMP WITH TIME ZONE|TIMESTAMPTZ_NS",
    "word": 'TIME|TIME_NS|UUID|"NULL"',
}

WHOLE = r"[+-]?(0|[1-9][0-9]*)(\.(0|00|0000+))?"
"""A whole number as text: no 007, which is an id; no 1E+12, which has lost digits; no 1.000, which is
a thousand in half of the world."""
COMPUTED = WHOLE.replace("(0|[1-9][0-9]*)", "[0-9]+")
"""The same of a derived text, in which 07 may be an hour."""
NUMBER = r"(?i)\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?\s*|\s*[+-]?(nan|inf|infinity)\s*"
"""A number as text: no 1_000, which DuckDB takes."""
LONG = r"\s*[+-]?[0-9]{16,}(\.0*)?\s*"
"""A whole number that a float may not hold."""
DAY = r"[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}"
NAIVE = DAY + r"([ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{0,6}0*)?)?)?"
"""A time as text: year first, of four digits, at most microseconds."""
OFFSET = r" ?(Z|UTC|GMT|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)"
ZONED = DAY + r"[ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{0,6}0*)?)?" + OFFSET
"""The same with an offset. Zone words (BST, IST, CET) have several meanings and are none."""

FIRST, LAST = "TIMESTAMP '1000-01-01'", "TIMESTAMP '9999-12-31 23:59:59.999999'"
"""Times beyond are misread: years of two digits, milliseconds taken for seconds, infinity."""
EXACT = 2**53
"""The largest whole number up to which a DOUBLE has all; a FLOAT up to 2^24."""


def kind(source_type: str) -> Kind:
    """What a DuckDB type is.

    >>> kind("DECIMAL(18,2)"), kind("BIGINT[]"), kind("TIMESTAMP_NS")
    ('decimal', 'other', 'naive')
    """
    for name, pattern in KINDS.items():
        if re.fullmatch(pattern, source_type) and not source_type.endswith("]"):
            return name
    return "other"


def typed_value(raw: str, wanted: ColumnType, source_type: str, computed: bool = False) -> str:
    """`raw` of that DuckDB type as the wanted type, null where the value would not stay the same.

    `computed`: it is derived, so that a text such as 07 is a number.
    """
    name = kind(source_type)
    if name == "other" or (name == "word" and wanted != "string"):
        return f"CAST(NULL AS {TYPES[wanted]})"
    if name == "text" and wanted == "int":
        return _whole_text(raw, COMPUTED if computed else WHOLE)
    return CONVERSIONS[wanted](raw, name, source_type)


def missing(raw: str, source_type: str, numeric: bool = False) -> str:
    """True where the source has no value: null, and NaN of a typed source; `numeric`: also NaN as a text."""
    if kind(source_type) == "float":
        return f"({raw} IS NULL OR isnan({raw}))"
    if numeric and kind(source_type) == "text":
        return f"({raw} IS NULL OR regexp_full_match({raw}, '(?i)\\s*[+-]?nan\\s*'))"
    return f"{raw} IS NULL"


def zoned(raw: str, source_type: str) -> str:
    """True where a time has an offset, false where it has none."""
    name = kind(source_type)
    if name == "text":
        return f"regexp_full_match({_clean(raw)}, '{ZONED}')"
    return "true" if name == "zoned" else "false"


def _whole(raw: str, name: Kind, source_type: str) -> str:
    typed = f"TRY_CAST({raw} AS BIGINT)"
    if name == "float":
        most = EXACT if source_type == "DOUBLE" else 2**24
        return f"CASE WHEN {raw} = trunc({raw}) AND abs({raw}) <= {most} THEN {typed} END"
    if name == "decimal":
        return f"CASE WHEN {raw} % 1 = 0 THEN {typed} END"
    return typed if name in ("whole", "bool") else "CAST(NULL AS BIGINT)"


def _whole_text(raw: str, pattern: str) -> str:
    return (
        f"CASE WHEN regexp_full_match(trim({raw}), '{pattern}') THEN TRY_CAST({raw} AS BIGINT) END"
    )


def _number(raw: str, name: Kind, source_type: str) -> str:
    typed = f"TRY_CAST({raw} AS DOUBLE)"
    if name == "text":
        long = f"NOT regexp_full_match({raw}, '{LONG}') OR TRY_CAST({typed} AS HUGEINT) = TRY_CAST({raw} AS HUGEINT)"
        return f"CASE WHEN regexp_full_match({raw}, '{NUMBER}') AND ({long}) THEN {typed} END"
    if name in ("whole", "decimal"):
        same = f"TRY_CAST({typed} AS {source_type}) = {raw}"
        return f"CASE WHEN abs({typed}) < {EXACT} OR {same} THEN {typed} END"
    if name == "bool":
        return f"TRY_CAST(TRY_CAST({raw} AS TINYINT) AS DOUBLE)"
    return typed if name == "float" else "CAST(NULL AS DOUBLE)"


def _truth(raw: str, name: Kind, _: str) -> str:
    if name in ("whole", "float", "decimal"):
        return f"CASE WHEN {raw} IN (0, 1) THEN TRY_CAST({raw} AS BOOLEAN) END"
    if name == "text":
        return rf"TRY_CAST(regexp_replace(trim({raw}), '^([01])\.0+$', '\1') AS BOOLEAN)"
    return raw if name == "bool" else "CAST(NULL AS BOOLEAN)"


def _time(raw: str, name: Kind, source_type: str) -> str:
    if name == "text":
        typed = _time_text(raw)
    elif name == "zoned":
        typed = f"(TRY_CAST({raw} AS TIMESTAMPTZ) AT TIME ZONE 'UTC')"
    elif name == "naive":
        typed = f"TRY_CAST({raw} AS TIMESTAMP)"
    else:
        return "CAST(NULL AS TIMESTAMP)"
    fine = f" AND epoch_ns({raw}) % 1000 = 0" if source_type.endswith("_NS") else ""
    return f"CASE WHEN {typed} BETWEEN {FIRST} AND {LAST}{fine} THEN {typed} END"


def _time_text(raw: str) -> str:
    text = _clean(raw)
    closed = (
        f"regexp_replace(regexp_replace({text}, ' ?(UTC|GMT)$', 'Z'), ' ([Z+-][0-9:]*)$', '\\1')"
    )
    return (
        f"CASE WHEN regexp_full_match({text}, '{NAIVE}') THEN TRY_CAST({text} AS TIMESTAMP) "
        f"WHEN regexp_full_match({text}, '{ZONED}') "
        f"THEN (TRY_CAST({closed} AS TIMESTAMPTZ) AT TIME ZONE 'UTC') END"
    )


def _clean(raw: str) -> str:
    return f"upper(trim({raw}))"


def _text(raw: str, name: Kind, source_type: str) -> str:
    """One spelling per value: 5 for 5.0 and 5.00, a day without its midnight."""
    typed = f"CAST({raw} AS VARCHAR)"
    if name == "float":
        whole = f"CAST(TRY_CAST({raw} AS BIGINT) AS VARCHAR)"
        return (
            f"CASE WHEN {raw} = trunc({raw}) AND abs({raw}) < {EXACT} THEN {whole} "
            f"WHEN isfinite({raw}) THEN {typed} END"
        )
    if name == "decimal":
        return rf"regexp_replace({typed}, '(\.[0-9]*[1-9])0+$|\.0+$', '\1')"
    if name == "naive":
        return f"regexp_replace({typed}, ' 00:00:00$', '')"
    return raw if source_type == "VARCHAR" else typed


CONVERSIONS: Mapping[ColumnType, Callable[[str, Kind, str], str]] = {
    "int": _whole,
    "float": _number,
    "bool": _truth,
    "timestamp": _time,
    "string": _text,
}
