"""The profile of a window, and how far it is from the accepted one."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from plumbline.validate import months, profile, profile_shifts
from plumbline.validate.params import Validate
from plumbline.validate.profile_document import Profile
from plumbline.validate.profile_shifts import ColumnDay, ProfileShift
from tests.orders import LIST, ORDERS, good, write_raw

LIMITS = Validate()


def column(**given: Any) -> dict[str, Any]:
    """A column's profile: 10,000 values around 100, unless said otherwise."""
    quantiles = {str(p): 100.0 + 40 * (p - 0.5) for p in profile.QUANTILES}
    return {"rows": 10_000, "null": 0.0, "mean": 100.0, "sd": 20.0, "quantiles": quantiles, **given}


def profiled(columns: dict[str, Any], rows: int = 10_000, **given: Any) -> Profile:
    """A profile with these columns."""
    return Profile.model_validate({"columns": columns, "per_day": {}, "rows": rows, **given})


def of(now: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, ProfileShift]:
    """The measures of one column, by kind."""
    accepted, current = profiled({"x": before or column()}), profiled({"x": now})
    built = profile_shifts.measures(accepted, current, LIMITS, {})
    return {m.kind: m for m in built}


def test_js_divergence_is_the_published_one() -> None:
    assert profile_shifts.js([0.5, 0.5], [0.5, 0.5]) == 0
    assert profile_shifts.js([1.0, 0.0], [0.0, 1.0]) == 1
    assert profile_shifts.js([0.5, 0.5], [0.9, 0.1]) == pytest.approx(0.14679, abs=1e-5)


def test_a_factor_is_found_both_ways_and_only_near_one() -> None:
    assert profile_shifts.factor(95, 0.1) == 100
    assert profile_shifts.factor(1 / 60, 0.1) == pytest.approx(1 / 60)
    assert profile_shifts.factor(2.5, 0.1) == 2.54
    assert profile_shifts.factor(30, 0.1) is None
    assert profile_shifts.factor(1.0, 0.1) is None
    assert profile_shifts.factor(-10, 0.1) is None


def test_mean_shift_is_in_standard_deviations_of_the_accepted() -> None:
    measure = of(column(mean=106.0, sd=1.0))["mean"]
    assert measure.value == pytest.approx(0.3)
    assert measure.failed
    assert not of(column(mean=103.0))["mean"].failed
    down = of(column(mean=94.0))["mean"]
    assert down.value == pytest.approx(-0.3)
    assert down.failed


def test_a_shift_within_what_few_rows_explain_is_not_told() -> None:
    few = column(mean=106.0, rows=50)
    assert not of(few)["mean"].failed
    assert not of(column(mean=106.0), column(rows=50))["mean"].failed


def test_the_farthest_quartile_is_told_in_interquartile_ranges() -> None:
    moved = column()
    moved["quantiles"] = {**moved["quantiles"], "0.5": 101.0, "0.75": 118.0}
    measure = of(moved)["quantiles"]
    assert measure.value == pytest.approx((118 - 110) / 20)
    assert "quantile 0.75 is 118, was 110" in measure.detail
    assert measure.failed


def test_shares_are_compared_value_by_value_with_the_rest() -> None:
    before = column(shares={"a": 0.5, "b": 0.3, "c": 0.2})
    same = of(column(shares={"a": 0.5, "b": 0.3, "c": 0.2}), before)["shares"]
    assert same.value == 0
    gone = of(column(shares={"a": 0.8, "c": 0.2}), before)["shares"]
    assert gone.failed
    assert gone.value == pytest.approx(profile_shifts.js([0.5, 0.3, 0.2], [0.8, 0, 0.2]), abs=1e-6)
    assert gone.detail in ("share of 'a' 0.8, was 0.5", "share of 'b' 0, was 0.3")


def test_a_value_that_is_too_rare_to_be_listed_is_no_drift() -> None:
    before = column(shares={"a": 0.5, "b": 0.0101})
    assert not of(column(shares={"a": 0.5}), before)["shares"].failed


def test_more_nulls_and_fewer_are_told() -> None:
    assert of(column(null=0.05))["nulls"].failed
    assert not of(column(null=0.01))["nulls"].failed
    assert of(column(null=0.0), column(null=0.3))["nulls"].failed


def rated(counts: list[int], accepted: list[float | None]) -> list[ProfileShift]:
    """Measures of daily counts from a Monday on, against accepted weekday means."""
    days = [
        {"day": f"2025-03-{3 + i:02}", "weekday": i % 7, "rows": n} for i, n in enumerate(counts)
    ]
    known = [a for a in accepted if a is not None]
    before = profiled({}, 7_000, per_day=_rates(sum(known) / len(known), accepted))
    per_day = _rates(sum(counts) / len(counts), accepted)
    now = profiled({}, sum(counts), days=days, per_day=per_day)
    return profile_shifts.measures(before, now, LIMITS, {})


def _rates(mean: float, weekdays: list[float | None]) -> dict[str, Any]:
    return {"mean": mean, "weekdays": weekdays}


def test_rows_per_day_are_held_against_the_same_weekday() -> None:
    usual: list[float | None] = [1000.0] * 5 + [200.0, 200.0]
    rate, days = rated([1000] * 5 + [200, 200], usual)
    assert (rate.value, rate.failed, days.failed) == (1.0, False, False)
    rate, days = rated([1000] * 4 + [200, 200, 200], usual)
    assert days.value == 1
    assert days.detail == "2025-03-07: 200 rows, usually 1000"
    assert not rated([600] * 5 + [120, 120], usual)[1].failed
    assert rated([600] * 5 + [120, 120], usual)[0].failed
    assert not rated([1000, 1000], [1000.0, None] + [1000.0] * 5)[1].failed


def day(scale: float = 1.0, rows: int = 100, **given: Any) -> ColumnDay:
    quantiles = tuple(scale * q for q in (10.0, 20.0, 50.0, 80.0, 120.0))
    return ColumnDay(
        **{"day": "2025-03-01", "rows": rows, "constant": False, "quantiles": quantiles, **given}
    )


def units(days: list[ColumnDay], accepted: dict[str, float] | None = None) -> ProfileShift:
    before = profiled({"x": column(quantiles=accepted)}) if accepted else None
    built = profile_shifts.measures(before, profiled({}), LIMITS, {"x": days})
    return next(m for m in built if m.kind == "unit")


@pytest.mark.capability("B10")
def test_a_day_in_another_unit_is_told_by_its_factor() -> None:
    result = units([day(), day(), day(100), day()])
    assert result.value == 1
    assert result.detail == "2025-03-01 looks like x x100: median 5000, usually 50"
    assert units([day(), day(), day(1 / 60)]).detail.startswith("2025-03-01 looks like x /60")


def test_a_day_that_only_spreads_or_rises_is_no_other_unit() -> None:
    assert not units([day(), day(), day(1.2)]).failed
    spread = day(quantiles=(10.0, 40.0, 500.0, 4_000.0, 9_000.0))
    assert not units([day(), day(), spread]).failed
    turned = day(quantiles=(-1000.0, 2000.0, 5000.0, 8000.0, 12000.0))
    assert not units([day(), day(), turned]).failed
    zeros = day(quantiles=(0.0, 0.0, 0.0, 0.0, 10.0))
    assert not units([zeros, zeros, day(quantiles=(0.0, 0.0, 0.0, 0.0, 1000.0))]).failed


def test_few_rows_say_nothing_about_units() -> None:
    assert not units([day(), day(), day(100, rows=profile_shifts.MIN_ROWS - 1)]).failed
    assert units([day(), day(), day(100, rows=profile_shifts.MIN_ROWS)]).failed


def test_with_an_accepted_profile_a_whole_window_in_another_unit_is_told() -> None:
    usual = {"0.1": 10.0, "0.25": 20.0, "0.5": 50.0, "0.75": 80.0, "0.9": 120.0}
    assert units([day(1000)] * 5, usual).value == 5
    assert units([day(1000)] * 5, usual).detail.endswith("and 2 more days")
    assert not units([day(1000)] * 5).failed


def test_a_column_that_sticks_is_told() -> None:
    def constant(days: list[ColumnDay]) -> ProfileShift:
        shifts = profile_shifts.measures(None, profiled({}), LIMITS, {"x": days})
        return next(s for s in shifts if s.kind == "constant")

    stuck = ColumnDay("2025-03-02", 40, True)
    assert (
        constant([ColumnDay("2025-03-01", 40, False), stuck]).detail
        == "2025-03-02: the same value in 40 rows"
    )
    assert constant([stuck, stuck]).detail == "the same value on all 2 days"
    assert not constant([ColumnDay("2025-03-02", 29, True)]).failed


def test_the_summary_is_numpys_and_the_same_in_any_order() -> None:
    values = np.random.default_rng(1).lognormal(3, 2, 10_001)
    result = profile.summary(values)
    assert result["mean"] == pytest.approx(values.mean())
    assert result["sd"] == pytest.approx(values.std())
    expected = np.quantile(values, profile.QUANTILES, method="inverted_cdf")
    assert list(result["quantiles"].values()) == expected.tolist()
    assert (result["min"], result["max"]) == (values.min(), values.max())
    assert profile.summary(values[::-1]) == result


def measured(folder: Path, query: str, days: int, usecase=ORDERS, as_of=date(2025, 3, 4)) -> dict:
    write_raw(folder, query, usecase)
    with duckdb.connect() as database:
        files = months.scan(database, usecase, folder)
        span = profile.window(database, usecase, files["events"], as_of, days)
        return profile.measure(database, usecase, files, span).plain()


def test_the_window_ends_before_as_of_and_begins_days_earlier(tmp_path: Path) -> None:
    result = measured(tmp_path, good(), 2)
    assert result["window"] == ["2025-03-02", "2025-03-04"]
    assert result["rows"] == 24
    assert [d["rows"] for d in result["days"]] == [12, 12]
    # outcomes known on the 2nd and 3rd: of the orders of 28 February and 1 March
    assert result["columns"]["returned"]["rows"] == 24
    assert result["columns"]["returned"]["mean"] == pytest.approx(
        sum(i % 9 == 0 for i in range(12, 36)) / 24
    )


def test_the_window_is_no_longer_than_the_data(tmp_path: Path) -> None:
    result = measured(tmp_path, good(), 28)
    assert result["window"] == ["2025-02-27", "2025-03-04"]
    assert result["per_day"]["mean"] == 12
    assert result["per_day"]["weekdays"] == [12, None, None, 12, 12, 12, 12]


def test_without_as_of_the_window_ends_with_the_data(tmp_path: Path) -> None:
    assert measured(tmp_path, good(30), 1, as_of=None)["window"] == ["2025-03-01", "2025-03-02"]


def test_a_day_without_rows_counts_as_zero(tmp_path: Path) -> None:
    result = measured(
        tmp_path, good(12, ordered_at="TIMESTAMP '2025-03-01' + to_hours(i::BIGINT)"), 28
    )
    assert [d["rows"] for d in result["days"]] == [12, 0, 0]
    assert result["per_day"]["mean"] == 4


@pytest.mark.capability("G2")
def test_what_a_profile_says_of_a_column(tmp_path: Path) -> None:
    weight = "CASE WHEN i < 15 THEN NULL ELSE i END"
    result = measured(tmp_path, good(60, weight=weight), 28)["columns"]
    assert result["weight"]["null"] == 0.25
    assert result["weight"]["mean"] == pytest.approx(np.mean(range(15, 60)))
    assert result["channel"]["shares"] == pytest.approx(
        {"web": 1 / 3, "shop": 1 / 3, "phone": 1 / 3}
    )
    assert result["returned"]["shares"] == pytest.approx({"0": 53 / 60, "1": 7 / 60}, abs=0.05)
    assert set(result["order_id"]) == {"null", "rows"}
    assert set(result["buyer"]) == {"null", "rows"}
    assert "ordered_at" not in result


def test_a_rare_value_is_not_listed(tmp_path: Path) -> None:
    rows = good(
        600,
        channel="CASE WHEN i < 5 THEN 'phone' ELSE 'web' END",
        ordered_at="TIMESTAMP '2025-03-01'",
    )
    assert set(measured(tmp_path, rows, 28)["columns"]["channel"]["shares"]) == {"web"}


def test_a_plain_table_is_one_window(tmp_path: Path) -> None:
    result = measured(tmp_path, f"SELECT * EXCLUDE ordered_at FROM ({good()})", 28, LIST)
    assert (result["window"], result["days"], result["per_day"], result["rows"]) == (
        None,
        [],
        {},
        60,
    )
    json.dumps(result)


def test_days_hold_quantiles_of_amounts_and_nothing_of_ids(tmp_path: Path) -> None:
    write_raw(tmp_path, good())
    with duckdb.connect() as database:
        files = months.scan(database, ORDERS, tmp_path)
        days = profile.by_day(database, ORDERS, files, (date(2025, 3, 1), date(2025, 3, 3)))
    assert [d.day for d in days["amount_cents"]] == ["2025-03-01", "2025-03-02"]
    amounts = sorted(200 + (i * 37) % 700 for i in range(24, 36))
    assert days["amount_cents"][0].quantiles == tuple(amounts[i] for i in (1, 2, 5, 8, 10))
    assert days["buyer"][0].quantiles is None
    assert "order_id" not in days
    assert not days["channel"][0].constant
