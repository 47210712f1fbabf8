"""Model tables: chunks of a fixed size, columns as numpy, row features beside the joined ones."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.core import row_features, tables
from plumbline.core.errors import PlumblineError
from tests.small import NAMES, SMALL, TYPES, event

START = datetime(2025, 3, 1)


def joined(count: int, **other) -> pa.Table:
    """Rows as the joins give them: known columns, label, aggregates."""
    rows = [event(i, START + timedelta(hours=i), **other) for i in range(count)]
    types = TYPES | dict.fromkeys(NAMES, pa.float64())
    columns = {
        n: pa.array([r.get(n, float(r["number"])) for r in rows], types[n])
        for n in tables.order(SMALL)
    }
    return pa.table(columns)


def written(table: pa.Table, path, size: int = 7):
    return tables.write(SMALL, table.to_batches(max_chunksize=size), path)


@pytest.mark.parametrize("sizes", [[10], [3, 3, 4], [1] * 10, [4, 0, 6], [5, 5]])
def test_chunks_are_of_one_size(sizes):
    rows = pa.record_batch({"x": list(range(10))})
    starts = np.cumsum([0, *sizes[:-1]])
    parts = [rows.slice(int(i), n) for i, n in zip(starts, sizes, strict=True)]
    result = list(tables.chunks(parts, 5))
    assert [t.num_rows for t in result] == [5, 5]
    assert pa.concat_tables(result).column("x").to_pylist() == list(range(10))


def test_chunks_of_nothing():
    assert list(tables.chunks([], 5)) == []


def test_order_of_columns_and_types(tmp_path):
    written(joined(3), tmp_path / "t.parquet")
    schema = pq.read_schema(tmp_path / "t.parquet")
    known = ["number", "at", "who_id", "place_id", "cents", "grams", "kind", "ok"]
    assert schema.names == [
        *known,
        "bad",
        *NAMES,
        "per_place",
        "heavy_today",
        "surprise",
        "kind_code",
    ]
    assert schema.field("at").type == pa.timestamp("us")
    assert schema.field("place_sum_3d").type == pa.float64()


def test_same_bytes_however_the_rows_arrive(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "CHUNK", 4)
    for size in (1, 3, 10):
        written(joined(10), tmp_path / f"{size}.parquet", size)
    assert len({p.read_bytes() for p in tmp_path.iterdir()}) == 1
    assert pq.ParquetFile(tmp_path / "1.parquet").metadata.num_row_groups == 3


def test_row_features_and_codes_of_every_row(tmp_path):
    table = joined(3, cents=40, kind="b")
    written(table, tmp_path / "t.parquet")
    result = tables.read(tmp_path / "t.parquet")
    assert result["per_place"].tolist() == [40.0, 41.0, 42.0]
    assert result["kind_code"].tolist() == [1.0, 1.0, 1.0]


def test_counts(tmp_path):
    table = pa.concat_tables([joined(2, bad=1), joined(3), joined(1, bad=None)])
    counts = written(table, tmp_path / "t.parquet", 2)
    assert (counts.rows, counts.labelled, counts.label_sum) == (6, 5, 2.0)
    assert counts.missing == dict.fromkeys(SMALL.features, 0)
    total = counts.plus(tables.Counts(2, 1, 1.0, {"cents": 2}))
    assert (total.rows, total.labelled, total.label_sum) == (8, 6, 3.0)
    assert total.missing["cents"] == 2


def test_read_gives_numpy(tmp_path):
    path = tmp_path / "t.parquet"
    written(pa.concat_tables([joined(1, grams=None), joined(1, bad=None)]), path)
    result = tables.read(path)
    kinds = {
        n: result[n].dtype.str for n in ("number", "at", "who_id", "grams", "bad", "ok", "cents")
    }
    assert kinds == {
        "number": "<i8",
        "at": "<M8[us]",
        "who_id": "|O",
        "grams": "<f8",
        "bad": "<f8",
        "ok": "|b1",
        "cents": "<i8",
    }
    assert np.isnan(result["grams"]).tolist() == [True, False]
    assert list(tables.read(path, ["cents", "at"])) == ["cents", "at"]


def test_a_nullable_column_is_float_in_every_chunk():
    array = pa.chunked_array([pa.array([1, 2])])
    assert tables.numpy(array).dtype == np.int64
    assert tables.numpy(array, null=True).dtype == np.float64


def test_a_missing_column_names_the_near_one(tmp_path):
    written(joined(1), tmp_path / "t.parquet")
    with pytest.raises(
        PlumblineError, match=r"t\.parquet: no column 'sents'; did you mean 'cents'"
    ):
        tables.read(tmp_path / "t.parquet", ["sents"])
    with pytest.raises(PlumblineError, match="no such file"):
        tables.read(tmp_path / "u.parquet")


def test_codes_of_numbers_and_text():
    kind = SMALL.categories[0]
    values = np.array(["b", "a", "c", None], object)
    assert row_features.codes(kind, values).tolist() == [1.0, 0.0, 2.0, 2.0]
