"""The origins of a backtest: who knows what, and how long each is judged."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.features.splits import SplitWindow
from plumbline.studies.backtest.origins import plan

KNOWN = SplitWindow(date(2025, 1, 1), date(2025, 6, 1))  # 151 days
HOW = {"delay": 7, "train_days": 28, "valid_days": 21, "count": 8}


def test_no_origin_knows_a_label_of_its_last_days():
    delay = timedelta(days=7)
    for origin in plan(KNOWN, **HOW):
        assert origin.valid.end + delay == origin.day == origin.scored.start
        assert origin.train.end + delay == origin.valid.start
        assert origin.valid.days == 21
        assert origin.train.start == KNOWN.start


def test_periods_follow_each_other_to_the_last_day_in_whole_weeks():
    built = plan(KNOWN, **HOW)
    assert len(built) == 8
    assert {o.scored.days for o in built} == {7}  # 88 days left: 11 each
    assert [o.scored.end for o in built[:-1]] == [o.scored.start for o in built[1:]]
    assert built[-1].scored.end == KNOWN.end
    assert built[0].train.days >= 28


def test_fewer_origins_are_longer_ones():
    assert {o.scored.days for o in plan(KNOWN, **{**HOW, "count": 3})} == {28}


def test_short_periods_are_days():
    assert {o.scored.days for o in plan(KNOWN, **{**HOW, "count": 14})} == {6}


def test_too_few_days_are_refused_with_the_sum():
    text = r"20 origins: 151 days .* less 63 before the first origin \(train 28, valid 21.* leave 4 days"
    with pytest.raises(PlumblineError, match=text):
        plan(KNOWN, **{**HOW, "count": 20})
