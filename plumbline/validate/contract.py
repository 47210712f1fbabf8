"""The contract as a list of checks. Everything that validates data is made from this one list."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np

from plumbline.core.declarations import KNOWN_AT, Column
from plumbline.core.params_base import Severity
from plumbline.core.sql import TYPES, delayed, quote
from plumbline.core.usecase import Contract
from plumbline.validate.check import (
    EVENT_KEYS,
    LARGEST,
    ROWS,
    ContractCheck,
    TableName,
    checked_severity,
    clock,
    day_number,
    layout,
    severity_of,
)


def checks(
    usecase: Contract,
    severity: Mapping[str, Severity] | None = None,
    *,
    start: date | None = None,
    as_of: date | None = None,
    own: bool = False,
) -> tuple[ContractCheck, ...]:
    """Every check of the files of `usecase`: structure first, then rows; events, then outcomes.

    `severity` overrides DEFAULTS by kind ("range") or by column and kind ("price.range"). `own`: outcomes have a
    table of their own, with several for an event.
    Raises ParamsError for a name or a severity that cannot be.
    """
    chosen = checked_severity(usecase, severity or {})
    listed: list[ContractCheck] = []
    for table in ("events", "outcomes"):
        of_table = _TableChecks(usecase, table, chosen, own)
        listed += of_table.structure()
        listed += [c for column in of_table.columns for c in of_table.of_column(column)]
        listed += of_table.of_rows(start, as_of)
    return tuple(listed)


class _TableChecks:
    """Makes the checks of one table."""

    def __init__(
        self, usecase: Contract, table: TableName, chosen: Mapping[str, Severity], own: bool
    ) -> None:
        self.usecase = usecase
        self.table = table
        self.chosen = chosen
        self.own = own and table == "outcomes"
        self.columns = layout(usecase, table)

    def check(
        self,
        kind: str,
        column: str,
        expects: str,
        *,
        shown: str = "",
        value: str = "",
        low: float | None = None,
        high: float | None = None,
        allowed: tuple[str | int | bool, ...] = (),
    ) -> ContractCheck:
        """A check with its severity; its value is the column by default."""
        severity = severity_of(self.chosen, column, kind)
        look = (shown or column, value or quote(column))
        hidden = any(c.forbidden for c in self.columns if c.name == column)
        return ContractCheck(
            self.table, kind, column, severity, expects, *look, low, high, allowed, hidden
        )

    def structure(self) -> list[ContractCheck]:
        """Columns there, of the right type, and rows in every file; over one line per file."""
        listed = [self.check("empty", "rows", "at least one row", shown=ROWS, low=1)]
        for column in self.columns:
            kind = TYPES[column.type]
            listed.append(self.check("columns", column.name, "the column in every file"))
            listed.append(self.check("type", column.name, f"type {kind}", allowed=(kind,)))
        return listed

    def of_column(self, column: Column) -> list[ContractCheck]:
        """Nulls, range and set of one column. The key and times are never null."""
        value = _value(column)
        fixed = column.name in (self.usecase.key, self.usecase.time, KNOWN_AT)
        listed = []
        if fixed or not column.null:
            listed.append(self.check("null", column.name, "no nulls", value=value))
        if self.table == "outcomes" and fixed:
            return listed  # their values are checked in the events
        low, high = column.min, column.max
        if column.type == "float":
            low, high = (-LARGEST if low is None else low), (LARGEST if high is None else high)
        if column.type == "int":
            low, high = _exact(low), _exact(high)
        if low is not None or high is not None:
            words = _range(low, high, column.unit)
            if column.type == "float":
                low, high = _in_float32(low, high)
            listed.append(self.check("range", column.name, words, value=value, low=low, high=high))
        if self._unbounded_class(column):
            words = "0 or 1, as a classification's label is"
            listed.append(self.check("set", column.name, words, value=value, allowed=(0, 1)))
        if column.allowed:
            words = "one of " + ", ".join(str(a) for a in column.allowed)
            listed.append(
                self.check("set", column.name, words, value=value, allowed=column.allowed)
            )
        return listed

    def _unbounded_class(self, column: Column) -> bool:
        """Whether it is the label of a classification, and its bounds let other numbers than 0 and 1 pass."""
        if self.usecase.problem != "classification" or column.name != self.usecase.label:
            return False
        bounded = column.type == "int" and (column.min, column.max) == (0, 1)
        return column.type != "bool" and not bounded and not column.allowed

    def of_rows(self, start: date | None, as_of: date | None) -> list[ContractCheck]:
        """Uniqueness, time, order, and how outcomes belong to events."""
        key = self.usecase.key
        listed = [self.check("unique", key, "one row per key")]
        if self.own:  # an event may have several, each at its own moment
            listed = []
        listed += self._times(start, as_of)
        if self.table == "outcomes":
            listed += self._outcomes()
        return listed

    def _times(self, start: date | None, as_of: date | None) -> list[ContractCheck]:
        time, key = clock(self.usecase, self.table), self.usecase.key
        if time is None:
            return [self._true("order", key, "rows sorted", _sorted(key))]
        listed = []
        shown, value = f"{time}, day", day_number(quote(time))
        if as_of:
            last = _number(as_of - timedelta(days=1))
            words = f"before as_of {as_of}"
            listed.append(self.check("future", time, words, shown=shown, value=value, high=last))
        if start and self.table == "events":
            first = _number(start)
            words = f"not before start {start}"
            listed.append(self.check("past", time, words, shown=shown, value=value, low=first))
        within = f"year({quote(time)}) * 100 + month({quote(time)}) = __month"
        listed.append(self._true("partition", time, "the month in the file's name", within))
        listed.append(
            self._true("order", time, f"rows sorted by {time}, {key}", _sorted(time, key))
        )
        return listed

    def _outcomes(self) -> list[ContractCheck]:
        key, time = self.usecase.key, self.usecase.time
        same = f"e.key = {quote(key)}"
        if time is None:
            return [self._true("orphan", key, "an event of that key", _exists(same))]
        same += f" AND e.time = {quote(time)}"
        if self.own:
            return [*self._own(quote(time)), self._orphan(same)]
        delay = self.usecase.delay_parts
        late = f"{KNOWN_AT} = {delayed(quote(time), *delay)}"
        return [
            self._true("delay", KNOWN_AT, f"{time} and {self.usecase.delay_words}", late),
            self._orphan(same),
        ]

    def _orphan(self, same: str) -> ContractCheck:
        key, time = self.usecase.key, self.usecase.time
        return self._true("orphan", key, f"an event of that key and {time}", _exists(same))

    def _own(self, time: str) -> list[ContractCheck]:
        """Of outcomes with a table of their own: each known after its event, one at a moment."""
        single = f"count(*) OVER (PARTITION BY {quote(self.usecase.key)}, {KNOWN_AT}) = 1"
        return [
            self._true(
                "early",
                KNOWN_AT,
                f"not before the event ({self.usecase.time})",
                f"{KNOWN_AT} >= {time}",
            ),
            self._true("tie", KNOWN_AT, f"one outcome of an event at one {KNOWN_AT}", single),
        ]

    def _true(self, kind: str, column: str, expects: str, condition: str) -> ContractCheck:
        shown = f"{column}, {kind} holds"
        return self.check(kind, column, expects, shown=shown, value=condition, allowed=(True,))


def _value(column: Column) -> str:
    """A float's NaN counts as null, as it does for everything after this stage."""
    name = quote(column.name)
    return f"CASE WHEN isnan({name}) THEN NULL ELSE {name} END" if column.type == "float" else name


def _exact(bound: float | None) -> float | None:
    """A whole bound as an int: a comparison as floats could not tell large integers apart."""
    return int(bound) if bound is not None and float(bound).is_integer() else bound


def _in_float32(low: float | None, high: float | None) -> tuple[float | None, float | None]:
    """The bounds, widened to what they are as float32: a source of that type writes 0.1 a little larger.

    The model reads all numbers as float32, so that nothing it could tell apart is let through.
    """
    return (
        None if low is None else min(low, _rounded(low)),
        None if high is None else max(high, _rounded(high)),
    )


def _rounded(bound: float) -> float:
    """The bound as float32; as it is where it is beyond that."""
    with np.errstate(over="ignore"):
        rounded = float(np.float32(bound))
    return rounded if np.isfinite(rounded) else bound


def _bound(value: float) -> str:
    """A bound in six digits, or in all where an integer has more."""
    short = f"{value:g}"
    return short if float(short) == value or isinstance(value, float) else str(value)


def _range(low: float | None, high: float | None, unit: str) -> str:
    words = [f"at least {_bound(low)}" if low not in (None, -LARGEST) else ""]
    words += [f"at most {_bound(high)}" if high not in (None, LARGEST) else ""]
    unit = "" if unit == "-" else f" {unit}"
    model = ", of a size that the model's float32 holds" if LARGEST in (high, -(low or 0)) else ""
    return (" and ".join(w for w in words if w) or "finite") + unit + model


def _number(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


def _sorted(*columns: str) -> str:
    names = [quote(c) for c in columns]
    before = [f"lag({n}) OVER ()" for n in names]
    return f"{before[0]} IS NULL OR ({', '.join(names)}) >= ({', '.join(before)})"


def _exists(same: str) -> str:
    return f"EXISTS (SELECT 1 FROM {EVENT_KEYS} e WHERE {same})"
