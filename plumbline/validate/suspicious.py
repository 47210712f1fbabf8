"""What poisoned data look like without a model: labels, near copies and outliers that come in bursts.

Each check compares days, and weeks, with those before them. What does not change from one day to the next
is not seen: labels that were flipped evenly from the first day on, or a few of many hidden ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

import duckdb

from plumbline.core import event_days
from plumbline.core.declarations import Column
from plumbline.core.usecase import Contract
from plumbline.validate import bursts, series_span, time_coverage
from plumbline.validate.bursts import DailyCounts, Run
from plumbline.validate.check import TableName
from plumbline.validate.kept_months import KeptMonths
from plumbline.validate.label_series import MEMORY, LabelSeries
from plumbline.validate.months import File
from plumbline.validate.profile_shifts import ProfileShift
from plumbline.validate.series_span import Span

SHOWN = 3
Describe = Callable[[Run], str]
"""A run in words, without its days."""


def measures(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    tables: Mapping[TableName, Sequence[File]],
    window: tuple[date, date] | None,
    *,
    accepted: bool,
    kept: KeptMonths | None = None,
) -> list[ProfileShift]:
    """A measure for each check that can be made, above 1 where it found a burst; `window`: the profile's.

    Where a profile is `accepted`, the days before the window were looked at then, and are only compared with.
    """
    days = span(connection, usecase, tables, window, kept)
    if days is None or not_judged(usecase, days):
        return []
    since = max(0, (window[0] - days.first).days) if accepted and window else 0
    one = _Checks(LabelSeries(connection, usecase, tables, days, kept), since)
    return [*one.labels(), *one.segments(), *one.copies(), *one.outliers()]


def not_judged(usecase: Contract, days: Span | None) -> str:
    """Why poisoning is not looked for; empty where it is."""
    if usecase.time is None:
        return "cannot tell whether data are poisoned: a table without time has no days to compare"
    if days is None or not bursts.judged(days.labelled):
        known = days.labelled if days else 0
        return (
            f"cannot tell whether data are poisoned: labels of {known} days are due, "
            f"{2 * bursts.FEWEST} are needed"
        )
    return ""


def span(
    connection: duckdb.DuckDBPyConnection,
    usecase: Contract,
    tables: Mapping[TableName, Sequence[File]],
    window: tuple[date, date] | None,
    kept: KeptMonths | None = None,
) -> Span | None:
    """The days that are looked at; None without time or outcomes."""
    if usecase.time is None or window is None or not (tables["events"] and tables["outcomes"]):
        return None
    days = time_coverage.days(connection, kept or KeptMonths(usecase), tables["events"])
    return series_span.span(usecase, event_days.of(days).first, window[1]) if days else None


@dataclass(frozen=True)
class _Counted:
    """Describes a run by its counts and what is counted."""

    what: str

    def __call__(self, run: Run) -> str:
        return f"{_of(run)} {self.what}"


class _Checks:
    """Makes the measures of one table from its series."""

    def __init__(self, series: LabelSeries, since: int) -> None:
        self.series = series
        self.usecase = series.usecase
        self.days = series.days
        # the labels of the window's first days are due days later: they are as new as the window
        self.since_labels = max(0, since - self.usecase.delay_days)
        self.since = since
        word = "positive" if self.usecase.problem == "classification" else "extreme"
        self.hits = f"{word} labels"

    def labels(self) -> Iterator[ProfileShift]:
        """Whether labels are more, or less, often positive than before; and so without company."""
        name, rates = self.usecase.label, self.series.rates()
        if self.usecase.classes:
            yield self._measure("label_rate", name, rates, _of_class)
            return
        yield self._measure("label_rate", name, rates, _Counted(self.hits))
        lone = self.series.lone()
        if lone is not None:
            ids = " or ".join(self.usecase.entity_columns)
            text = f"{self.hits} of which no other in {MEMORY} days has the same {ids}"
            yield self._measure("label_lone", name, [lone], partial(self._alone, text), MEMORY)

    def _alone(self, text: str, run: Run) -> str:
        return f"{_of(run)} {text}{_keys(self.series.alone(run.first, run.first + run.days))}"

    def segments(self) -> Iterator[ProfileShift]:
        """Whether positives gather in one value of a column, or on single ids of an entity; not of several classes."""
        if self.usecase.classes:
            return
        for column, listed in self.series.segments():
            yield self._measure("label_segments", column.name, listed, self._gathered)
        for column, one in self.series.entities():
            text = f"{self.hits} on days on which most labels of one {column.name} are such"
            yield self._measure("label_segments", column.name, [one], _Counted(text))

    def _gathered(self, run: Run) -> str:
        return f"'{run.name}' has {run.hits:,.0f} of {run.rows:,.0f} {self.hits}, {_expected(run)}"

    def copies(self) -> Iterator[ProfileShift]:
        """Whether rows come with near copies of another label."""
        one = self.series.copies()
        if one is None:
            return

        yield self._measure("label_copies", self.usecase.label, [one], self._copied)

    def _copied(self, run: Run) -> str:
        keys = self.series.copied(run.first, run.first + run.days)
        return f"{_of(run)} rows have a near copy with another label{_keys(keys)}"

    def outliers(self) -> Iterator[ProfileShift]:
        """Whether values far out come in bursts."""
        for column, one in self.series.outliers():
            yield self._measure("outliers", column.name, [one], partial(self._far_out, column))

    def _far_out(self, column: Column, run: Run) -> str:
        keys = self.series.far_out(column, run.first, run.first + run.days)
        return f"{_of(run)} rows have a value far out{_keys(keys)}"

    def _measure(
        self,
        kind: str,
        column: str,
        series: Sequence[DailyCounts],
        describe: Describe,
        later: int = 0,
    ) -> ProfileShift:
        """`later`: days after the span's first at which the series begins."""
        since = self.since if kind == "outliers" else self.since_labels
        runs = bursts.runs(series, max(0, since - later))
        found = [r._replace(first=r.first + later) for r in bursts.bursts(runs)]
        shown = "; ".join(f"{self._when(r)}: {describe(r)}" for r in found[:SHOWN])
        more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        score = max((r.score for r in runs), default=0.0)
        return ProfileShift(kind, column, round(score, 3), None, 1.0, shown + more or "no burst")

    def _when(self, run: Run) -> str:
        first = self.days.first + timedelta(days=run.first)
        return str(first) if run.days == 1 else f"{first} to {first + timedelta(days=run.days - 1)}"


def _of(run: Run) -> str:
    return f"{run.hits:,.0f} of {run.rows:,.0f} ({_expected(run)})"


def _of_class(run: Run) -> str:
    return f"{_of(run)} labels of class {run.name}"


def _expected(run: Run) -> str:
    return f"{run.expected:,.0f} expected"


def _keys(keys: Sequence[str]) -> str:
    return f", such as key {', '.join(keys)}" if keys else ""
