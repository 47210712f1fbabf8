"""Bursts in daily counts: found where they are, and hardly ever in clean series."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.validate import bursts
from plumbline.validate.bursts import DailyCounts, Run

DAYS = 200


def series(seed: int, rate: float = 0.01, clusters: float = 0.0) -> DailyCounts:
    """About 2,000 rows a day; with `clusters` the rate varies from week to week."""
    random = np.random.default_rng(seed)
    rows = random.poisson(2_000, DAYS).astype(float)
    weekly = np.repeat(np.exp(clusters * random.standard_normal(DAYS // 7 + 1)), 7)[:DAYS]
    return DailyCounts("x", rows, random.binomial(rows.astype(int), rate * weekly).astype(float))


def found(one: DailyCounts, since: int = 0) -> list[Run]:
    return bursts.bursts(bursts.runs([one], since))


@pytest.mark.parametrize("clusters", [0.0, 0.2])
def test_clean_series_rarely_show_a_burst(clusters: float) -> None:
    assert sum(bool(found(series(seed, clusters=clusters))) for seed in range(200)) <= 2


def test_a_day_of_too_many_is_found_with_what_was_expected() -> None:
    one = series(1)
    one.hits[150] += 60
    [run] = found(one)
    assert (run.first, run.days, run.hits) == (150, 1, one.hits[150])
    assert run.expected == pytest.approx(20, abs=3)


def test_a_week_of_too_few_is_found() -> None:
    one = series(2)
    one.hits[186:193] = 0
    assert (found(one)[0].first, found(one)[0].days) == (186, 7)


def test_a_change_that_lasts_does_not_hide_itself() -> None:
    one = series(3)
    one.hits[160:] *= 2
    assert found(one)[0].first >= 154  # its week


def test_a_burst_before_the_days_looked_at_is_not_found_again() -> None:
    one = series(1)
    one.hits[150] += 60
    assert not found(one, since=151)


def test_a_storm_like_one_before_is_no_burst() -> None:
    one = series(4)
    one.hits[100] += 60
    one.hits[190] += 60
    assert [run.first for run in found(one)] == [100]


def test_few_days_and_empty_days_are_not_judged() -> None:
    short = DailyCounts("x", np.full(40, 100.0), np.full(40, 1.0))
    assert bursts.runs([short], 0) == []
    none = DailyCounts("x", np.zeros(DAYS), np.zeros(DAYS))
    assert found(none) == []
    assert not bursts.judged(40)
