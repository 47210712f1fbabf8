"""The simulator: reproducible, after its description, and shocked as told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from plumbline.core.errors import ParamsError
from sources.card_fraud import settings, truth, world
from sources.card_fraud.simulator import NAMES, simulate
from usecases.card_fraud.contract import CATEGORIES, KINDS
from usecases.card_fraud.model import USECASE

START, END = date(2025, 1, 1), date(2025, 3, 1)
SIZE = {"customers": 400, "terminals": 400}
SHOCKED = date(2025, 1, 11)


def table(end: date = END, seed: int = 7, *, hidden: bool = False, **more: Any) -> pa.Table:
    return pa.concat_tables(simulate({**SIZE, **more}, START, end, seed, truth=hidden))


def frame(end: date = END, **more: Any) -> pd.DataFrame:
    """The truth beside the columns."""
    return table(end, hidden=True, **more).to_pandas()


@pytest.fixture(scope="module")
def plain() -> pd.DataFrame:
    return frame()


@pytest.fixture(scope="module")
def wide() -> pd.DataFrame:
    """More customers for a month, without duplicates: for shares."""
    return frame(date(2025, 2, 1), customers=3_000, terminals=2_000, duplicate_share=0.0)


def honest(payments: pd.DataFrame) -> pd.DataFrame:
    return payments[(payments.scenario == 0) & (payments.kind == "payment")]


def test_the_columns_are_the_contracts(plain: pd.DataFrame) -> None:
    assert tuple(c.name for c in USECASE.columns) == NAMES
    assert set(plain.category) == set(CATEGORIES) == set(settings.CATEGORIES)
    assert set(plain.kind) == set(KINDS)
    for column in (c for c in USECASE.columns if c.min is not None):
        assert plain[column.name].between(column.min, column.max or np.inf).all(), column.name
    schema = table(date(2025, 1, 2)).schema
    wanted = {"int": pa.int64(), "timestamp": pa.timestamp("us"), "string": pa.string()}
    assert schema.types == [wanted[c.type] for c in USECASE.columns]


def test_the_same_seed_gives_the_same_rows() -> None:
    end = date(2025, 1, 15)
    assert table(end).equals(table(end))
    assert not table(end).equals(table(end, seed=8))
    assert table(end).equals(table(end, hidden=True).select(list(NAMES)))


def test_a_later_end_changes_nothing_earlier() -> None:
    early, late = table(date(2025, 1, 20), growth=5.0), table(date(2025, 6, 1), growth=5.0)
    assert late.slice(0, early.num_rows).equals(early)
    assert (
        late["customer_id"].to_numpy().max() > world.BLOCK > early["customer_id"].to_numpy().max()
    )


def test_days_come_one_by_one_in_order(plain: pd.DataFrame) -> None:
    days = list(simulate(SIZE, START, END, 7))
    assert len(days) == (END - START).days
    assert plain.paid_at.is_monotonic_increasing
    for i, day in enumerate(days):
        result = set(day["paid_at"].to_numpy().astype("datetime64[D]"))
        assert result == {np.datetime64(START + timedelta(days=i))}


def test_a_number_is_a_payment(plain: pd.DataFrame) -> None:
    again = plain[plain.payment_id.duplicated()]
    assert 0.0002 < len(again) / len(plain) < 0.001
    assert len(plain.drop_duplicates()) == plain.payment_id.nunique()


def test_customers_pay_near_their_home(plain: pd.DataFrame) -> None:
    assert 0.97 < (honest(plain).distance_m <= 5_000).mean() < 1
    assert plain.groupby("terminal_id").category.nunique().max() == 1
    pairs = plain.groupby(["customer_id", "terminal_id"]).distance_m.nunique()
    assert pairs.max() == 1


def test_terminals_near_a_home_are_all_found() -> None:
    built = world.build(settings.read({**SIZE, "radius_m": 1_700}), 3, START, END)
    people, places = built.customers, built.terminals
    for i in range(0, len(people.x), 7):
        near = (places.x - people.x[i]) ** 2 + (places.y - people.y[i]) ** 2 <= 1_700**2
        result = people.near[people.first[i] : people.first[i + 1]]
        assert result.tolist() == np.flatnonzero(near).tolist()


def test_a_customer_far_from_all_terminals_still_pays() -> None:
    lonely = table(date(2025, 1, 8), radius_m=1, terminals=2, customers=20)
    assert lonely.num_rows > 50


def test_weekday_hour_and_growth(wide: pd.DataFrame) -> None:
    per_day = frame(
        date(2025, 1, 29), customers=2_000, growth=0.0
    ).paid_at.dt.weekday.value_counts()
    assert per_day[5] / per_day[6] == pytest.approx(1.15 / 0.85, rel=0.05)
    hours = honest(wide).paid_at.dt.hour.value_counts(normalize=True)
    assert hours[18] == pytest.approx(100 / sum(settings.HOURS), rel=0.05)
    assert hours[3] < 0.003
    grown = table(date(2025, 1, 31), growth=3.65)
    assert grown["customer_id"].to_numpy().max() == 400 + 400 * 29 // 100 - 1


def test_amounts_follow_customer_and_category(wide: pd.DataFrame) -> None:
    usual = honest(wide).groupby("category").amount_cents.median()
    assert usual["fuel"] / usual["restaurant"] == pytest.approx(1.8, rel=0.2)
    grocery = honest(wide)[lambda d: d.category == "grocery"]
    per_customer = grocery.groupby("customer_id").amount_cents.agg(["mean", "std", "count"])
    many = per_customer[per_customer["count"] > 20]
    spread = (many["std"] / many["mean"]).mean()
    assert spread == pytest.approx(settings.SPREAD, abs=0.05)


@pytest.mark.capability("B10")
def test_refunds_give_back_an_honest_payment(wide: pd.DataFrame) -> None:
    refunds = wide[wide.kind == "refund"]
    assert 0.008 < len(refunds) / len(wide) < 0.012
    assert (refunds.amount_cents < 0).all()
    assert (wide[wide.kind == "payment"].amount_cents > 0).all()
    assert not refunds.is_fraud.any()
    assert not refunds.probability.any()
    keys = ["customer_id", "terminal_id", "amount_cents"]
    given = refunds.assign(amount_cents=-refunds.amount_cents, day=refunds.paid_at.dt.date)
    paid = wide.assign(day=wide.paid_at.dt.date)[lambda d: d.kind == "payment"]
    both = given.merge(paid, on=[*keys, "day"], suffixes=("", "_paid"))
    assert set(given.payment_id) == set(both[both.paid_at > both.paid_at_paid].payment_id)


def test_frauds_are_few_and_of_three_kinds(plain: pd.DataFrame) -> None:
    assert (plain.is_fraud == (plain.scenario > 0)).all()
    assert 0.006 < plain.is_fraud.mean() < 0.014
    shares = plain[plain.scenario > 0].scenario.value_counts(normalize=True)
    assert set(shares.index) == {1, 2, 3}
    assert shares[1] < 0.1


def test_amounts_over_the_limit_are_frauds(wide: pd.DataFrame) -> None:
    limit = settings.Settings().amount_limit
    assert (wide[wide.amount_cents > limit].scenario == 1).all()
    assert (wide[wide.scenario == 1].amount_cents > limit).all()


def test_a_hacked_terminal_stays_so_for_four_weeks() -> None:
    result = frame(date(2025, 7, 1), terminal_share=1.0, terminals=800)
    hacked = result[(result.scenario == 2)]
    span = hacked.groupby("terminal_id").paid_at.agg(lambda t: (t.max() - t.min()).days + 1)
    once = span[span <= 28]
    assert len(once) > 0.8 * len(span)  # a few were hacked again
    assert once.max() >= 25
    first = hacked.groupby("terminal_id").paid_at.transform("min")
    inside = result.merge(hacked.assign(first=first)[["terminal_id", "first"]].drop_duplicates())
    since = (inside.paid_at - inside["first"]).dt.days
    paid = inside[(since >= 0) & (since < 20) & (inside["first"] > datetime(2025, 2, 1))]
    assert paid[paid.kind == "payment"].is_fraud.mean() > 0.95


def test_clones_work_by_night(wide: pd.DataFrame) -> None:
    late = ~wide.paid_at.dt.hour.between(6, 17)
    rates = [(wide[late == night].scenario == 2).mean() for night in (False, True)]
    assert rates[1] / rates[0] == pytest.approx(5, rel=0.35)


def test_a_leaked_card_pays_five_times_as_much_for_two_weeks(wide: pd.DataFrame) -> None:
    grocery = wide[wide.category == "grocery"]
    usual = honest(grocery).groupby("customer_id").amount_cents.mean()
    stolen = grocery[grocery.scenario == 3]
    times = stolen.amount_cents / stolen.customer_id.map(usual)
    assert times.median() == pytest.approx(5, rel=0.1)
    assert (stolen.distance_m > 5_000).mean() == pytest.approx(0.6, abs=0.12)
    long = frame(date(2025, 7, 1))
    span = long[long.scenario == 3].groupby("customer_id").paid_at.agg(["min", "max"])
    days = (span["max"] - span["min"]).dt.days + 1
    assert 12 <= days[days <= 14].max() <= 14
    assert (days <= 14).mean() > 0.8


def test_the_probability_is_that_of_the_draw(wide: pd.DataFrame) -> None:
    assert wide.probability.sum() == pytest.approx(wide.is_fraud.sum(), rel=0.05)
    bands = pd.cut(wide.probability, [0.02, 0.1, 0.3, 0.7, 0.9, 0.999])
    result = wide.groupby(bands, observed=True)[["probability", "is_fraud"]].agg(["mean", "count"])
    for _, row in result.iterrows():
        error = 3.5 * (0.25 / row["is_fraud", "count"]) ** 0.5
        assert row["is_fraud", "mean"] == pytest.approx(row["probability", "mean"], abs=error)
    assert not wide[(wide.probability == 0)].is_fraud.any()


def test_what_is_reachable_waits_for_labels() -> None:
    def chances(hack: int) -> Mapping[str, np.ndarray]:
        one, no = np.ones(1), np.zeros(1, dtype=bool)
        seen = truth.Circumstances(
            no, np.array([hack]), np.array([-1]), one, one, no, no, no.astype(int), 5.0, 0.02
        )
        return truth.chances(settings.Settings(), seen)

    assert [chances(age)["probability"][0] for age in (-1, 0, 8)] == [0, 1, 1]
    assert [chances(age)["reachable"][0] > 0.9 for age in (-1, 0, 7, 8)] == [False] * 3 + [True]


# Shocks.


def shocked(**shock: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A month's rows without and with a shock on the first days of it."""
    before = frame(date(2025, 1, 31))
    return before, frame(date(2025, 1, 31), shocks=[{"date": str(SHOCKED), **shock}])


def during(payments: pd.DataFrame, first: date = SHOCKED, until: date = END) -> pd.DataFrame:
    return payments[(payments.paid_at.dt.date >= first) & (payments.paid_at.dt.date < until)]


def same_but(before: pd.DataFrame, after: pd.DataFrame, *columns: str) -> None:
    """The two are equal but for these columns; nulls make integers floats."""
    one, two = (d.drop(columns=list(columns)).reset_index(drop=True) for d in (before, after))
    pd.testing.assert_frame_equal(one, two, check_dtype=False)


@pytest.mark.parametrize("kind", sorted({**settings.WORLD, **settings.FAULTS}))
def test_a_shock_acts_from_its_day_to_its_end(kind: str) -> None:
    shock = {"kind": kind, "until": "2025-01-14", "category": "fuel"}
    before, after = shocked(**shock)
    early, late = pd.Timestamp(2025, 1, 11), pd.Timestamp(2025, 1, 14, 2)
    for part in ("early", "late"):
        one, two = (
            d[d.paid_at < early] if part == "early" else d[d.paid_at >= late]
            for d in (before, after)
        )
        same_but(one, two[two.paid_at < "2025-02-01"])
    shocks = [during(d, SHOCKED, date(2025, 1, 14)).to_csv() for d in (before, after)]
    assert shocks[0] != shocks[1]


def test_prices_rise_in_one_category_or_all() -> None:
    before, after = shocked(kind="prices", size=0.5)
    ratio = during(honest(after)).amount_cents / during(honest(before)).amount_cents
    assert ratio.median() == pytest.approx(1.5, rel=0.01)
    before, after = shocked(kind="prices", size=0.5, category="fuel")
    both = during(honest(before)).merge(during(honest(after)), on="payment_id")
    ratio = both.amount_cents_y / both.amount_cents_x
    assert ratio[both.category_x == "fuel"].median() == pytest.approx(1.5, rel=0.01)
    assert (ratio[both.category_x != "fuel"] == 1).all()


def test_a_ramp_reaches_its_size_at_its_end() -> None:
    shock = settings.Shock(date=SHOCKED, kind="prices", size=1.0, ramp=4)
    days = [SHOCKED + timedelta(days=i) for i in range(-1, 6)]
    assert [shock.level(d) for d in days] == [None, 0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_volume_and_mixes() -> None:
    before, after = shocked(kind="volume", size=0.5)
    assert len(during(after)) / len(during(before)) == pytest.approx(1.5, rel=0.03)
    before, after = shocked(kind="category_mix", size=0.3, category="travel")
    share = (during(before).category == "travel").mean()
    assert (during(after).category == "travel").mean() == pytest.approx(0.3 + 0.7 * share, abs=0.02)
    before, after = shocked(kind="roaming", size=0.2)
    assert (during(honest(after)).distance_m > 5_000).mean() > 0.1
    before, after = shocked(kind="customer_mix", size=1.0)
    rich = during(before).groupby("customer_id").amount_cents.median().nlargest(60).index
    shares = [during(d).customer_id.isin(rich).mean() for d in (before, after)]
    assert shares[1] > 1.4 * shares[0]


def quarter(payments: pd.DataFrame, column: str, region: str) -> pd.Series:
    """Whether each payment's customer lives, or its terminal stands, in a quarter of the land."""
    checked = settings.read(SIZE)
    built = world.build(checked, 7, START, date(2025, 1, 31))
    places = built.customers if column == "customer_id" else built.terminals
    there = world.within(checked, region, places.x, places.y)
    return payments[column].map(dict(enumerate(there)))


@pytest.mark.capability("K6")
@pytest.mark.parametrize("region", settings.REGIONS)
def test_a_region_changes_and_the_others_do_not(region: str) -> None:
    before, after = shocked(kind="volume", size=1.0, region=region)
    counts = [during(d)[quarter(during(d), "customer_id", region)] for d in (before, after)]
    assert len(counts[1]) / len(counts[0]) == pytest.approx(2, rel=0.06)
    rest = [len(during(d)) - len(c) for d, c in zip((before, after), counts, strict=True)]
    assert rest[1] / rest[0] == pytest.approx(1, rel=0.04)


@pytest.mark.capability("K6")
def test_prices_and_preferences_change_in_one_region() -> None:
    before, after = shocked(kind="prices", size=0.5, region="north-west")
    both = during(honest(before)).merge(during(honest(after)), on="payment_id")
    ratio = both.amount_cents_y / both.amount_cents_x
    there = quarter(
        both.rename(columns={"terminal_id_x": "terminal_id"}), "terminal_id", "north-west"
    )
    assert ratio[there].median() == pytest.approx(1.5, rel=0.01)
    assert (ratio[~there] == 1).all()
    shock = {"kind": "category_mix", "size": 0.5, "category": "online", "region": "north-west"}
    before, after = shocked(**shock)
    for one, least, most in ((True, 0.5, 0.6), (False, 0.0, 0.12)):
        there = quarter(during(after), "customer_id", "north-west") == one
        assert least < (during(after)[there].category == "online").mean() < most
    assert before.is_fraud.mean() == pytest.approx(after.is_fraud.mean(), rel=0.5)


def test_frauds_multiply_at_once_and_fall() -> None:
    before, after = shocked(kind="fraud_rate", size=3.0)
    rates = [during(d[d.scenario != 1]).is_fraud.mean() for d in (before, after)]
    assert rates[1] / rates[0] == pytest.approx(3, rel=0.35)
    _, none = shocked(kind="fraud_rate", size=0.0)
    assert not during(none).scenario.isin([2, 3]).any()
    kept = set(during(before[before.scenario == 2]).terminal_id)
    assert kept <= set(during(after[after.scenario == 2]).terminal_id)


def test_concepts_drift() -> None:
    before, after = shocked(kind="leaked_amounts", size=1.0)
    stolen = [during(d[d.scenario == 3]).amount_cents.median() for d in (before, after)]
    assert stolen[0] / stolen[1] == pytest.approx(5, rel=0.05)
    before, after = shocked(kind="amount_limit", size=30_000)
    assert (during(after[after.amount_cents > 30_000]).scenario == 1).all()
    both = (d.drop_duplicates()[lambda d: d.kind == "payment"] for d in (before, after))
    paid = [d.amount_cents.tolist() for d in both]
    assert paid[0] == paid[1]  # other labels, and fewer refunds


def test_a_new_fraud_pattern() -> None:
    before, after = shocked(kind="new_fraud_pattern", size=0.05)
    new = after[after.scenario == 4]
    assert len(new) / len(during(before)) == pytest.approx(0.05, rel=0.2)
    assert new.paid_at.dt.hour.max() < 6
    assert set(new.category) == {"online"}
    assert new.amount_cents.between(100, 500).all()
    assert (new.is_fraud == 1).all()


def test_units_go_wrong_in_a_share_of_rows() -> None:
    before, after = shocked(kind="unit_error", share=0.05)
    same_but(before, after, "amount_cents")
    ratio = during(after).amount_cents / during(before).amount_cents
    assert set(ratio) == {1.0, 100.0}
    assert (ratio == 100).mean() == pytest.approx(0.05, abs=0.01)


def test_some_terminals_are_stuck() -> None:
    before, after = shocked(kind="stuck_terminal", share=0.1)
    same_but(before, after, "amount_cents")
    stuck = during(after).groupby("terminal_id").amount_cents.agg(["nunique", "first"])
    hit = stuck[(stuck["first"] == 1_999) & (stuck["nunique"] == 1)]
    assert len(hit) / len(stuck) == pytest.approx(0.1, abs=0.04)


def test_values_are_missing() -> None:
    before, after = shocked(kind="missing_column", column="category")
    same_but(before, after, "category")
    assert during(after).category.isna().all()
    before, after = shocked(kind="null_values", column="distance_m", share=0.2)
    same_but(before, after, "distance_m")
    assert during(after).distance_m.isna().mean() == pytest.approx(0.2, abs=0.02)
    assert before.distance_m.notna().all()


def test_a_category_is_new() -> None:
    before, after = shocked(kind="new_category", share=0.1, value="gambling")
    same_but(before, after, "category")
    assert (during(after).category == "gambling").mean() == pytest.approx(0.1, abs=0.02)


def test_clocks_are_wrong() -> None:
    before, after = shocked(kind="time_zone", size=-1.5)
    same_but(before, after, "paid_at")
    moved = (after.paid_at - before.paid_at)[before.paid_at >= "2025-01-11"]
    assert set(moved) == {pd.Timedelta(hours=-1.5)}
    before, after = shocked(kind="future_dates", size=400, share=0.1)
    assert (after.paid_at > "2026-01-01").mean() == pytest.approx(0.1 * 20 / 30, abs=0.02)


def test_rows_come_twice_or_not_at_all() -> None:
    before, after = shocked(kind="duplicates", share=0.3)
    assert len(during(after)) / len(during(before)) == pytest.approx(1.3, abs=0.03)
    assert (
        after.drop_duplicates()
        .reset_index(drop=True)
        .equals(before.drop_duplicates().reset_index(drop=True))
    )
    before, after = shocked(kind="partial_day", size=9)
    assert during(after).paid_at.dt.hour.max() == 8
    assert len(during(after)) == (during(before).paid_at.dt.hour < 9).sum()


def test_columns_change_places() -> None:
    before, after = shocked(kind="swapped_columns", share=1.0)
    assert during(after).amount_cents.equals(during(before).distance_m)
    assert during(after).distance_m.equals(during(before).amount_cents)


def test_shocks_do_not_disturb_each_other() -> None:
    one = {"date": str(SHOCKED), "kind": "unit_error", "share": 0.1}
    other = {"date": str(SHOCKED), "kind": "null_values", "column": "kind", "share": 0.1}
    both = frame(date(2025, 1, 20), shocks=[one, other])
    alone = frame(date(2025, 1, 20), shocks=[one])
    same_but(alone, both, "kind")


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "key": (
        {"custmers": 3},
        r"card_fraud\.data\.simulate\.custmers: unknown key; did you mean 'customers'",
    ),
    "type": ({"customers": "many"}, r"\.customers: got 'many', expected a valid integer"),
    "share": ({"roam_share": 1.5}, r"\.roam_share: got 1\.5, expected less than or equal to 1"),
    "means": ({"mean_min": 9e4}, r"mean_max: got 10000\.0, expected mean_min or more"),
    "no date": ({"shocks": [{"kind": "prices"}]}, r"\.shocks\.0\.date: missing; add it"),
    "kind": (
        {"shocks": [{"date": "2025-01-01", "kind": "price"}]},
        r"\.shocks\.0\.kind: got 'price'; did you mean 'prices'\?",
    ),
    "shock's key": (
        {"shocks": [{"date": "2025-01-01", "kind": "prices", "sise": 1}]},
        r"\.shocks\.0\.sise: unknown key; did you mean 'size'\?",
    ),
    "column": (
        {"shocks": [{"date": "2025-01-01", "kind": "unit_error", "column": "amount"}]},
        r"\.column: got 'amount'; did you mean 'amount_cents'\?",
    ),
    "category": (
        {"shocks": [{"date": "2025-01-01", "kind": "prices", "category": "fule"}]},
        r"\.category: got 'fule'; did you mean 'fuel'\?",
    ),
    "region": (
        {"shocks": [{"date": "2025-01-01", "kind": "prices", "region": "north"}]},
        r"\.region: got 'north'; expected one of 'south-west', 'south-east'|\.region: got 'north'; did you mean",
    ),
    "no such region": (
        {"shocks": [{"date": "2025-01-01", "kind": "fraud_rate", "region": "north-west"}]},
        r"\.region: got 'north-west', but fraud_rate acts everywhere",
    ),
    "no category": (
        {"shocks": [{"date": "2025-01-01", "kind": "category_mix"}]},
        r"\.category: missing; a category_mix moves payments to one",
    ),
    "size": (
        {"shocks": [{"date": "2025-01-01", "kind": "fraud_rate", "size": 11.0}]},
        r"\.size: got 11\.0, expected a number from 0 to 10",
    ),
    "until": (
        {"shocks": [{"date": "2025-01-02", "kind": "prices", "until": "2025-01-02"}]},
        r"\.until: got 2025-01-02, expected a day after 2025-01-02",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_the_settings_is_told(name: str) -> None:
    wrong, message = MISTAKES[name]
    with pytest.raises(ParamsError, match=message) as error:
        simulate(wrong, START, END, 7)
    assert "\n" not in str(error.value)
