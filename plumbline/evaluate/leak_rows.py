"""Labels of other rows in a column: neighbours before their delay, and histories that reach past the event. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import numpy as np

from plumbline.core.declarations import Array, Columns
from plumbline.core.usecase import UseCase
from plumbline.evaluate import baselines
from plumbline.evaluate.leak_columns import ALONE, TWO_VALUED, Searched, Suspect
from plumbline.evaluate.leak_measures import LabelledRows

LEAST = 30
"""Rows that tell a leak from what is honest, at least."""
EQUAL = 0.9
"""Share of those rows on which a column equals a history that cannot be known."""
ROWS = 1_000
SHARE = "share of the rows"
LABEL = "the label"
DAY = np.timedelta64(1, "D") // np.timedelta64(1, "us")
SPANS = (1, 2, 3, 5, 7, 10, 14, 21, 28, 30, 60, 90, 180, 365)
"""Lengths of windows that are tried, days."""
LENGTHS = (2, 3, 4, 5, 6, 7, 10, 12, 14, 20, 24, 30)
"""The same in rows."""
LAST_LABELS = 1, 3, 7, 28
"""Known labels whose mean is tried as an answer."""
PERSISTENT = 0.8
"""What it reaches where the label goes on as it went."""
SUMMED = 5
"""Columns beside the label, at most, whose later values are looked for."""


@dataclass(frozen=True)
class Sequence:
    """Rows of each group in time order: places into the table, group codes, and microseconds, int64 (n,)."""

    by: str
    place: Array
    group: Array
    time: Array

    @cached_property
    def first(self) -> Array:
        """Where each row's group begins, (n,)."""
        return np.searchsorted(self.group, self.group, side="left")

    @cached_property
    def end(self) -> Array:
        """Where each row's group ends."""
        return np.searchsorted(self.group, self.group, side="right")

    @cached_property
    def _line(self) -> tuple[int, int, Array]:
        """Groups one behind the other on one line of time: where it begins, a group's length, the rows' places."""
        low, span = int(self.time.min()) - 1, int(self.time.max() - self.time.min()) + 3
        return low, span, self.group * span + self.time - low

    def at(self, rows: Array, time: Array) -> Array:
        """Of the rows (m,), the first row of each one's group that is not before a time (m,)."""
        low, span, line = self._line
        return np.searchsorted(line, self.group[rows] * span + np.clip(time - low, 0, span - 1))


def suspects(searched: Searched, names: tuple[str, ...]) -> Iterator[Suspect]:
    """The first reason against each of the columns `names` that hold labels of other rows, or later values."""
    table, left = searched.ordered, list(names)
    for sequence in _sequences(searched, table):
        own = {n: np.asarray(table[n], np.float64)[sequence.place] for n in left}
        label = np.asarray(table[searched.usecase.label], np.float64)[sequence.place]
        found = [
            one
            for name, value in own.items()
            if (one := _neighbour(searched, sequence, name, value, label))
            or (one := _step(searched, sequence, name, value, label))
        ]
        named = {one.columns[0] for one in found}
        found += _histories(
            searched, table, sequence, {n: v for n, v in own.items() if n not in named}
        )
        yield from found
        left = [n for n in left if n not in {one.columns[0] for one in found}]


def persistence(searched: Searched) -> float:
    """What the last known labels reach on test: the last one, or the mean of a few, of all or of one entity.

    0 where that is little: then no history can answer by itself, unless it knows more.
    """
    table, best = searched.ordered, 0.0
    if searched.usecase.time is None:
        return best
    classes = searched.usecase.problem == "classification"
    for sequence in _sequences(searched, table):
        label = np.asarray(table[searched.usecase.label], np.float64)[sequence.place]
        total = np.append(0.0, np.cumsum(label))
        every = np.arange(len(label))
        known = np.minimum(sequence.at(every, sequence.time - _delay(searched.usecase)), every)
        for size in LAST_LABELS:
            held = known - size >= sequence.first
            if held.sum() >= LEAST:
                mean = (total[known] - total[known - size])[held] / size
                best = max(best, LabelledRows(label[held], classes).reach(mean))
    return best if best >= PERSISTENT else 0.0


def _sequences(searched: Searched, table: Columns) -> Iterator[Sequence]:
    """All rows in their order, then those of each entity."""
    case = searched.usecase
    size = len(table[case.label])
    time = np.arange(size)
    if case.time is not None:
        time = table[case.time].astype("datetime64[us]").astype(np.int64)
    order = np.argsort(time, kind="stable")
    yield Sequence("", order, np.zeros(size, np.int64), time[order])
    for column in case.entity_columns:
        codes = np.unique(table[column].astype(str), return_inverse=True)[1]
        order = np.lexsort((time, codes))
        yield Sequence(column, order, codes[order], time[order])


def _unknown(searched: Searched, since: Array) -> Array:
    """Whether a label of an event that much earlier (microseconds; below 0: later) is not known yet."""
    case = searched.usecase
    if case.time is None:
        return np.ones(len(since), bool)
    return (since < _delay(case)) | (since < 0)


def _delay(usecase: UseCase) -> int:
    """Microseconds until a label is known."""
    return usecase.delay // timedelta(microseconds=1)


def _neighbour(
    searched: Searched, sequence: Sequence, name: str, own: Array, label: Array
) -> Suspect | None:
    """The label of the row before, where it is not known yet, or of the row after."""
    for shift, words in ((1, "before"), (-1, "after")):
        there = np.arange(len(own)) - shift
        inside = (there >= 0) & (there < len(own))
        there = np.clip(there, 0, len(own) - 1)
        inside &= sequence.group[there] == sequence.group
        inside &= _unknown(searched, sequence.time - sequence.time[there])
        figure = _reach(searched, label[there][inside], own[inside])
        if figure:
            text = f"`{name}` is the label of the row {words}{_whose(sequence)}"
            return Suspect((name,), text, figure)
    return None


def _step(
    searched: Searched, sequence: Sequence, name: str, own: Array, label: Array
) -> Suspect | None:
    """A running sum or share of the label that has the event's own label in it: its steps are the labels."""
    step = np.diff(own)
    inside = np.diff(sequence.group) == 0
    figure = _reach(searched, label[1:][inside], step[inside])
    if not figure:
        return None
    text = f"`{name}` has each row's own label in it: its step from row to row{_whose(sequence)}, nearly answers"
    return Suspect((name,), text, figure)


def _reach(searched: Searched, label: Array, answer: Array) -> float:
    """How nearly an answer gives labels; 0 where that is not suspicious, or the rows are too few."""
    held = np.isfinite(answer) & np.isfinite(label)
    if held.sum() < LEAST:
        return 0.0
    classes = searched.usecase.problem == "classification"
    label, answer = label[held], answer[held]
    rows = LabelledRows(label, classes)
    figure = 0.0 if rows.hopeless(answer) else rows.reach(answer)
    return figure if figure >= (TWO_VALUED if classes else ALONE) else 0.0


def _histories(
    searched: Searched, table: Columns, sequence: Sequence, own: Mapping[str, Array]
) -> Iterator[Suspect]:
    """Columns that equal a sum or mean over rows that are not known yet, of the label or of another column."""
    looked, named = baselines.evenly(len(sequence.place), ROWS), set[str]()
    windows = _windows(searched, sequence, looked)
    own = {name: value for name, value in own.items() if np.isfinite(value).any()}
    spread = {name: float(np.nanstd(value)) or 1.0 for name, value in own.items()}
    for what, measure in _measures(searched, table).items() if own else ():
        total = np.append(0.0, np.cumsum(measure[sequence.place]))
        for words, window in windows.items():
            known = window.labels if what == LABEL else window.rows
            for how, full, part in _values(total, window, known):
                tells = window.whole & (np.abs(full - part) > 1e-9)
                if tells.sum() < LEAST:
                    continue
                for name in own.keys() - named - {what.strip("`")}:
                    same = np.abs(own[name][looked] - full)[tells] <= 1e-3 * spread[name]
                    if same.mean() >= EQUAL:
                        named.add(name)
                        text = f"`{name}` is the {how} of {what} over {words}{_whose(sequence)}"
                        yield Suspect((name,), text, float(same.mean()), SHARE)


def _whose(sequence: Sequence) -> str:
    return f", by `{sequence.by}`" if sequence.by else ""


def _measures(searched: Searched, table: Columns) -> dict[str, Array]:
    """What is summed: the label, rows, and a few known numbers."""
    case = searched.usecase
    others = [
        c.name for c in case.known if c.type in ("int", "float", "bool") and c.name != case.key
    ]
    named = {LABEL: case.label, **{f"`{n}`": n for n in others[:SUMMED]}}
    values = {what: np.nan_to_num(np.asarray(table[n], np.float64)) for what, n in named.items()}
    return {**values, "the rows": np.ones(len(table[case.label]))}


@dataclass(frozen=True)
class Window:
    """First and last (excluded) rows of each row's window, and where those end whose labels, and rows, are known.

    `whole`: whether the table has all of the window's rows.
    """

    low: Array
    high: Array
    labels: Array
    rows: Array
    whole: Array


def _windows(searched: Searched, sequence: Sequence, looked: Array) -> dict[str, Window]:
    """The windows of the rows `looked` at, by what they are called."""
    case, time = searched.usecase, sequence.time[looked]
    ends = dict(_by_rows(sequence, looked))
    seen = ends["all rows"][0]
    if case.time is not None:
        ends |= dict(_by_days(sequence, looked, time))
        seen = sequence.at(looked, time - _delay(case))
    return {
        words: Window(low, high, np.clip(seen, low, high), np.clip(looked + 1, low, high), whole)
        for words, (low, high, whole) in ends.items()
    }


Ends = tuple[Array, Array, Array]


def _by_rows(sequence: Sequence, looked: Array) -> Iterator[tuple[str, Ends]]:
    first, end, after = sequence.first[looked], sequence.end[looked], looked + 1
    every = np.ones(len(looked), bool)
    yield "all rows", (first, end, every)
    yield "the rows up to and with its own", (first, after, every)
    yield "the rows before", (first, looked, every)
    yield "the rows after it", (after, end, every)
    for size in LENGTHS:
        low, ahead = np.maximum(after - size, first), np.minimum(after + size, end)
        before = np.maximum(looked - size, first)
        yield f"the last {size} rows, its own among them", (low, after, after - low == size)
        yield f"the {size} rows before", (before, looked, looked - before == size)
        yield f"the next {size} rows", (after, ahead, ahead - after == size)


def _by_days(sequence: Sequence, looked: Array, time: Array) -> Iterator[tuple[str, Ends]]:
    start, end = int(sequence.time.min()), int(sequence.time.max())

    def between(low: Array, high: Array) -> Ends:
        return (
            sequence.at(looked, low),
            sequence.at(looked, high),
            (low >= start) & (high <= end + 1),
        )

    midnight = time // DAY * DAY
    for days in SPANS:
        back, ahead = time - days * DAY, time + days * DAY
        yield f"{days} days up to and with its own row", between(back + 1, time + 1)
        yield f"the {days} days before", between(back, time)
        yield f"the {days} days after", between(time + 1, ahead + 1)
        yield f"{days} days from its own row on", between(time, ahead)
        yield f"{days} days before and after", between(back, ahead + 1)
        first = midnight - (days - 1) * DAY
        yield f"{days} whole days, its own among them", between(first, midnight + DAY)
        yield f"the {days} whole days before", between(first - DAY, midnight)


def _values(total: Array, window: Window, known: Array) -> Iterator[tuple[str, Array, Array]]:
    """Sum and mean over a window, and over what is known of it, from running totals."""
    full, part = total[window.high] - total[window.low], total[known] - total[window.low]
    yield "sum", full, part
    counts = np.maximum(window.high - window.low, 1), np.maximum(known - window.low, 1)
    yield "mean", full / counts[0], part / counts[1]
