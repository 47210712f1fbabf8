"""A trend since training is told from a season and from the calendar."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from plumbline.core.declarations import Row
from plumbline.monitor import drift_findings, monitored_columns, observe
from plumbline.monitor.params import Monitor
from plumbline.monitor.seasonal_baseline import ColumnShift
from plumbline.monitor.window import window
from tests.shop import LAST, table, usecase

LIMITS = Monitor(bootstrap=20, period_days=7)
GAIN = {"size": 0.4, "rate": 0.3, "month": 0.3}


def month(at):
    "Month, 0 = January."
    return at.astype("datetime64[M]").astype(np.int64) % 12


def summer(month):
    "1 in the second half of the year."
    return (month >= 6).astype(float)


CASE = replace(
    usecase(),
    rows=(Row(month), Row(summer)),
    features=("size", "rate", "colour_code", "month", "summer"),
)


def rows(days, last, seed, rise=0.0):
    """Ten rows a day; `rate` has a yearly season, `size` rises by `rise` in the last year."""
    out = table(days, last, per_day=10, seed=seed)
    day = out["at"].astype("datetime64[D]")
    season = np.sin(2 * np.pi * day.astype(np.int64) / 365.25)
    late = day > LAST - 364
    columns = {"rate": season + out["spare"], "size": out["size"] + rise * late}
    return {**out, **columns, "month": month(out["at"]), "summer": summer(month(out["at"]))}


def trends(reference_days, current_days, **more):
    past = rows(reference_days, LAST - current_days, 1, **more)
    now = rows(current_days, LAST, 2, **more)
    flat = (np.full(len(t["number"]), 0.5) for t in (past, now))
    windows = [
        window(CASE, t, s, last) for t, s, last in zip((past, now), flat, (None, LAST), strict=True)
    ]
    seen = observe.observe(CASE, GAIN, *windows, LIMITS, seed=0)
    assert not {f.column for f in seen.findings} & {"month", "summer"}
    return {f.column: f for f in seen.findings if f.check == "trend_shift"}


def test_a_season_is_no_trend_where_training_has_a_year():
    assert trends(371, 182) == {}


def test_a_rise_is_one_beside_it():
    found = trends(371, 364, rise=0.6)
    assert list(found) == ["size"]
    assert "in 52 periods" in found["size"].evidence


def test_with_less_than_a_year_the_text_says_that_a_season_looks_the_same():
    found = trends(189, 182)
    assert set(found) == {"rate"}, "the month is the calendar's, however it moves"
    assert "a season looks the same: training has 189 days" in found["rate"].cause


def test_what_is_read_from_the_time_alone_is_the_calendar_s():
    assert monitored_columns.of_clock(CASE) == {"month", "summer"}


@pytest.mark.parametrize(("run", "way"), [(4.0, "up"), (-4.0, "down")])
def test_a_run_of_small_shifts_is_named_as_one(run, way):
    spec = observe.fit_binning.fit(
        CASE, GAIN, window(CASE, rows(60, LAST, 1), np.zeros(600))
    ).specs[0]
    shift = ColumnShift(0.2, 0.5, 1e-6, 0.01, 0.02, run)
    assert drift_findings._of_column(spec, shift, "warning").cause == (
        f"3 periods in a row went {way} on the whole"
    )
