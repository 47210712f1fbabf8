"""A model table as boosting reads it: nulls become NaN, bools 0 and 1, in every column's type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from plumbline.core import tables
from plumbline.core.declarations import Column, ColumnType
from plumbline.core.usecase import FeatureSet
from plumbline.model import matrices
from plumbline.serve import single_event

VALUES: dict[str, list[Any]] = {"int": [5, 0], "float": [0.5, -1.0], "bool": [True, False]}
TYPES = {"int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}


def declared(kind: ColumnType, label: ColumnType) -> FeatureSet:
    return FeatureSet(
        name="kinds",
        title="Kinds",
        owner="tests@example.com",
        problem="regression",
        key="id",
        label="y",
        columns=(
            Column("id", "int", "-", "number"),
            Column("x", kind, "-", "a value", null=True),
            Column("y", label, "-", "answer", known=False, null=True),
        ),
        features=("x",),
    )


@pytest.mark.parametrize("nulls", [[], [None]])
@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("part", ["x", "y"])
def test_every_type_as_feature_and_label_with_and_without_nulls(
    part: str, kind: ColumnType, nulls: list[None], tmp_path: Path
) -> None:
    usecase = declared(*((kind, "float") if part == "x" else ("float", kind)))
    values = [*VALUES[kind], *nulls]
    columns = dict.fromkeys(("x", "y"), pa.array([1.0] * len(values)))
    columns[part] = pa.array(values, TYPES[kind])
    batch = pa.record_batch({"id": pa.array(range(len(values)))} | columns)
    counts = tables.write(usecase, [batch], tmp_path / "t.parquet")
    assert counts.missing["x"] == len(nulls) * (part == "x")
    (read,) = matrices.open_table(usecase, tmp_path / "t.parquet").read()
    result = read.x[:, 0] if part == "x" else read.y
    expected = [np.nan if v is None else float(v) for v in values]
    np.testing.assert_array_equal(result, np.array(expected, np.float32))


@pytest.mark.parametrize("value", [True, False, None])
def test_a_nullable_bool_has_one_type_in_a_batch_and_in_a_single_event(value: bool | None) -> None:
    column = declared("bool", "float").column("x")
    single = single_event._array(column, value)
    whole = tables.numpy(pa.array([value], pa.bool_()), null=True)
    assert single.dtype == whole.dtype == np.float64
    np.testing.assert_array_equal(single, whole)
