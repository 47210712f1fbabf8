"""What to do about values that do not fit, by the kind of value that was found. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from plumbline.core.declarations import ColumnType

MISSING = r"^\s*(n/?a\.?|#n/a|null|none|nil|missing|unknown|-+|\?+|\.)\s*$"
"""A word for a missing value."""
SEPARATED = r"^[+-]?[0-9]{1,3}([., '’\s][0-9]{3})+$"
"""A whole number with a sign for thousands."""

Remedies = Mapping[str, str]
NUMBERS: Remedies = {
    MISSING: "A word for a missing value: leave it empty, or derive the column with CAST(nullif(x, 'NA') AS DOUBLE)",
    r"%\s*$": "Per cent: derive the column with CAST(replace(x, '%', '') AS DOUBLE)",
    r"^[^,]*,[0-9]+$|^[0-9.\s]+,[0-9]+$": "A decimal comma: derive the column with CAST(replace(replace(x, '.', ''), ',', "
    "'.') AS DOUBLE)",
    SEPARATED: "A sign for thousands: derive the column with CAST(replace(x, ',', '') AS DOUBLE)",
    r"^\s*[+-]?[0-9]{16,}": "A float holds 15 digits of every number: declare an id as string",
    "[0-9]": "With a unit, a sign or a character that is not seen: derive the column with CAST(regexp_replace(x, '[^0-9.-]', "
    "'', 'g') AS DOUBLE)",
}
REMEDIES: Mapping[ColumnType, Remedies] = {
    "int": {
        MISSING: "A word for a missing value: leave it empty, or derive the column with CAST(nullif(x, 'NA') AS BIGINT)",
        SEPARATED: "A sign for thousands: write 1000 for 1.000, or derive the column with CAST(replace(x, '.', '') AS BIGINT)",
        r"^\s*[+-]?0[0-9]": "Codes like 007 belong in a column of type string",
        r"^\s*[+-]?[0-9]{16,}(\.0*)?\s*$|[0-9]e\+1[5-9]": "Numbers beyond 64 bits, and ids of a float, belong in a column of "
        "type string",
        r"^\s*[0-9.,]+e[+-]?[0-9]+\s*$": "Excel has rounded it: export the column as text, and declare it as string",
        r"^\s*[+-]?[0-9]*\.[0-9]+\s*$": "A fraction belongs in a column of type float",
        "": "Codes belong in a column of type string",
    },
    "float": NUMBERS,
    "bool": {
        MISSING: "A word for a missing value: leave it empty, or derive the column with nullif(x, 'NA')",
        "": "Other words: derive the column, as in x = 'oui'; a number that says more is of type int",
    },
    "string": {
        "": "Bytes, lists and durations are no text: derive a text from them, in derive=...",
    },
    "timestamp": {
        r"[.][0-9]{6}0*[1-9]": "Finer than a microsecond: derive the column with date_trunc('microsecond', ...), or with "
        "left(x, 26) of a text",
        r"^[0-9]+([.][0-9]+)?$": "A number of seconds: derive the column with to_timestamp(x::BIGINT), of milliseconds: "
        "epoch_ms(x::BIGINT), of days in Excel: DATE '1899-12-30' + x::INT",
        r"[0-9] ?[A-Za-z/_]{3,}([+-][0-9]+)?$": "Words for zones have several meanings (BST, IST): write the offset, "
        "+01:00, or derive the column with replace(...) and strptime",
        "": "Times in another format: derive the column with strptime, in derive=...",
    },
}


def remedy(kind: ColumnType, values: Iterable[str | None]) -> str:
    """The first that fits one of the values; empty where there is none.

    >>> remedy("int", ["007"])
    'Codes like 007 belong in a column of type string'
    """
    found = [v or "" for v in values]
    for pattern, words in REMEDIES[kind].items():
        if any(re.search(pattern, v, re.IGNORECASE) for v in found):
            return words
    return ""
