"""Columns on disk read as the table in memory does, of any rows, in any row groups, with or without nulls."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.core import stored_columns, tables
from plumbline.core.errors import PlumblineError
from plumbline.core.stored_columns import StoredColumns

ROWS = 23
MASK = np.arange(ROWS) % 3 == 1
TAKEN = {
    "all": np.arange(ROWS),
    "mask": MASK,
    "none": np.zeros(ROWS, bool),
    "within a group": np.array([6, 7, 8]),
    "over groups": np.array([0, 4, 5, 14, 15, 22]),
    "twice": np.array([2, 2, 17]),
}


def write(folder: Path) -> Path:
    """A table in groups of five rows, each kind of column with and without a null in one of them."""
    number = list(range(ROWS))
    nulls = [None if i == 17 else i for i in number]
    columns = {
        "int": pa.array(number),
        "int_null": pa.array(nulls, pa.int64()),
        "bool": pa.array([i % 2 == 0 for i in number]),
        "bool_null": pa.array([None if i is None else i % 2 == 0 for i in nulls]),
        "float": pa.array(nulls, pa.float64()),
        "text": pa.array([None if i is None else f"t{i % 4}" for i in nulls]),
        "time": pa.array(nulls, pa.timestamp("us")),
    }
    pq.write_table(pa.table(columns), folder / "t.parquet", row_group_size=5)
    return folder / "t.parquet"


def same(one: np.ndarray, other: np.ndarray) -> bool:
    if one.dtype != other.dtype or len(one) != len(other):
        return False
    if one.dtype == object:
        return one.tolist() == other.tolist()
    return np.array_equal(one, other, equal_nan=one.dtype.kind in "fM")


@pytest.mark.parametrize("rows", TAKEN.values(), ids=TAKEN)
def test_every_type_of_any_rows_as_the_whole_table_has_it(rows: np.ndarray, tmp_path: Path):
    whole = tables.read(write(tmp_path))
    stored = StoredColumns(tmp_path / "t.parquet", list(whole)).take(rows)
    for columns in (stored, stored.loaded()):
        assert list(columns) == list(whole)
        assert [n for n in whole if not same(columns[n], whole[n][rows])] == []


def test_rows_of_rows_and_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stored_columns, "PIECE", 4)
    whole = tables.read(write(tmp_path))
    stored = StoredColumns(tmp_path / "t.parquet", list(whole)).take(MASK).take(np.array([1, 3, 6]))
    assert stored["int"].tolist() == np.flatnonzero(MASK)[[1, 3, 6]].tolist()
    every = StoredColumns(tmp_path / "t.parquet", list(whole))
    pieces = list(every.pieces(["int_null", "text"]))
    assert [len(p["text"]) for p in pieces] == [4, 4, 4, 4, 4, 3]
    for name in ("int_null", "text"):
        assert same(np.concatenate([p[name] for p in pieces]), whole[name])
    doubled = stored_columns.row_by_row(every, ["int", "gone"], lambda c: 2 * c["int"])
    assert np.array_equal(doubled, 2 * whole["int"])
    assert [len(p["int"]) for p in every.take(np.zeros(ROWS, bool)).pieces(["int"])] == [0]


def test_a_small_table_is_read_whole_and_a_large_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = write(tmp_path)
    assert isinstance(stored_columns.opened(path), dict)
    monkeypatch.setattr(stored_columns, "IN_MEMORY", 2 * ROWS - 1)
    assert isinstance(stored_columns.opened(path, ["int"]), dict)
    large = stored_columns.opened(path, ["int", "text"])
    assert (list(large), large["int"].tolist(), "float" in large) == (["int", "text"], list(range(ROWS)), False)  # fmt: skip
    assert list(stored_columns.without(large, "text")) == ["int"]
    with pytest.raises(PlumblineError, match="no column 'txt'"):
        stored_columns.opened(path, ["txt"])
    with pytest.raises(ValueError, match="have to rise"):
        stored_columns.select(large, np.array([2, 1]))
