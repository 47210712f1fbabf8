"""Shares of events that were refused or flagged, and percentiles of times, day by day. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from plumbline.core.declarations import Array
from plumbline.core.documents import rounded
from plumbline.core.served_sheet import ServedSheet
from plumbline.monitor.params import LevelLimits, Monitor
from plumbline.monitor.served.served_report import ServedShare, ServedTimes
from plumbline.monitor.served.served_rows import FLAGS, ServedRows
from plumbline.monitor.verdict import LEVELS, Level

SHARES = ("refused", *FLAGS)
TIMES = (("state_age", "s", 1e-6), ("latency_ms", "ms", 1e-3))
"""Names of the times, their units, and the factor from microseconds."""


@dataclass(frozen=True)
class Period:
    """Events of a day (of all days where a day has too few): how many, and of how many something is true."""

    day: str
    count: int
    rows: int


def shares(rows: ServedRows, refused: Mapping[str, int], limits: Monitor) -> list[ServedShare]:
    """The share of each flag among the answered events, and of the refused among all that came.

    `refused`: events by day of receipt.
    """
    days = _counts(rows.day)
    counted = {flag: _counts(rows.day[rows.flags[flag]]) for flag in FLAGS}
    out = []
    for name in SHARES:
        true = refused if name == "refused" else counted[name]
        every = sorted({*days, *refused}) if name == "refused" else sorted(days)
        base = {d: days.get(d, 0) + (refused.get(d, 0) if name == "refused" else 0) for d in every}
        periods = [Period(d, true.get(d, 0), base[d]) for d in every]
        out.append(_share(name, periods, getattr(limits.served, name), limits))
    return out


def refusals(sheet: ServedSheet, first: np.datetime64 | None) -> dict[str, int]:
    """Refused events by day of receipt, from the day `first` on."""
    days = [d for d in sheet.days if first is None or np.datetime64(d.day) >= first]
    counts = {str(d.day): sum(sum(c.values()) for c in d.refused.values()) for d in days}
    return {day: count for day, count in counts.items() if count}


def reasons(
    sheet: ServedSheet, first: np.datetime64 | None, most: int = 3
) -> list[tuple[str, str, int]]:
    """The commonest reasons of refusal: column, problem, events."""
    found: dict[tuple[str, str], int] = {}
    for day in sheet.days:
        if first is None or np.datetime64(day.day) >= first:
            for column, problems in day.refused.items():
                for problem, count in problems.items():
                    found[column, problem] = found.get((column, problem), 0) + count
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return [(*reason, count) for reason, count in ordered[:most]]


def times(rows: ServedRows, limits: Monitor) -> list[ServedTimes]:
    """How long events waited to count in histories, and how long answers took."""
    values = (waited(rows), rows.micros)
    return [
        _time(name, unit, value * factor, rows.day, limits)
        for (name, unit, factor), value in zip(TIMES, values, strict=True)
    ]


def waited(rows: ServedRows) -> Array:
    """For each event how long the oldest earlier one that its histories did not count had waited, µs (n,)."""
    order = np.argsort(rows.sequence, kind="stable")
    sequence, received = rows.sequence[order], rows.received[order]
    oldest = np.searchsorted(sequence, rows.watermark, side="right")
    own = np.searchsorted(sequence, rows.sequence)
    pending = oldest < own
    since = received[np.where(pending, oldest, own)]
    return np.where(pending, (rows.received - since).astype(np.int64), 0)


def _counts(days: Array) -> dict[str, int]:
    return {str(day): int(n) for day, n in zip(*np.unique(days, return_counts=True), strict=True)}


def _share(name: str, periods: list[Period], bounds: LevelLimits, limits: Monitor) -> ServedShare:
    count, rows = (sum(getattr(p, field) for p in periods) for field in ("count", "rows"))
    if rows < limits.min_rows:
        why = f"{rows} events, {limits.min_rows} are needed"
        return ServedShare(name=name, count=count, rows=rows, level="ok", cannot_tell=why)
    whole = Period(f"{periods[0].day} to {periods[-1].day}", count, rows)
    judged = [p for p in periods if p.rows >= limits.min_rows] or [whole]
    levels = [_level(p, bounds, limits) for p in judged]
    at = max(
        range(len(judged)),
        key=lambda i: (LEVELS.index(levels[i]), judged[i].count / judged[i].rows),
    )
    since, until = run([p.day for p in judged], levels, at)
    return ServedShare(
        name=name,
        count=count,
        rows=rows,
        level=levels[at],
        worst_day=judged[at].day,
        worst=rounded(judged[at].count / judged[at].rows),
        since=since,
        until=until,
    )


def run(days: Sequence[str], levels: Sequence[Level], at: int) -> tuple[str | None, str | None]:
    """The first day of the unbroken run of findings that holds the day `at`, and the last day with one, None if it lasts.

    >>> run(["1", "2", "3", "4"], ["warning", "alert", "ok", "ok"], 1)
    ('1', '2')
    """
    if levels[at] == "ok" or len(days) == 1:
        return None, None
    healthy = [i for i in range(at) if levels[i] == "ok"]
    last = max(i for i, level in enumerate(levels) if level != "ok")
    return days[healthy[-1] + 1 if healthy else 0], days[last] if last + 1 < len(days) else None


def _level(period: Period, bounds: LevelLimits, limits: Monitor) -> Level:
    """A share at its limit or above, and beyond what chance makes of the limit itself."""
    from scipy.special import bdtrc

    levels: tuple[tuple[Level, float, float], ...] = (
        ("alert", bounds.alert, limits.false_alert_days),
        ("warning", bounds.warning, limits.false_warning_days),
    )
    for level, limit, days in levels:
        chance = float(bdtrc(period.count - 1, period.rows, limit)) if period.count else 1.0
        if period.count and chance < 1 / days / len(SHARES):
            return level
    return "ok"


def _time(name: str, unit: str, values: Array, day: Array, limits: Monitor) -> ServedTimes:
    bounds: LevelLimits = getattr(limits.served, name)
    of_all = _percentiles(name, unit, values)
    if len(values) < limits.min_rows:
        why = f"{len(values)} events, {limits.min_rows} are needed"
        return of_all.model_copy(update={"cannot_tell": why})
    days = [(d, values[day == d]) for d in np.unique(day)]
    judged = [(str(d), v) for d, v in days if len(v) >= limits.min_rows]
    judged = judged or [(f"{day.min()} to {day.max()}", values)]
    worst = [float(np.quantile(v, 0.99)) for _, v in judged]
    levels = [_at(value, bounds) for value in worst]
    at = int(np.argmax(worst))
    since, until = run([d for d, _ in judged], levels, at)
    found = {"level": levels[at], "worst_day": judged[at][0], "worst": rounded(worst[at])}
    return of_all.model_copy(update=found | {"since": since, "until": until})


def _at(value: float, bounds: LevelLimits) -> Level:
    return "alert" if value >= bounds.alert else "warning" if value >= bounds.warning else "ok"


def _percentiles(name: str, unit: str, values: Array) -> ServedTimes:
    at = (0.5, 0.95, 0.99, 1.0)
    cuts = [rounded(float(v)) for v in np.quantile(values, at)] if len(values) else [None] * 4
    median, p95, p99, largest = cuts
    return ServedTimes(
        name=name, unit=unit, median=median, p95=p95, p99=p99, largest=largest, level="ok"
    )
