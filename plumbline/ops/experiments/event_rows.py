"""Served events as columns, and what was observed of each: the values that an experiment compares. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from plumbline.core.declarations import Array


@dataclass(frozen=True)
class Outcome:
    """What became of an event: when the first outcome was known, when this one, its sequence, its values."""

    first_known: int  # microseconds since 1970
    known: int
    sequence: int
    values: Mapping[str, Any]

    def followed_by(self, other: Outcome) -> Outcome:
        """The later of the two, and when the first was known."""
        late = max(self, other, key=lambda one: (one.known, one.sequence))
        first = min(self.first_known, other.first_known)
        return Outcome(first, late.known, late.sequence, late.values)


@dataclass(frozen=True)
class EventRows:
    """n served rows by sequence, (n,) each. `unit`, `key`, `decision`, `action`: objects; `time`: microseconds."""

    sequence: Array
    day: Array
    unit: Array
    key: Array
    arm: Array
    mode: Array
    time: Array
    score: Array
    scored: Array
    alarm: Array
    decision: Array
    action: Array
    propensity: Array
    micros: Array
    flagged: Array
    columns: Mapping[str, Array]

    def __len__(self) -> int:
        return len(self.sequence)

    def rows(self, chosen: Array) -> EventRows:
        """Some of the rows, by mask or place."""
        columns = {name: values[chosen] for name, values in self.columns.items()}
        own = {f.name: getattr(self, f.name)[chosen] for f in _arrays()}
        return EventRows(**own, columns=columns)

    def by_unit(self) -> Array:
        """The units as whole numbers, int (n,)."""
        codes: dict[Any, int] = {}
        return np.array([codes.setdefault(one, len(codes)) for one in self.unit], np.int64)


def joined(parts: Sequence[EventRows], columns: Sequence[str]) -> EventRows:
    """All parts, by sequence; with these columns where there is none."""
    parts = parts or [_none(columns)]
    united = {name: np.concatenate([part.columns[name] for part in parts]) for name in columns}
    own = {f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in _arrays()}
    whole = EventRows(**own, columns=united)
    return whole.rows(np.argsort(whole.sequence, kind="stable"))


def _none(columns: Sequence[str]) -> EventRows:
    """No rows, with the types that rows have."""
    kinds: dict[str, Any] = dict.fromkeys(("sequence", "day", "time"), np.int64)
    kinds |= dict.fromkeys(("unit", "key", "arm", "mode", "decision", "action"), object)
    kinds["scored"] = bool
    own = {f.name: np.zeros(0, kinds.get(f.name, np.float64)) for f in _arrays()}
    return EventRows(**own, columns={name: np.zeros(0) for name in columns})


def _arrays() -> list[Any]:
    return [f for f in fields(EventRows) if f.name != "columns"]
