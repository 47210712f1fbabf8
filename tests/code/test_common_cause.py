"""Columns that moved together are one finding, and periods have their own name."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.monitor import common_cause, page
from plumbline.monitor.result import DayVerdict, MonitorResult
from plumbline.monitor.verdict import Finding
from plumbline.monitor.window import ScoredWindow

ROWS = 3_000
WORLD = np.random.default_rng(0).normal(size=ROWS)


def window(**columns):
    return ScoredWindow(columns, np.zeros(ROWS), np.zeros(ROWS))


def drift(column, level="warning", check="drift"):
    return Finding(check, level, 1.0, "psi", f"{column} moved", column)


def weather(count):
    noise = np.random.default_rng(1).normal(size=(count, ROWS))
    return {f"temperature_{n}": WORLD + 0.5 * noise[n] for n in range(count)}


def test_ten_columns_that_move_together_are_one_finding():
    columns = weather(10)
    findings = [drift(name) for name in columns]
    [one] = common_cause.grouped(findings, window(**columns))
    assert one.column == "temperature_0"
    assert one.evidence == (
        "temperature_0 moved; moved together with temperature_1, temperature_2, temperature_3, "
        "temperature_4 and 5 more"
    )


@pytest.mark.parametrize(
    "other",
    [
        drift("alone"),
        drift("temperature_1", check="null_share"),
        drift("temperature_1", check="trend_shift"),
        drift("town"),
        drift("same"),
        drift("missing"),
    ],
    ids=lambda f: f"{f.check} {f.column}",
)
def test_what_moves_alone_and_faults_stay(other):
    alone = np.random.default_rng(2).normal(size=ROWS)
    columns = weather(2) | {"alone": alone, "town": np.full(ROWS, "a"), "same": np.ones(ROWS)}
    findings = [drift("temperature_0"), other]
    assert common_cause.grouped(findings, window(**columns)) == findings


def test_nulls_and_the_opposite_direction_count_as_well():
    opposite = np.where(np.arange(ROWS) % 9 == 0, np.nan, -(WORLD**3))
    columns = {"up": WORLD, "down": opposite}
    [one] = common_cause.grouped([drift("up"), drift("down")], window(**columns))
    assert one.evidence == "up moved; moved together with down"


@pytest.mark.parametrize(("days", "name"), [(1, "days"), (7, "weeks"), (14, "periods of 14 days")])
def test_periods_are_called_what_they_are(days, name):
    verdicts = (
        DayVerdict(day="2025-06-01", level="ok", rows=3, findings=()),
        DayVerdict(day="2025-06-15", level="ok", rows=3, findings=()),
    )
    result = MonitorResult(level="ok", findings=(), days=verdicts, period_days=days)
    text = page.render("shop", result)
    assert f"2 {name}" in text
