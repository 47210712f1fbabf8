"""The keys of the events that a file's outcomes can belong to: those of the months in which its event times lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import duckdb

from plumbline.core.sql import literal, quote
from plumbline.core.usecase import Contract
from plumbline.validate import months
from plumbline.validate.check import EVENT_KEYS
from plumbline.validate.kept_months import KeptMonths
from plumbline.validate.months import File


@dataclass(frozen=True)
class EventKeys:
    """`sql` stands before a query over outcomes and gives it EVENT_KEYS; `files` are the events that it reads."""

    sql: str
    files: tuple[File, ...] = ()


def event_keys(
    connection: duckdb.DuckDBPyConnection,
    kept: KeptMonths,
    events: Sequence[File],
    outcomes: Sequence[File],
) -> EventKeys:
    """The keys of the events between the first and the last event time of these files of outcomes."""
    case = kept.usecase
    key = quote(case.key)
    if case.time is None:
        rows = f"SELECT {key} AS key, NULL AS time FROM ({months.source(events)})"
        return EventKeys(f"WITH {EVENT_KEYS} AS ({rows})", tuple(events))
    spans = [event_span(connection, kept, f) for f in outcomes]
    known = [s for s in spans if s[0] is not None]
    months_of = min((s[2] for s in known), default=0), max((s[3] for s in known), default=0)
    held = tuple(f for f in events if months_of[0] <= f.month <= months_of[1]) or tuple(events[:1])
    time, inside = quote(case.time), "false"
    if known:
        first, last = literal(min(s[0] for s in known)), literal(max(s[1] for s in known))
        inside = f"epoch_us({time}) BETWEEN {first} AND {last}"
    rows = f"SELECT {key} AS key, {time} AS time FROM ({months.source(held)}) WHERE {inside}"
    return EventKeys(f"WITH {EVENT_KEYS} AS ({rows})", held)


def event_span(connection: duckdb.DuckDBPyConnection, kept: KeptMonths, file: File) -> list[Any]:
    """Of a file of outcomes the first and the last event time, in microseconds, and their months; nulls for none."""
    compute = partial(_span, connection, kept.usecase, file)
    return list(kept.value("event times", [file], compute))


def _span(connection: duckdb.DuckDBPyConnection, case: Contract, file: File) -> list[Any]:
    """The first and the last event time in a file of outcomes, in microseconds, and their months, as far as it has some."""
    time = quote(str(case.time))
    ends = ", ".join(
        [f"epoch_us(min({time})), epoch_us(max({time}))"]
        + [f"year({e}({time})) * 100 + month({e}({time}))" for e in ("min", "max")]
    )
    finite = f"SELECT {time} FROM ({months.source([file])}) WHERE isfinite({time})"
    with months.reading(connection, [file]):
        return list(connection.sql(f"SELECT {ends} FROM ({finite})").fetchall()[0])
