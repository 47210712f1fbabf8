"""Samples of tables, curves as CSV, predictions as Parquet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.core import tables
from plumbline.core.errors import PlumblineError
from plumbline.evaluate import reporting, row_limits

ROWS = 1_000


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.parquet"
    columns = {
        "n": np.arange(ROWS),
        "x": np.where(np.arange(ROWS) % 7, 1.5, np.nan),
        "unused": np.zeros(ROWS),
    }
    pq.write_table(pa.table(columns), path, row_group_size=64)
    return path


@pytest.mark.parametrize("most", [1, 90, ROWS, 5 * ROWS])
def test_a_sample_is_even_and_keeps_rows_together(table: Path, most: int):
    result = reporting.sample(table, ["x", "n"], most)
    assert list(result) == ["x", "n"]
    assert len(result["n"]) == min(most, ROWS)
    assert set(np.diff(result["n"]).tolist()) <= {ROWS // most, ROWS // most + 1}
    assert (np.isnan(result["x"]) == (result["n"] % 7 == 0)).all()


def test_a_sample_of_many_row_groups_reads_some_of_them(
    table: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(row_limits, "GROUPS", 4)
    numbers = reporting.sample(table, ["n"], 64)["n"]
    assert len(numbers) == 64
    assert np.unique(numbers // 64).tolist() == [0, 4, 8, 12]
    assert (np.diff(numbers) > 0).all()


def test_a_sample_of_no_rows(tmp_path: Path):
    with pq.ParquetWriter(
        tmp_path / "t.parquet", pa.schema([("m", pa.string()), ("n", pa.int64())])
    ):
        pass
    assert len(reporting.sample(tmp_path / "t.parquet", ["n"], 5)["n"]) == 0


def test_a_sample_of_no_table_says_so(tmp_path: Path):
    with pytest.raises(PlumblineError, match=r"none\.parquet: no such file"):
        reporting.sample(tmp_path / "none.parquet", ["n"], 5)


def test_curves_are_plain_csv(tmp_path: Path):
    curve = {
        "x": np.array([1 / 3, 1.0]),
        "y": np.array([2_000_000.123, 0]),
        "series": np.array(["a,b", "c"], object),
    }
    reporting.write_curves(tmp_path, {"one": curve})
    assert (tmp_path / "one.csv").read_bytes() == b'x,y,series\n0.333333,2e+06,"a,b"\n1,0,c\n'


def test_predictions_keep_order_and_types(tmp_path: Path):
    columns = {
        "key": np.array(["b", "a"], object),
        "at": np.array(["2025-01-01T00:00:01", "2025-01-02"], "datetime64[us]"),
        "label": np.array([1, 0]),
        "score": np.array([0.25, 0.5]),
    }
    reporting.write_predictions(tmp_path / "p.parquet", columns)
    result = tables.read(tmp_path / "p.parquet")
    assert list(result) == list(columns)
    for name, values in columns.items():
        assert result[name].tolist() == values.tolist()
        assert result[name].dtype == values.dtype
