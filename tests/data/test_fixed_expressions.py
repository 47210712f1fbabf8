"""A derived column follows from the row alone: nothing of the clock, the session or the machine."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import pytest

from plumbline.core.errors import SpecError
from plumbline.data import derivations
from tests.sales import SALES

ROW = "(SELECT TIMESTAMP '2025-01-03' AS sold_at, 5 AS price_cents, 'now' AS shop)"


def derived(expression: str, relation: str = ROW) -> list[str]:
    case = replace(SALES, derive={"total_cents": expression})
    with duckdb.connect() as connection:
        return list(derivations.derivations(connection, case, "a.csv", relation))


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("epoch(NOW())::BIGINT", "now"),
        ("date_diff('day', sold_at, Current_Date)", "current_date"),
        ("epoch(age(sold_at))::BIGINT", "age"),
        ("coalesce(price_cents, CASE WHEN price_cents > 1 THEN year(today()) END)", "today"),
        ("length(current_setting('TimeZone'))", "current_setting"),
        ("length(current_user)", "current_user"),
    ],
)
def test_what_differs_from_run_to_run_is_refused(expression: str, name: str) -> None:
    message = (
        rf"a\.csv: column 'total_cents', derived .* uses {name}, which differs from run to run"
    )
    with pytest.raises(SpecError, match=message):
        derived(expression)


@pytest.mark.parametrize(
    "expression",
    ["length('now() current_date')", "epoch(age(sold_at, TIMESTAMP '2020-01-01'))::BIGINT"],
)
def test_what_follows_from_the_row_is_not(expression: str) -> None:
    assert derived(expression) == ["total_cents"]


def test_a_column_may_be_called_so() -> None:
    assert derived("current_date + 1", "(SELECT 5 AS current_date)") == ["total_cents"]
