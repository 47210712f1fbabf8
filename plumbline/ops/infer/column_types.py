"""Which type a column has, and the expression that gives it where the source's text is not it yet. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from plumbline.core.declarations import ColumnType
from plumbline.core.sql import literal, quote
from plumbline.ops.infer.column_facts import ColumnFacts

EPOCH_WORDS = frozenset({"time", "timestamp", "ts", "epoch", "unix", "at", "date", "datetime"})
EPOCHS = {"seconds": (10, 1_000_000), "milliseconds": (13, 1_000)}
"""Digits of an epoch of today, and its microseconds."""
NEARLY = 0.8
"""Share of the values that a type takes, from which the others are named."""
NESTED = ("STRUCT", "MAP", "BLOB", "UNION", "UUID", "INTERVAL", "TIME")


@dataclass(frozen=True)
class TypeGuess:
    """A column's type, and why. No type: the column cannot be read as one; `reason` says why."""

    type: ColumnType | None
    reason: str
    expression: str = ""  # over the source's columns; empty: the column as it is
    refused: str = ""  # what else was considered, and why not
    undated: tuple[str, ...] = ()  # formats of time that it could have, more than one


def guess(facts: ColumnFacts) -> TypeGuess:
    """The narrowest type that takes every value without a change."""
    if not facts.values:
        return TypeGuess(None, "it has no value at all")
    if any(unicodedata.category(c) == "Cc" for c in facts.name):
        return TypeGuess(None, "its name has a line break or a tab; rename it in the source")
    if 0 < facts.zoned < facts.values and facts.fits["timestamp"] == facts.values:
        refused = (
            f"timestamp: {facts.zoned:,} of {facts.values:,} times have an offset, the others none"
        )
        return TypeGuess("string", "texts", refused=f"{refused}; write one kind in the source")
    if facts.source_type.endswith("]") or (
        facts.source_type.startswith(NESTED) and not facts.source_type.startswith("TIMESTAMP")
    ):
        return TypeGuess(None, f"its type {facts.source_type} is no single value")
    return _epoch(facts) or _plain(facts) or _mended(facts) or _dated(facts) or _text(facts)


def words(name: str) -> list[str]:
    """A name's words, in lower case.

    >>> words("unitPrice_EUR")
    ['unit', 'price', 'eur']
    """
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return [w for w in re.split(r"[\W_]+", parted.lower()) if w]


def _epoch(facts: ColumnFacts) -> TypeGuess | None:
    if facts.fits["int"] != facts.values or not EPOCH_WORDS.intersection(words(facts.name)):
        return None
    for unit, (digits, microseconds) in EPOCHS.items():
        if all(re.fullmatch(rf"1\d{{{digits - 1}}}", value) for value, _ in facts.top):
            name = quote(facts.name)
            return TypeGuess(
                "timestamp",
                f"whole numbers of {digits} digits and its name: {unit} since 1970, UTC",
                f"make_timestamp({name}::BIGINT * {microseconds})",
            )
    return None


def _plain(facts: ColumnFacts) -> TypeGuess | None:
    """What the data stage casts by itself."""
    fits, all_ = facts.fits, facts.values
    count = f"all {all_:,} values" if all_ > 1 else "its one value"
    if facts.source_type == "BOOLEAN" or (fits["bool"] == all_ and fits["float"] < all_):
        return TypeGuess("bool", f"{count} are true or false")
    day = facts.formats.get("%Y%m%d") == all_ and facts.longest == 8
    if day and all("1800" <= value[:4] < "2200" for value, _ in facts.top):
        return _strptime(facts, "%Y%m%d")
    if fits["int"] == all_ and not facts.source_type.startswith(("FLOAT", "DOUBLE", "DECIMAL")):
        return TypeGuess("int", f"{count} are whole numbers")
    if fits["float"] == all_ and not _codes(facts):
        return TypeGuess("float", f"{count} are numbers")
    if fits["timestamp"] == all_:
        return TypeGuess("timestamp", f"{count} are times, year first")
    return None


def _codes(facts: ColumnFacts) -> bool:
    """Whether numbers are written as ids: with leading zeros, or too long for 64 bits."""
    written = [value for value, _ in facts.top]
    return facts.source_type == "VARCHAR" and any(
        re.fullmatch(r"0\d+|\d{19,}", value) for value in written
    )


def _mended(facts: ColumnFacts) -> TypeGuess | None:
    """Numbers beside words for missing values, and decimal commas."""
    if facts.source_type != "VARCHAR":
        return None
    name, missing = quote(facts.name), facts.missing_words
    if missing and facts.numbers_or_missing == facts.values and len(missing) < facts.distinct:
        listed = ", ".join(map(literal, missing))
        return TypeGuess(
            "float",
            f"numbers, beside {', '.join(map(repr, missing))} for a missing value",
            f"CASE WHEN {name} IN ({listed}) THEN 'nan' ELSE {name} END",
        )
    whole = facts.fits["int"]
    if facts.decimal_commas and facts.decimal_commas + whole == facts.values:
        reason = f"numbers with a decimal comma in {facts.decimal_commas:,} values"
        return TypeGuess("float", reason, f"replace({name}, ',', '.')")
    return None


def _dated(facts: ColumnFacts) -> TypeGuess | None:
    """Times in one format that takes all values; in two that differ, nothing is guessed."""
    formats = [f for f, n in facts.formats.items() if n == facts.values]
    if not formats or facts.source_type != "VARCHAR":
        return None
    if len(formats) == 1:
        return _strptime(facts, formats[0])
    longest = [f for f in formats if "%Y" in f]
    if len(longest) == 1:
        return _strptime(facts, longest[0])
    either = " and ".join(repr(f) for f in formats[:2])
    refused = f"a time: all values fit {either}, and nothing says which; derive it with strptime"
    return TypeGuess("string", "texts", refused=refused, undated=tuple(formats))


def _strptime(facts: ColumnFacts, form: str) -> TypeGuess:
    return TypeGuess(
        "timestamp",
        f"all {facts.values:,} values fit {form}",
        f"strptime({quote(facts.name)}, {literal(form)})",
    )


def _text(facts: ColumnFacts) -> TypeGuess:
    """Text; with what it almost is."""
    times = max([facts.fits["timestamp"], *facts.formats.values()])
    counts = {**facts.fits, "timestamp": times}
    near = {t: n for t, n in counts.items() if facts.values > n >= NEARLY * facts.values}
    if not near:
        return TypeGuess("string", f"texts, {facts.distinct:,} different")
    kind = next(iter(near))
    odd = facts.values - near[kind]
    return TypeGuess(
        "string",
        f"texts, {facts.distinct:,} different",
        refused=f"{kind}: {odd:,} of {facts.values:,} values are none; correct them in the source, or derive it",
    )
