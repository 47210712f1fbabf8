"""What each column is to the others: label, event time, key, and what is not known at prediction time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np

from plumbline.core.declarations import Array
from plumbline.ops.infer import event_time, joint_leaks, label_leaks, row_key, typed_table
from plumbline.ops.infer.column_types import words
from plumbline.ops.infer.event_time import EventTime
from plumbline.ops.infer.guess import Notes
from plumbline.ops.infer.label_choice import Label
from plumbline.ops.infer.row_key import RowKey
from plumbline.ops.infer.typed_table import TypedColumn

AFTER = 0.9
"""Share of the rows in which a time lies after the event, from which it is not known at the event."""
GENERAL = frozenset(
    {"is", "has", "was", "n", "num", "no", "the", "total", "mean", "max", "min", "avg"}
)
"""Words that say nothing of what a name is about."""


@dataclass(frozen=True)
class Roles:
    """What has been found out about the table's columns."""

    label: Label
    time: EventTime | None
    key: RowKey
    unknown: Mapping[str, str]  # by column, why it is not known at prediction time


def find(
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[TypedColumn],
    label: Label,
    time: str | None,
    key: str | None,
    notes: Notes,
) -> Roles:
    """Time, key and leaks, each noted. Raises PlumblineError where `time` or `key` cannot be."""
    rows = columns[0].facts.rows
    when = event_time.guess(connection, columns, label.name, time, notes)
    if when:
        notes.add("time", when.name, when.reason)
    unknown = leaks(connection, columns, label, when)
    for pair in joint(connection, columns, label, unknown):
        notes.refuse(f"{pair[0]} and {pair[1]}", "left out", f"kept; {joint_leaks.sentence(pair)}")
    able = [c for c in columns if c.name != label.name]
    identity = row_key.guess(connection, able, label.name, when, rows, key)
    notes.add("key", identity.name, identity.reason)
    return Roles(label, when, identity, unknown)


def joint(
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[TypedColumn],
    label: Label,
    unknown: Mapping[str, str],
) -> list[tuple[str, str, float]]:
    """Pairs of the other numbers that together say what neither says alone; of the largest share."""
    able = [c.name for c in columns if c.numeric and c.facts.distinct > 2 and c.name not in unknown]
    others = [n for n in able if n != label.name]
    numbers = typed_table.numbers(connection, [*others, label.name])
    return joint_leaks.find(numbers, label.name, others)[:1]


def leaks(
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[TypedColumn],
    label: Label,
    time: EventTime | None,
) -> dict[str, str]:
    """By column, why it gives the label away, or cannot be known before it."""
    numeric = [c.name for c in columns if c.numeric]
    numbers = typed_table.numbers(connection, numeric)
    others = [n for n in numeric if n != label.name]
    texts = [c.name for c in columns if c.type == "string" and c.facts.distinct <= 1000]
    reasons = {one.name: one.reason for one in label_leaks.find(numbers, label.name, others)}
    coded = label_leaks.codes(connection, label.name, texts)
    if label.problem == "classification":
        able = [c.name for c in columns if c.nulls and c.name != label.name]
        coded += label_leaks.missing(connection, label.name, able)
    reasons |= {one.name: one.reason for one in coded}
    return _named_alike(columns, label) | _later(connection, columns, time) | reasons


def _named_alike(columns: Sequence[TypedColumn], label: Label) -> dict[str, str]:
    """The one other column whose name begins as the label's does."""
    parts = words(label.source)
    if len(parts) < 2 or parts[0] in GENERAL:
        return {}
    alike = [c for c in columns if c.source != label.source and words(c.source)[:1] == parts[:1]]
    if len(alike) != 1 or len(words(alike[0].source)) < 2:
        return {}
    reason = f"named like the label ('{parts[0]}'), so probably known only with it; declare it if it is not"
    return {alike[0].name: reason}


def _later(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[TypedColumn], time: EventTime | None
) -> dict[str, str]:
    """Times that lie after the event in most rows."""
    times = [c.name for c in columns if c.type == "timestamp"]
    if time is None or time.name not in times:
        return {}
    numbers = typed_table.numbers(connection, times)
    event = numbers[time.name]
    shares = {n: _share_after(numbers[n], event) for n in times if n != time.name}
    return {
        n: f"a time that lies after the event in {100 * share:.0f} % of the rows"
        for n, share in shares.items()
        if share >= AFTER
    }


def _share_after(times: Array, event: Array) -> float:
    held = np.isfinite(times) & np.isfinite(event)
    return float(np.mean(times[held] > event[held])) if held.any() else 0.0
