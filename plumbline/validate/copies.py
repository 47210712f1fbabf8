"""SQL that finds which of several rows with one key stays: an event and its outcome, of one source row.

The data stage sorts both tables alike: the n-th row of a key is the same row of the source in both.
"""

from __future__ import annotations

PLACE = "__file, __row"


def numbered(key: str, rows: str, bad: str) -> str:
    """key, place, n (which row of its key) and whether `bad` has the place, for each row with a key."""
    return (
        f"SELECT {key} AS key, {PLACE}, row_number() OVER (PARTITION BY {key} ORDER BY {PLACE}) AS n, "
        f"({PLACE}) IN ({bad}) AS bad FROM ({rows}) WHERE {key} IS NOT NULL"
    )


def repeated(tables: list[str]) -> str:
    """The keys that stand more than once in one of the `tables`, as `numbered` gives them."""
    return " UNION ".join(f"SELECT key FROM ({t}) WHERE n = 2" for t in tables)


def kept(events: str, outcomes: str | None) -> str:
    """key, n of the row that stays: the first valid one; else the first whose event is valid; else
    the first."""
    sides = [f"SELECT key, n, bad AS event, false AS outcome FROM ({events})"]
    sides += [f"SELECT key, n, false, bad FROM ({outcomes})"] if outcomes else []
    tables = [t for t in (events, outcomes) if t]
    return (
        f"SELECT key, n FROM ({' UNION ALL '.join(sides)}) WHERE key IN ({repeated(tables)}) "
        "GROUP BY key, n "
        "QUALIFY row_number() OVER "
        "(PARTITION BY key ORDER BY bool_or(event), bool_or(outcome), n) = 1"
    )
