"""A window of events as the monitor sees it: columns, known labels, the model's answers, days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from plumbline.core import arrays, stored_columns
from plumbline.core.declarations import KNOWN_AT, Array, Columns
from plumbline.core.usecase import UseCase
from plumbline.monitor import calendar


@dataclass(frozen=True)
class ScoredWindow:
    """n events. `label` float64 (n,), NaN where not known; `score` float64 (n,), the model's answer.

    Of several classes `answers` float64 (n, k) holds a probability each, `score` the likeliest's, and the label
    is a code.

    `day` datetime64[D] (n,) and `last`, the window's last day, whether or not it has rows; both None
    for a table without time. `withheld` bool (n,): events whose label a decision withholds, None where none does.
    `known_at` datetime64[us] (n,): from when the label was known, NaT where it is not; None where outcomes have no
    table of their own, and are known a label delay after their events.
    """

    columns: Columns
    label: Array
    score: Array
    day: Array | None = None
    last: np.datetime64 | None = None
    answers: Array | None = None
    withheld: Array | None = None
    known_at: Array | None = None

    @property
    def answer(self) -> Array:
        """What the primary metric judges: the score (n,), or of several classes the probabilities (n, k)."""
        return self.score if self.answers is None else self.answers

    @property
    def outcome(self) -> Array:
        """What the score foretells, (n,): the label, or of several classes whether the likeliest is right."""
        if self.answers is None:
            return self.label
        right = (np.argmax(self.answers, axis=1) == self.label).astype(np.float64)
        return np.where(self.labelled, right, np.nan)

    @property
    def rows(self) -> int:
        return len(self.score)

    @property
    def labelled(self) -> Array:
        """Where the label is known, bool (n,)."""
        return ~np.isnan(self.label)

    @property
    def days(self) -> int:
        """Days from the first row's to the last, 0 without time or rows."""
        return 0 if self.day is None or self.last is None else calendar.span(self.day, self.last)

    def take(self, rows: Array, last: np.datetime64 | None = None) -> ScoredWindow:
        """The rows that `rows` (mask or positions) picks; the window then ends with `last`, if given."""
        return replace(
            self,
            columns=stored_columns.select(self.columns, rows),
            label=self.label[rows],
            score=self.score[rows],
            day=None if self.day is None else self.day[rows],
            last=self.last if last is None else last,
            answers=None if self.answers is None else self.answers[rows],
            withheld=None if self.withheld is None else self.withheld[rows],
            known_at=None if self.known_at is None else self.known_at[rows],
        )

    def loaded(self) -> ScoredWindow:
        """The same with its columns in memory, where they are on disk."""
        columns = stored_columns.loaded(self.columns)
        return self if columns is self.columns else replace(self, columns=columns)

    def withhold(self, rows: Array) -> ScoredWindow:
        """The window without the labels of these rows, bool (n,): none will come."""
        return replace(self, label=np.where(rows, np.nan, self.label), withheld=rows)

    def known_by(self, day: np.datetime64 | None) -> ScoredWindow:
        """The same with the labels alone that were known by the end of that day."""
        if self.known_at is None or day is None:
            return self
        known = self.known_at < (day + calendar.DAY).astype("datetime64[us]")
        return replace(self, label=np.where(known, self.label, np.nan))


def window(
    usecase: UseCase, columns: Columns, score: Array, last: np.datetime64 | None = None
) -> ScoredWindow:
    """The table `columns` with the model's answers (n,) or (n, k); `last` is its last day, that of the data if None."""
    label = columns.get(usecase.label, np.full(len(score), np.nan)).astype(np.float64)
    answers = score if usecase.classes else None
    if usecase.classes:
        score = np.max(score, axis=1)
    if usecase.time is None:
        return ScoredWindow(columns, label, score, answers=answers)
    day = columns[usecase.time].astype("datetime64[D]")
    end = day.max() if last is None and len(day) else last
    own = stored_columns.without(columns, KNOWN_AT)
    return ScoredWindow(own, label, score, day, end, answers, known_at=columns.get(KNOWN_AT))


def labelled_weeks(every: ScoredWindow) -> ScoredWindow:
    """The rows with a known label in whole weeks that end with the last day that has one."""
    known = every.take(every.labelled)
    if known.day is None or known.rows == 0:
        return known
    return known.take(calendar.in_whole_weeks(known.day, known.day.max()), known.day.max())


def scorable(columns: Columns, needed: Sequence[str], rows: int) -> Mapping[str, Array]:
    """The columns, with NaN (n,) for a needed one that is missing or holds text, and for infinity."""
    empty = np.full(rows, np.nan)
    good = {n: _finite(v) for n, v in columns.items() if n not in needed or arrays.is_number(v)}
    return {**dict.fromkeys(needed, empty), **good}


def _finite(values: Array) -> Array:
    """Infinity as null, which no model takes; drift of the column itself is still reported."""
    if values.dtype.kind != "f" or not np.isinf(values).any():
        return values
    return np.where(np.isinf(values), np.nan, values)
