"""Whole weeks counted back from the last day, and when labels are known."""

from __future__ import annotations

import numpy as np

from plumbline.monitor import calendar

LAST = np.datetime64("2025-06-30")


def days(count, per_day=1):
    return np.repeat(LAST - np.arange(count)[::-1] * calendar.DAY, per_day)


def test_whole_weeks_end_with_the_last_day():
    kept = days(17, 2)[calendar.in_whole_weeks(days(17, 2), LAST)]
    assert kept.min() == np.datetime64("2025-06-17")
    assert len(kept) == 28
    weekday = (kept.astype(int) + 3) % 7
    assert set(np.bincount(weekday)) == {4}, "every weekday as often as the others"


def test_less_than_a_week_is_kept_whole():
    assert calendar.in_whole_weeks(days(6), LAST).all()
    assert calendar.in_whole_weeks(days(0), LAST).shape == (0,)


def test_missing_last_days_are_part_of_the_window():
    early = days(14)[:-3]
    assert calendar.span(early, LAST) == 14
    assert calendar.in_whole_weeks(early, LAST).sum() == 11


def test_week_of_counts_back():
    assert calendar.week_of(days(9), LAST).tolist() == [1, 1, 0, 0, 0, 0, 0, 0, 0]


def test_blocks_are_as_long_as_asked():
    result = calendar.blocks(days(35), LAST, 2)
    assert result.tolist() == [-1] * 7 + [1] * 14 + [0] * 14
    assert set(calendar.blocks(days(10), LAST, 2)) == {-1}
    assert set(calendar.blocks(days(10), LAST, 0)) == {-1}


def test_labels_are_known_when_the_delay_has_passed_for_the_whole_day():
    assert calendar.known_on(LAST, 0) == np.datetime64("2025-07-01")
    assert calendar.known_on(LAST, 7) == np.datetime64("2025-07-08")
