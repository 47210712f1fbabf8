"""What a summary counts, and what it survives."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from bench import speed
from plumbline.core.declarations import Column, Snapshot, Where
from plumbline.monitor import (
    binning,
    entities,
    fit_binning,
    label_outcomes,
    monitored_columns,
    period_summary,
    stream,
)
from plumbline.monitor.params import Monitor
from plumbline.monitor.window import ScoredWindow, window
from tests.shop import LAST, table, usecase
from usecases.card_fraud import model as card_fraud
from usecases.flights import model as flights

CASE = usecase()
GAIN = {"size": 0.6, "colour_code": 0.3, "spare": 0.001, "rate": 0.099}


def fitted(**more):
    columns = table(28, LAST - 14, seed=1)
    return fit_binning.fit(CASE, GAIN, window(CASE, columns, np.zeros(28 * 60)), **more)


BINNING = fitted()


def look(change=None, per_day=200):
    columns = table(1, per_day=per_day, seed=3)
    columns = change(columns) if change else columns
    rows = len(columns["number"])
    return period_summary.summarise(
        BINNING, ScoredWindow(columns, np.full(rows, np.nan), np.zeros(rows), None, LAST)
    )


def test_importance_of_a_code_goes_to_its_column():
    assert monitored_columns.importance(CASE, GAIN) == {
        "size": 0.6,
        "colour": 0.3,
        "spare": 0.001,
        "rate": 0.099,
    }
    assert monitored_columns.monitored(CASE) == {
        "at": "time",
        "who": "identifier",
        "size": "numeric",
        "rate": "numeric",
        "colour": "category",
        "spare": "numeric",
    }


def test_a_forbidden_column_is_compared_by_its_nulls_alone():
    name = Column("name", "string", "-", "who pays", forbidden="names of people")
    case = replace(CASE, columns=(*CASE.columns, name))
    assert monitored_columns.monitored(case)["name"] == "identifier"
    columns = table(28, LAST - 14, seed=1)
    columns["name"] = np.array([f"Secret {i % 7}" for i in range(len(columns["number"]))], object)
    fitted = fit_binning.fit(case, GAIN, window(case, columns, np.zeros(28 * 60)))
    assert "Secret" not in repr(fitted)


def test_a_raw_column_answers_for_what_is_made_of_it():
    roots = monitored_columns.roots(card_fraud.USECASE)
    assert roots["customer_mean_30d"] == ("amount_cents", "customer_id", "paid_at")
    assert roots["size_over_customer"] == ("amount_cents", "customer_id", "paid_at")
    assert roots["night"] == ("paid_at",)
    assert set(roots["customer_woe_7d"]) == {c.name for c in card_fraud.USECASE.columns[1:]} - {
        *("kind", "is_fraud")
    }
    assert roots["terminal_excess_90d"] == (
        *("amount_cents", "customer_id", "paid_at", "terminal_id"),
    )
    assert all("arr_delay" not in r for r in monitored_columns.roots(flights.USECASE).values())


def test_counts_add_up():
    one = look()
    for p in BINNING.specs:
        if p.size:
            assert one.counts[p.bin_range].sum() == one.rows == 200
    assert one.day == LAST
    assert (one.repeated, one.outside_period) == (0, 0)


def test_faults_are_counted():
    def spoil(columns):
        size = columns["size"].copy()
        size[:50] = 7.25
        size[50:60] = np.nan
        size[60:70] = 1e6
        colour = columns["colour"].copy()
        colour[:5] = "violet"
        at = columns["at"].copy()
        at[0] += np.timedelta64(2, "D")
        number = columns["number"].copy()
        number[1] = number[0]
        return {**columns, "size": size, "colour": colour, "at": at, "number": number}

    one = look(spoil)
    assert one.nulls["size"] == 10
    assert one.raw["size"].top[:2] == (7.25, 50)
    assert one.raw["size"].rare >= 10
    assert (one.raw["colour"].unseen, one.raw["colour"].names) == (5, ("violet",))
    assert (one.repeated, one.outside_period) == (1, 1)


def test_lost_columns_and_text_are_problems():
    def spoil(columns):
        text = np.array([f"{v:.2f}" for v in columns["rate"]], object)
        return {k: v for k, v in {**columns, "rate": text}.items() if k != "colour"}

    one = look(spoil)
    assert {name: p[0] for name, p in one.problems.items()} == {"rate": "type", "colour": "missing"}


@pytest.mark.parametrize("rows", [0, 1])
def test_hardly_any_rows(rows):
    one = look(per_day=rows)
    assert one.rows == rows


def test_the_number_of_ids_does_not_grow_with_the_rows():
    random = np.random.default_rng(0)
    for rows in (500, 1_000, 4_000):
        seen = len(np.unique(random.integers(0, 1_000, rows)))
        counts = period_summary.EntityCounts(seen, rows, np.zeros(0), {}, {})
        assert entities.population(counts) == pytest.approx(1_000, rel=0.08)


def test_histories_are_held_against_the_days_before():
    check = binning.ConsistencyCheck("count_1d", "who", 1)
    ids = np.array([0.1, 0.2, 0.3])

    def day(number, rows, stated):
        counted = {"count_1d": np.array(rows)}
        counts = period_summary.EntityCounts(
            3, 6, ids, counted, {"count_1d": np.array(stated, float)}
        )
        return period_summary.PeriodSummary(
            LAST + number, 6, np.zeros(0, int), {}, {}, {}, {"who": counts}, 0, 0, 0.0
        )

    before, now = day(0, [1, 2, 3], [0, 0, 0]), day(1, [2, 2, 2], [1, 2, 4])
    assert entities.contradicted(check, now, [before]) == (1, 3)
    assert entities.contradicted(check, now, []) is None
    assert entities.contradicted(check, day(2, [1, 1, 1], [2, 2, 2]), [before]) is None


def test_a_history_of_some_rows_is_held_against_these_alone():
    far = Snapshot("far_7d", "customer", "count", 7, "far", where=(Where("distance_m", 5_000),))
    case = replace(card_fraud.USECASE, snapshots=(*card_fraud.USECASE.snapshots, far))
    names, count = ("customer_woe_7d", "far_7d"), 400
    random = np.random.default_rng(0)

    def day(number, odd):
        columns = {n: random.random(count) for n in monitored_columns.monitored(case)}
        columns |= {"customer_id": np.arange(count) % 40, "terminal_id": np.arange(count) % 50}
        columns |= {"kind": np.full(count, "payment", object)}
        columns |= {"category": np.full(count, "grocery", object)}
        columns |= {"payment_id": np.arange(count), "amount_cents": np.full(count, 900)}
        columns["fraud_woe"] = np.where(np.arange(count) < 80, 30.0, np.nan)
        columns["distance_m"] = np.where(np.arange(count) < 80, 9_000, 10)
        columns |= {
            n: np.full(count, v) for n, v in zip(names, (float(odd), odd / 30), strict=True)
        }
        columns["paid_at"] = np.full(count, (LAST + number).astype("M8[us]"))
        return window(case, columns, np.zeros(count), LAST + number)

    binning_of_case = fit_binning.fit(case, {}, day(-1, 0))
    assert [c.name for c in binning_of_case.consistency_checks] == ["customer_woe_3d", *names]
    past = [period_summary.summarise(binning_of_case, day(i, 0)) for i in range(7)]
    for check in binning_of_case.consistency_checks[1:]:
        assert entities.contradicted(
            check, period_summary.summarise(binning_of_case, day(7, 420)), past
        ) == (
            0,
            40,
        )
        assert entities.contradicted(
            check, period_summary.summarise(binning_of_case, day(7, 390)), past
        ) == (
            40,
            40,
        )
        at = np.full(40, (LAST + 7).astype("M8[us]"))
        gone = window(case, {"customer_id": np.arange(40), "paid_at": at}, np.zeros(40), LAST + 7)
        assert (
            entities.contradicted(check, period_summary.summarise(binning_of_case, gone), past)
            is None
        )


def test_a_large_period_is_judged_in_some_calls_a_row_and_as_long_as_sorting_it_takes():
    """50,000 rows of 30 columns, a tenth of a second: no clock of a busy machine is trusted."""
    case = card_fraud.USECASE
    random = np.random.default_rng(0)
    names = [
        n for n in monitored_columns.monitored(case) if n not in ("category", "kind", "paid_at")
    ][:28]

    def big(rows, day):
        columns = {n: random.lognormal(8, 1, rows) for n in names}
        columns |= {n: random.integers(0, 20_000, rows) for n in ("customer_id", "terminal_id")}
        columns["payment_id"] = np.arange(rows)
        columns["category"] = random.choice(
            np.array(card_fraud.USECASE.column("category").allowed, object), rows
        )
        columns["kind"] = np.full(rows, "payment", object)
        columns["paid_at"] = day.astype("M8[us]") + random.integers(0, 86_400, rows).astype("m8[s]")
        return window(case, columns, random.random(rows) ** 9, day)

    binning_of_case = fit_binning.fit(case, {names[0]: 1.0}, big(20_000, LAST - 60))
    state = stream.begin(binning_of_case, Monitor())
    for back in range(50, 0, -1):
        state = stream.learn(
            state, period_summary.summarise(binning_of_case, big(500, LAST - back))
        )
    now = big(50_000, LAST)
    label_outcomes.outcome(binning_of_case, now)
    table = random.random((len(names), 50_000))

    def judge():
        stream.step(state, period_summary.summarise(binning_of_case, now))

    assert speed.calls(judge) < 10 * 50_000
    assert speed.seconds(judge) < 150 * speed.seconds(lambda: np.sort(table))
    tracemalloc.start()
    stream.step(state, period_summary.summarise(binning_of_case, now))
    assert tracemalloc.get_traced_memory()[1] < 500e6
    tracemalloc.stop()
