"""The data stage on a Spark cluster: files typed by its workers, the bytes of one machine."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.core.errors import SourceError
from plumbline.data import ingest as typing_of_rows
from tests.data.test_manifest import SOURCE, run, write
from tests.sales import ROWS, ingest, prepare, write_csv

ODD = ("", " ", "'", "007", "é", "e\u0301", "😀", "NULL", "x" * 3_000)
SETTINGS = {"as_of": "2025-02-11"}


def outs(folder: Path) -> dict[str, bytes]:
    return {
        str(f.relative_to(folder)): f.read_bytes()
        for place in ("raw", "served", "data.json")
        for f in [folder / place, *(folder / place).rglob("*")]
        if f.is_file()
    }


def parquet(path: Path, first: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {
        "sale_id": [first + i for i in range(len(ODD))],
        "sold_at": [f"2025-01-{2 + i:02} 10:00:00.{first:06}" for i in range(len(ODD))],
        "shop": list(ODD),
        "price_cents": [2**40 + i for i in range(len(ODD))],
        "pieces": [1] * len(ODD),
        "weight": [float("nan"), -0.0, 0.1, None, 1e300, 5e-324, 1.5, 2.5, 0.3],
        "promo": [True, None, False] * 3,
        "returned": [0, 1, 0] * 3,
    }
    pq.write_table(pa.table(columns), path)


def test_parquet_files(tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        parquet(tmp_path / "source" / f"part-{number}.parquet", 1 + 100 * number)
    read: list[str] = []
    alone = typing_of_rows.load
    monkeypatch.setattr(
        typing_of_rows, "load", lambda *a, **k: read.append("here") or alone(*a, **k)
    )
    spark = outs(ingest(monkeypatch, tmp_path, {"source": "parquet", "path": "source", **SETTINGS}))
    assert read == []  # workers read
    monkeypatch.setenv("PLUMBLINE_ENGINE", "duckdb")
    again = ingest(monkeypatch, tmp_path, {"source": "parquet", "path": "source", **SETTINGS})
    assert outs(again) == spark


def test_csv_files_by_a_manifest(
    tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"source": "csv", "path": "lake", "manifest": f"{SOURCE}/files.json", **SETTINGS}
    prepare(monkeypatch, tmp_path, settings)
    monkeypatch.setenv("PLUMBLINE_PARTITIONS", "off")
    SOURCE.mkdir(parents=True)
    write_csv(Path("lake/a/one.csv"), *ROWS[:3])
    write_csv(Path("lake/b/two.csv"), *ROWS[3:])
    write(settings)
    with monkeypatch.context() as patch:
        patch.setattr(typing_of_rows, "load", lambda *_, **__: pytest.fail("read here"))
        spark = run()
    monkeypatch.setenv("PLUMBLINE_ENGINE", "duckdb")
    assert run() == spark


def test_a_value_that_is_refused(
    tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_csv(tmp_path / "source" / "a.csv")
    write_csv(tmp_path / "source" / "b.csv", ROWS[0], ROWS[1].replace(",999,", ",9x9,"))
    with pytest.raises(SourceError, match=r"b\.csv: .*9x9.* in line 3"):
        ingest(monkeypatch, tmp_path, {"source": "csv", "path": "source", **SETTINGS})
