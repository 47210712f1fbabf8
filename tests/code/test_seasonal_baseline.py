"""Seasons matched, the past as the measure, and a budget that is kept."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.monitor import chances, fit_binning, period_summary, seasonal_baseline
from plumbline.monitor.window import window
from tests.shop import LAST, table, usecase

CASE = usecase()


def binning_and_days(days=35, last=LAST, seed=0, per_day=100, change=None):
    """A binning from four weeks, and a summary of each of `days` days."""
    training = window(CASE, table(28, last - days, per_day, seed + 1000), np.zeros(28 * per_day))
    binning = fit_binning.fit(CASE, {"size": 1.0}, training)
    columns = table(days, last, per_day, seed)
    if change:
        columns = change(columns)
    whole = window(CASE, columns, np.zeros(len(columns["size"])))
    parts = [whole.take(whole.day == d, d) for d in np.unique(whole.day)]
    return binning, [period_summary.summarise(binning, part) for part in parts]


def moved(change=None, **more):
    binning, days = binning_and_days(change=change, **more)
    past = seasonal_baseline.baseline(binning, days[:-1], days[-1])
    return seasonal_baseline.shifts(past, binning.specs)


def test_a_weekday_is_held_against_the_same_weekday():
    binning, days = binning_and_days()
    past = seasonal_baseline.baseline(binning, days[:-1], days[-1])
    chosen = [str(days[i].day) for i in np.flatnonzero(past.weights[-1])]
    assert chosen == ["2025-06-01", "2025-06-08", "2025-06-15", "2025-06-22"]
    assert past.matched[-1]
    for season in (days[-1], days[-7]):
        assert moved()["rate"].p > 1e-3, season


def test_a_shift_of_the_last_day_stands_out():
    def last_day(columns):
        late = columns["at"] >= LAST.astype("datetime64[us]")
        return {**columns, "size": columns["size"] + 1.0 * late}

    result = moved(last_day)
    assert result["size"].p < 1e-6
    assert result["size"].size == pytest.approx(1.0, abs=0.25)
    assert result["spare"].p > 1e-4


def test_a_small_shift_that_stays_adds_up():
    def three_days(columns):
        late = columns["at"] >= (LAST - 2).astype("datetime64[us]")
        return {**columns, "size": columns["size"] + 0.35 * late}

    result = moved(three_days, per_day=200)
    assert result["size"].p_run < result["size"].p_mean


def test_days_that_differ_by_themselves_are_no_news():
    def restless(columns):
        day = (columns["at"].astype("datetime64[D]") - LAST).astype(int)
        level = np.random.default_rng(5).normal(0, 0.5, 100)
        return {**columns, "size": columns["size"] + level[-day]}

    assert moved(restless)["size"].p > 1e-4


@pytest.mark.capability("K1")
def test_the_budget_is_kept_on_days_without_drift():
    least = []
    for seed in range(12):
        result = moved(seed=seed)
        least.append(min(s.p for s in result.values()) * 3 * len(result))
    assert sum(p < 1 / 30 for p in least) <= 2


def test_without_a_past_the_training_window_stands_in():
    binning, days = binning_and_days()
    past = seasonal_baseline.baseline(binning, [], days[-1])
    assert not past.matched.any()
    assert (past.reference[-1] == binning.training).all()


def test_a_rate_by_hand():
    past, rows = np.full(50, 2.0), np.full(50, 1_000.0)
    chance, share = chances.rate(2, 1_000, past, rows)
    assert share == pytest.approx(0.002, rel=0.01)
    assert chance > 0.3
    assert chances.rate(20, 1_000, past, rows)[0] < 1e-9
    restless = np.tile([0.0, 4.0, 0.0, 20.0, 1.0], 10)
    assert chances.rate(20, 1_000, restless, rows)[0] > 1e-3, "it happened before"
    none = np.zeros(50)
    assert chances.rate(0, 1_000, none, rows)[0] == 1.0
    assert chances.rate(5, 1_000, none, rows)[0] < 1e-6


def test_moderated_needs_more_of_a_short_past():
    long, short = np.zeros(41), np.zeros(6)
    long[-1] = short[-1] = 5.0
    true = np.ones(41, bool)
    chance = chances.moderated({"": long}, true, floor=1.0)[""]
    assert chance < chances.moderated({"": short}, true[:6], floor=1.0)[""]
    assert chance < 1e-4
    assert chances.moderated({"": -long}, true, floor=1.0, upper=True)[""] > 0.99
