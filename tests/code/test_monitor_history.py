"""The history of verdicts: a row a day, what was judged last counts, and only its own file is read."""

from __future__ import annotations

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.monitor import day_history
from plumbline.monitor.result import MonitorResult


def result(day, level="ok", value=None):
    quality = None if value is None else {"value": value, "low": 0.1, "high": 0.9, "maturity": 1.0}
    results = [{"check": "unit", "column": "size", "level": level}] if level != "ok" else []
    score = {"mean": 0.25, "shift": None}
    one = {"day": day, "level": level, "rows": 60, "findings": results, "score": score}
    return MonitorResult.model_validate(
        {"level": level, "findings": results, "days": [{**one, "quality": quality}]}
    )


def test_a_row_a_day():
    [row] = day_history.rows(result("2025-06-29", "alert", 0.5), "d164d0a4ffff")
    assert row["findings"] == "unit size"
    assert (row["alerts"], row["warnings"]) == ("1", "0")
    assert (row["quality"], row["score_shift"], row["model"]) == ("0.5", "", "d164d0a4")
    assert day_history.rows(result(None), "d164") == []


@pytest.mark.capability("K4")
def test_days_are_kept_in_order_and_judged_anew():
    before = day_history.rows(result("2025-06-28"), "a") + day_history.rows(
        result("2025-06-29"), "a"
    )
    now = day_history.rows(result("2025-06-29", "warning"), "b") + day_history.rows(
        result("2025-06-30"), "b"
    )
    table = day_history.merge(before, now)
    assert [(r["day"], r["level"]) for r in table] == [
        ("2025-06-28", "ok"),
        ("2025-06-29", "warning"),
        ("2025-06-30", "ok"),
    ]
    assert day_history.merge(table, now) == table


def test_text_and_back():
    table = day_history.rows(result("2025-06-29", "alert", 0.5), "a")
    assert day_history.loads(day_history.dumps(table), "x.csv") == table
    assert day_history.loads("", "x.csv") == []


def test_another_table_is_refused():
    with pytest.raises(PlumblineError, match=r"x\.csv: expected the columns day, level"):
        day_history.loads("a,b\n1,2\n", "x.csv")
