"""A Where condition: the same answer from DuckDB by Ibis, from arrays, and for a single event."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest

from plumbline.core import arrays, conditions
from plumbline.core.declarations import Where
from plumbline.features import ibis_session

BIG = 2**53 - 1
HOURS = [("20", 5, 59), ("20", 6, 0), ("20", 17, 59), ("20", 18, 0), ("20", 23, 59), ("21", 0, 0)]
VALUES = {
    "cents": (pa.int64(), [-5, 0, 1, 199, 200, 499, 500, BIG, None]),
    "ok": (pa.bool_(), [True, False, None]),
    "at": (pa.timestamp("us"), [*(datetime(2025, 7, int(d), h, m) for d, h, m in HOURS), None]),
}
CASES = [
    (Where("cents", 1), [1, 199, 200, 499, 500, BIG]),
    (Where("cents", None, 500), [-5, 0, 1, 199, 200, 499]),
    (Where("cents", 200, 500), [200, 499]),
    (Where("cents", 500, 0), [-5, 500, BIG]),
    (Where("cents", 200, 200), []),
    (Where("cents", BIG), [BIG]),
    (Where("cents"), [-5, 0, 1, 199, 200, 499, 500, BIG]),
    (Where("ok", 1), [True]),
    (Where("ok", high=1), [False]),
    (Where("at", 0, 6), [datetime(2025, 7, 20, 5, 59), datetime(2025, 7, 21)]),
    (Where("at", 18, 6), [datetime(2025, 7, 20, h, m) for h, m in ((5, 59), (18, 0), (23, 59))]),
    (Where("at", 18), [datetime(2025, 7, 20, 18), datetime(2025, 7, 20, 23, 59)]),
]


def by_ibis(condition: Where) -> list[bool | None]:
    kind, values = VALUES[condition.column]
    with ibis_session.connection(threads=1) as backend:
        rows = ibis_session.lend(backend, pa.table({condition.column: pa.array(values, kind)}))
        met = conditions.expression([condition], rows).fill_null(False)
        return rows.select(met=met).to_pyarrow().column("met").to_pylist()


def by_arrays(condition: Where) -> list[bool]:
    kind, values = VALUES[condition.column]
    dtype = "M8[us]" if kind == pa.timestamp("us") else object
    columns = {condition.column: np.array(values, dtype)}
    return conditions.mask([condition], columns, len(values)).tolist()


def by_event(condition: Where) -> list[bool]:
    _, values = VALUES[condition.column]
    return [conditions.holds([condition], {condition.column: value}) for value in values]


@pytest.mark.parametrize(("condition", "within"), CASES, ids=lambda c: str(c)[:40])
def test_all_engines_agree(condition: Where, within: list[object]) -> None:
    _, values = VALUES[condition.column]
    expected = [v in within and v is not None for v in values]
    if condition == Where("at", 18, 6):
        expected[-2] = True  # midnight of the next day
    assert by_event(condition) == expected
    assert by_arrays(condition) == expected
    assert by_ibis(condition) == expected


def test_all_conditions_must_hold() -> None:
    both = [Where("a", 1), Where("b", None, 5)]
    columns = {"a": np.array([0, 1, 1]), "b": np.array([1.0, np.nan, 4.0])}
    assert conditions.mask(both, columns, 3).tolist() == [False, False, True]
    assert conditions.holds(both, {"a": 1, "b": 4})
    assert not conditions.holds(both, {"a": 1, "b": None})


def test_no_condition_is_met_by_every_row() -> None:
    assert conditions.mask([], {}, 2).tolist() == [True, True]
    assert conditions.holds([], {})
    assert conditions.expression([], None) is None


def test_text_meets_no_condition() -> None:
    assert not conditions.mask([Where("a", 1)], {"a": np.array(["2"], object)}, 1).any()


def test_numbers_among_objects_are_numbers_and_text_is_not() -> None:
    assert arrays.numeric(np.array([1, None, 2.5], object))[0] == 1.0
    assert arrays.numeric(np.array(["1"], object)) is None
