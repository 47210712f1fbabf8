"""Missing values and numbers at the edge: null and NaN are one thing, and what no model holds is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.core import row_features
from plumbline.core.declarations import Column, ColumnType, Entity, Snapshot
from plumbline.core.errors import ContractError, PlumblineError
from plumbline.model import label_checks
from tests.graph import ANSWER, AT, ID, PLAIN, SIZE, TIMED, Graph

Build = Callable[..., Graph]
Value = Callable[[int], object]
LABEL = Column("answer", "int", "0/1", "yes or no", known=False)
ASKED = replace(PLAIN, problem="classification", columns=(ID, SIZE, LABEL))
NULLABLE = replace(PLAIN, columns=(ID, SIZE, replace(ANSWER, null=True)))


def table(size: Value, answer: Value, rows: int = 60) -> list[str]:
    """Lines of CSV: `size` and `answer` by the row's number."""
    return ["id,size,answer", *(f"{i},{size(i)},{answer(i)}" for i in range(rows))]


def fifth(i: int) -> int:
    return i % 5


def same(i: int) -> int:
    return i


@pytest.mark.parametrize("word", ["", "nan", "NaN", "NAN", "-nan"])
def test_a_missing_number_is_null_however_it_is_written(graph: Build, word: str) -> None:
    run = graph(["id,size,answer", f"1,{word},2", f"2,3,{word}"], NULLABLE).run("data")
    assert run.rows("raw/events") == [(1, None), (2, 3.0)]
    assert run.rows("raw/outcomes") == [(1, 2.0), (2, None)]


@pytest.mark.parametrize("kind", ["FLOAT", "DOUBLE"])
def test_nan_of_a_typed_source_is_null(graph: Build, kind: str) -> None:
    nan = f"'nan'::{kind}"
    rows = f"SELECT * FROM (VALUES (1, {nan}, 2), (2, 3, {nan})) t(id, size, answer)"
    run = graph(rows, NULLABLE).run("data")
    assert run.rows("raw/outcomes") == [(1, 2.0), (2, None)]
    assert json.loads(Path("metrics/toy/data.json").read_text())["columns"]["size"]["nulls"] == 1


def test_nan_beside_statistics_that_know_of_none_is_null(graph: Build) -> None:
    values = {"id": [1, 2, 3], "size": [float("nan"), 1.0, 2.0], "answer": [1.0, float("nan"), 3.0]}
    run = graph([], NULLABLE, data={"source": "parquet", "path": "sources/toy/t.parquet"})
    pq.write_table(pa.table(values), "sources/toy/t.parquet")
    run.run("data")
    assert run.rows("raw/events") == [(1, None), (2, 1.0), (3, 2.0)]
    assert run.rows("raw/outcomes") == [(1, 1.0), (2, None), (3, 3.0)]


@pytest.mark.parametrize(
    ("kind", "kept"),
    [("int", [None, 1, 0]), ("bool", [None, True, False]), ("string", [None, "1", "0"])],
)
def test_nan_of_pandas_is_null_in_a_column_of_any_type(
    graph: Build, kind: ColumnType, kept: list[object]
) -> None:
    case = replace(PLAIN, columns=(ID, SIZE, Column("gap", kind, "-", "gap", null=True), ANSWER))
    gaps = [float("nan"), 1.0, 0.0]
    values = {"id": [1, 2, 3], "size": [1.0, 2.0, 3.0], "gap": gaps, "answer": [1.0, 2.0, 3.0]}
    run = graph([], case, data={"source": "parquet", "path": "sources/toy/t.parquet"})
    pq.write_table(pa.table(values), "sources/toy/t.parquet")
    assert [gap for (gap,) in run.run("data").rows("raw/events", "gap")] == kept


def test_nan_counts_as_null_in_the_quarantine_and_in_tables(graph: Build) -> None:
    strict = replace(PLAIN, columns=(ID, replace(SIZE, null=False), ANSWER))
    run = graph(table(lambda i: "nan" if i % 10 == 3 else i, fifth), strict).run("data", "validate")
    assert len(run.rows("valid/events")) == 54
    assert set(run.rows("quarantine/events", "reason, value")) == {("null", None)}

    label = graph(table(same, lambda i: "NaN" if i % 10 == 3 else i % 5), NULLABLE)
    tables = label.run("data", "validate", "features").rows("tables/", "answer")
    assert len(tables) == 54
    assert None not in {a for (a,) in tables}
    report = json.loads(Path("metrics/toy/features.json").read_text())
    assert report["rows"] == 54


def test_numbers_that_float32_cannot_hold_are_set_aside(graph: Build) -> None:
    values = ["1.7976931348623157e308", "1e200", "-3.5e38", "inf", "-Infinity"]
    source = table(
        lambda i: values[i] if i < 5 else i, lambda i: values[i - 5] if 4 < i < 10 else 1
    )
    run = graph(source).run("data", "validate")
    assert set(run.rows("quarantine/events", "reason")) == {("range",)}
    assert len(run.rows("valid/events")) == 55
    assert len(run.rows("valid/outcomes")) == 50


def test_numbers_that_float32_can_hold_stay(graph: Build) -> None:
    values = ["3.4028234663852886e38", "1e-320", "-0.0", "4.9e-324"]
    source = table(lambda i: values[i] if i < len(values) else i, fifth)
    run = graph(source).run("data", "validate", "features", "tune", "train")
    assert [s for i, s in sorted(run.rows("valid/events"))][:4] == [float(v) for v in values]


def test_bounds_wider_than_float32_end_in_a_message(graph: Build) -> None:
    wide = replace(PLAIN, columns=(ID, replace(SIZE, max=1e300), ANSWER))
    run = graph(table(lambda i: 1e200 if i == 7 else i, fifth), wide)
    with pytest.raises(
        PlumblineError, match=r"'size' is too large for the model in 1 of .*1e\+200"
    ):
        run.run("data", "validate", "features")


@pytest.mark.parametrize(("value", "aside"), [(2**53 + 1, True), (2**53, False), (2**63 - 1, True)])
@pytest.mark.parametrize("bound", [2**53, 2.0**53])
def test_large_integers_beside_nulls_are_compared_exactly(
    graph: Build,
    value: int,
    aside: bool,
    bound: float,
) -> None:
    case = replace(PLAIN, columns=(ID, replace(SIZE, type="int", max=bound), ANSWER))
    run = graph(["id,size,answer", f"1,{value},1", "2,,2", "3,5,3"], case).run("data", "validate")
    assert run.rows("quarantine/events", "key, value") == ([("1", str(value))] if aside else [])


def test_whole_numbers_that_float32_makes_equal_are_counted() -> None:
    assert row_features.rounded_away(np.arange(2**24 - 9, 2**24 + 1)) == 0
    assert row_features.rounded_away(2**40 + np.arange(9)) == 8
    assert row_features.rounded_away(-(2**24) - np.array([0, 1, 0])) == 1


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda i: i % 3, r"'answer', check 'set': expected 0 or 1.* found in 20 rows: 2"),
        (
            lambda i: i % 2 + 1,
            r"expected 0 or 1, as a classification's label is.* found in 30 rows",
        ),
        (
            lambda _: 0,
            r"'answer' is 0 on all \d+ rows of train; .* Correct the label, add rows, or lower",
        ),
        (lambda i: int(i == 3), r"on all \d+ rows of (train|valid|test); nothing can be"),
    ],
)
def test_a_label_that_no_classification_has(graph: Build, answer: Value, message: str) -> None:
    run = graph(table(same, answer), ASKED, validate={})
    with pytest.raises(ContractError, match=message):
        run.run("data", "validate", "features")


@pytest.mark.parametrize("kind", ["int", "float", "bool"])
def test_a_label_of_0_and_1_in_each_type(graph: Build, kind: ColumnType) -> None:
    case = replace(ASKED, columns=(ID, SIZE, replace(LABEL, type=kind)))
    run = graph(table(lambda i: i % 7, lambda i: i % 2), case, validate={}).run(
        "data", "validate", "features"
    )
    assert {a for (a,) in run.rows("tables/", "answer")} == {0, 1}


def test_a_regression_with_one_value_is_refused(graph: Build) -> None:
    run = graph(table(same, lambda _: 5))
    with pytest.raises(ContractError, match=r"'answer' is 5 on all \d+ rows of train; nothing"):
        run.run("data", "validate", "features")


@pytest.mark.parametrize("rows", [1, 3, 8])
def test_few_rows_say_how_they_are_split(graph: Build, rows: int) -> None:
    message = rf"{rows} rows? with a known label, split into train \d, valid \d, test \d.*shares? (higher|lower)"
    with pytest.raises(ContractError, match=message):
        graph(table(same, fifth, rows)).run("data", "validate", "features")


@pytest.mark.parametrize(
    ("low", "high", "size", "kept"),
    [
        (0, 0.1, "0.1::FLOAT", True),
        (-0.1, 0.1, "(-0.1)::FLOAT", True),
        (0.7, 1.0, "0.7::FLOAT", True),
        (0, 0.1, "0.1::DOUBLE", True),
        (0, 0.1, "0.10001::FLOAT", False),
        (0, 0.1, "0.1000001::DOUBLE", False),
        (0, 1e38, "2e38::DOUBLE", False),
    ],
)
def test_a_bound_holds_for_float32_as_it_is_written(
    graph: Build, low: float, high: float, size: str, kept: bool
) -> None:
    rows = f"SELECT i AS id, CASE WHEN i = 0 THEN {size} ELSE {high}::DOUBLE END AS size, i % 5 AS answer FROM range(200) t(i)"
    case = replace(PLAIN, columns=(ID, replace(SIZE, min=low, max=high), ANSWER))
    run = graph(rows, case).run("data", "validate")
    assert len(run.rows("valid/events")) == (200 if kept else 199)


def test_the_smallest_integer_is_set_aside_like_another(graph: Build) -> None:
    case = replace(PLAIN, columns=(ID, replace(SIZE, type="int", min=0), ANSWER))
    lines = ["id,size,answer", f"1,{-(2**63)},1", "2,-5,2", "3,5,3", "4,,4"]
    run = graph(lines, case).run("data", "validate")
    assert [key for (key,) in run.rows("quarantine/events", "key")] == ["1", "2"]


def test_labels_that_float32_makes_equal_are_refused(graph: Build) -> None:
    run = graph(table(same, lambda i: i % 5 * 1e-310))
    with pytest.raises(ContractError, match=r"'answer' is 0 on all \d+ rows of train"):
        run.run("data", "validate", "features")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1.0, np.nan], "null, infinite or too large for the model in 1 of 2 rows"),
        ([1.0, np.inf], "null, infinite or too large for the model in 1 of 2 rows"),
        ([1.0, -1e39], "null, infinite or too large for the model in 1 of 2 rows"),
        ([3e38, -2e38], r"too large to be summed in the model's float32, 3e\+38 for instance"),
    ],
)
def test_labels_that_no_boosting_takes(labels: list[float], message: str) -> None:
    with pytest.raises(PlumblineError, match=message):
        label_checks.check("regression", [np.array(labels)], "train.parquet")


def test_integers_that_add_up_beyond_64_bits_are_refused(graph: Build) -> None:
    shop, n = Column("shop", "string", "-", "a shop"), Column("n", "int", "m", "how many")
    case = replace(
        TIMED,
        columns=(ID, AT, shop, n, ANSWER),
        entities=(Entity("shop", "shop", "a shop"),),
        snapshots=(Snapshot("total", "shop", "sum", 7, "sum of it, m", "n"),),
        features=("total",),
    )
    days = {"warmup_days": 3, "valid_days": 9, "test_days": 9, "current_days": 9, "join": "direct"}
    lines = [f"{i},2024-01-{1 + i:02d},a,{2**62},{i % 5}" for i in range(30)]
    rest = [f"{30 + i},2024-02-{1 + i:02d},a,{-(2**61)},{i % 5}" for i in range(20)]
    source = ["id,at,shop,n,answer", *lines, *rest]
    run = graph(source, case, data={"as_of": "2024-02-21"}, features=days).run("data", "validate")
    with pytest.raises(ContractError, match=r"'total' sums 'n', whose values add up to 1\.8.e\+20"):
        run.run("features")
