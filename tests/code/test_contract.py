"""The contract as a list of checks: which there are, what breaks them, what happens then."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import duckdb
import pytest

from plumbline.core.errors import ParamsError
from plumbline.validate.check import DEFAULTS, ContractCheck, layout
from plumbline.validate.contract import checks
from plumbline.validate.params import Validate
from tests.orders import LIST, ORDERS


def checks_of(table: str, usecase=ORDERS, **given) -> dict[str, ContractCheck]:
    """Checks of a table by name."""
    return {c.name: c for c in checks(usecase, **given) if c.table == table}


def broken(check: ContractCheck, values: str) -> list:
    """Those of the values (SQL) that break the check."""
    rows = f"SELECT {check.value} AS v, i FROM (VALUES {values}) AS t({check.column}, i)"
    return [
        r[0]
        for r in duckdb.sql(f"SELECT i FROM ({rows}) WHERE {check.broken} ORDER BY i").fetchall()
    ]


@pytest.mark.capability("G1")
@pytest.mark.mltest("Data 1")
def test_every_column_is_checked_for_what_the_contract_says() -> None:
    rows = {n for n, c in checks_of("events").items() if c.kind not in ("columns", "type")}
    assert rows == {
        "rows.empty",
        "order_id.null",
        "order_id.range",
        "order_id.unique",
        "ordered_at.null",
        "ordered_at.partition",
        "ordered_at.order",
        "buyer.null",
        "buyer.range",
        "amount_cents.null",
        "amount_cents.range",
        "weight.range",
        "channel.null",
        "channel.set",
    }
    every = {c.name for c in layout(ORDERS, "events")}
    for kind in ("columns", "type"):
        assert {c.column for c in checks(ORDERS) if c.table == "events" and c.kind == kind} == every


@pytest.mark.mltest("Data 1")
def test_outcomes_have_checks_of_their_own() -> None:
    rows = {n for n, c in checks_of("outcomes").items() if c.kind not in ("columns", "type")}
    assert rows == {
        "rows.empty",
        "order_id.null",
        "order_id.unique",
        "order_id.orphan",
        "ordered_at.null",
        "known_at.null",
        "known_at.partition",
        "known_at.order",
        "known_at.delay",
        "returned.null",
        "returned.range",
    }
    assert [c.name for c in layout(ORDERS, "outcomes")] == [
        "order_id",
        "ordered_at",
        "known_at",
        "returned",
    ]


def test_a_plain_table_has_no_check_of_time() -> None:
    kinds = {c.kind for c in checks(LIST, start=date(2025, 1, 1), as_of=date(2025, 2, 1))}
    assert kinds == {
        "columns",
        "type",
        "empty",
        "null",
        "range",
        "set",
        "unique",
        "order",
        "orphan",
    }
    assert [c.name for c in layout(LIST, "outcomes")] == ["order_id", "returned"]


def test_types_are_those_of_the_files() -> None:
    types = {c.column: c.allowed for c in checks_of("events").values() if c.kind == "type"}
    assert types["order_id"] == ("BIGINT",)
    assert types["ordered_at"] == ("TIMESTAMP",)
    assert types["weight"] == ("DOUBLE",)
    assert types["channel"] == ("VARCHAR",)


@pytest.mark.capability("G11")
@pytest.mark.mltest("Monitor 2")
def test_bounds_are_inclusive() -> None:
    check = checks_of("events")["amount_cents.range"]
    assert broken(check, "(-1, 1), (0, 2), (100000, 3), (100001, 4), (NULL, 5)") == [1, 4]
    assert check.expects == "at least 0 and at most 100000 cents"


@pytest.mark.mltest("Monitor 2", "Monitor 5")
def test_nan_is_null_and_infinity_is_out_of_every_range() -> None:
    values = "('nan'::DOUBLE, 1), (NULL, 2), (0.0, 3), ('inf'::DOUBLE, 4), (-0.1, 5)"
    assert broken(checks_of("events")["weight.range"], values) == [4, 5]
    columns = tuple(replace(c, null=False) for c in ORDERS.columns)
    strict = checks_of("events", replace(ORDERS, columns=columns))
    assert broken(strict["weight.null"], values) == [1, 2]


def test_a_float_without_bounds_must_be_finite() -> None:
    columns = tuple(replace(c, min=None) if c.name == "weight" else c for c in ORDERS.columns)
    check = checks_of("events", replace(ORDERS, columns=columns))["weight.range"]
    assert check.expects == "finite kg, of a size that the model's float32 holds"
    values = "('inf'::DOUBLE, 1), ('-inf'::DOUBLE, 2), (-1e308, 3), (1e308, 4), ('nan'::DOUBLE, 5)"
    assert broken(check, values) == [1, 2, 3, 4]


@pytest.mark.capability("G3", "G11")
def test_sets_take_their_values_and_nulls_pass() -> None:
    check = checks_of("events")["channel.set"]
    assert broken(check, "('web', 1), ('Web', 2), (NULL, 3), ('it''s', 4)") == [2, 4]


def test_times_lie_from_start_to_the_day_before_as_of() -> None:
    events = checks_of("events", start=date(2025, 3, 1), as_of=date(2025, 4, 1))
    values = ", ".join(
        f"(TIMESTAMP '{t}', {i})"
        for i, t in enumerate(
            ["2025-02-28 23:59:59.999999", "2025-03-01", "2025-03-31 23:59:59.999999", "2025-04-01"]
        )
    )
    assert broken(events["ordered_at.past"], values) == [0]
    assert broken(events["ordered_at.future"], values) == [3]
    outcomes = checks_of("outcomes", start=date(2025, 3, 1), as_of=date(2025, 4, 1))
    assert broken(outcomes["known_at.future"], values) == [3]
    assert "known_at.past" not in outcomes
    assert "ordered_at.future" not in outcomes


@pytest.mark.capability("B2")
def test_an_outcome_is_known_exactly_the_delay_after_its_event() -> None:
    check = checks_of("outcomes")["known_at.delay"]
    for hours, ok in ((47, False), (48, True), (49, False)):
        rows = (
            f"SELECT {check.value} AS v FROM (SELECT TIMESTAMP '2025-03-01' AS ordered_at, "
            f"TIMESTAMP '2025-03-01' + to_hours({hours}) AS known_at)"
        )
        bad = duckdb.sql(f"SELECT count(*) FROM ({rows}) WHERE {check.broken}").fetchall()[0][0]
        assert bad == (0 if ok else 1)


@pytest.mark.capability("G11")
def test_rows_that_step_back_in_time_or_key_break_the_order() -> None:
    check = checks_of("events")["ordered_at.order"]
    rows = "(2, '2025-03-01'), (3, '2025-03-01'), (3, '2025-03-01'), (1, '2025-03-01'), (9, '2025-03-02'), (1, '2025-03-01')"
    table = f"SELECT order_id, ordered_at::TIMESTAMP AS ordered_at FROM (VALUES {rows}) AS t(order_id, ordered_at)"
    query = f"SELECT order_id FROM (SELECT order_id, {check.value} AS v FROM ({table})) WHERE {check.broken}"
    assert duckdb.sql(query).fetchall() == [(1,), (1,)]


@pytest.mark.capability("G3")
def test_severity_by_column_goes_before_kind_before_default() -> None:
    request = {"range": "warn", "weight.range": "block", "known_at.delay": "warn"}
    events = checks_of("events", severity=request)
    assert events["amount_cents.range"].severity == "warn"
    assert events["weight.range"].severity == "block"
    assert events["channel.set"].severity == "quarantine"
    assert events["buyer.columns"].severity == "block"
    assert checks_of("outcomes", severity=request)["known_at.delay"].severity == "warn"
    assert {c.severity for c in checks(ORDERS)} == {"block", "quarantine"}
    assert DEFAULTS["mean"] == "warn"
    assert DEFAULTS["unit"] == "block"


@pytest.mark.parametrize(
    ("severity", "match"),
    [
        ({"rnge": "warn"}, r"orders\.validate\.severity: .*no check 'rnge'; did you mean 'range'"),
        ({"wieght.range": "warn"}, r"no column 'wieght'; did you mean 'weight'"),
        (
            {"columns": "warn"},
            r"'columns' cannot be 'warn': it concerns a whole file; choose block",
        ),
        ({"mean": "quarantine"}, r"'mean' cannot be 'quarantine'.*window.*choose block or warn"),
    ],
)
def test_a_severity_that_cannot_be_is_refused(severity, match: str) -> None:
    with pytest.raises(ParamsError, match=match):
        checks(ORDERS, severity)


def test_defaults_of_the_params() -> None:
    assert Validate().max_quarantine == 0.01
    assert Validate().window_days == 28
