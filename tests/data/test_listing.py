"""What is read is what is listed and hashed: names are no patterns, folders no columns, nothing is left out unsaid."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.core.declarations import Column
from plumbline.core.usecase import UseCase
from tests.sales import ingest

TABLE = UseCase(
    name="table",
    title="Table",
    owner="tests@example.com",
    problem="regression",
    key="id",
    label="y",
    columns=(
        Column("id", "int", "-", "number"),
        Column("size", "string", "-", "a size"),
        Column("y", "float", "-", "answer", known=False),
    ),
    features=("id",),
)


def content(number: int) -> str:
    return f"id,size,y\n{number},own,1\n"


def ids(folder: Path) -> list[int]:
    return sorted(
        r[0] for r in duckdb.sql(f"SELECT id FROM '{folder}/raw/events-all.parquet'").fetchall()
    )


@pytest.mark.parametrize(
    ("name", "other"),
    [("t[1].csv", "t1.csv"), ("a*.csv", "ab.csv"), ("q?.csv", "qq.csv"), ("[!x].csv", "y.csv")],
)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_name_is_no_pattern(
    kind: str, name: str, other: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for number, file in enumerate((name, other), 1):
        path = tmp_path / file.replace("csv", kind)
        if kind == "csv":
            path.write_text(content(number))
        else:
            pq.write_table(pa.table({"id": [number], "size": ["own"], "y": [1.0]}), path)
    path = name.replace("csv", kind)
    ingest(monkeypatch, tmp_path, {"source": kind, "path": path}, TABLE)
    assert ids(tmp_path) == [1]
    sheet = json.loads((tmp_path / "data.json").read_text())
    assert sheet["source"]["sha256"] == hashlib.sha256((tmp_path / path).read_bytes()).hexdigest()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_folder_like_a_column_does_not_replace_the_files_own(
    kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "part" / "size=folder" / f"a.{kind}"
    path.parent.mkdir(parents=True)
    if kind == "csv":
        path.write_text(content(1))
    else:
        pq.write_table(pa.table({"id": [1], "size": ["own"], "y": [1.0]}), path)
    ingest(monkeypatch, tmp_path, {"source": kind, "path": f"part/*/*.{kind}"}, TABLE)
    read = duckdb.sql(f"SELECT size FROM '{tmp_path}/raw/events-all.parquet'").fetchall()
    assert read == [("own",)]


def test_a_suffix_may_be_in_upper_case(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "jan.csv").write_text(content(1))
    (tmp_path / "part" / "FEB.CSV").write_text(content(2))
    (tmp_path / "part" / "MAR.CSV.GZ").write_bytes(gzip.compress(content(3).encode()))
    ingest(monkeypatch, tmp_path, {"source": "csv", "path": "part"}, TABLE)
    assert ids(tmp_path) == [1, 2, 3]


def test_what_a_folder_holds_beside_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("jan.csv", "feb.csv.bak", "README.md", ".hidden", "old/dec.csv"):
        (tmp_path / "part" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "part" / name).write_text(content(1))
    with caplog.at_level(logging.WARNING, "plumbline"):
        ingest(monkeypatch, tmp_path, {"source": "csv", "path": "part"}, TABLE)
    (warning,) = [m for r in caplog.records if "not read" in (m := r.getMessage())]
    assert "part: not read: feb.csv.bak, old/; read are the folder's own files" in warning
    assert "part/**/*.csv" in warning
    ingest(monkeypatch, tmp_path, {"source": "csv", "path": "part/**/*.csv"}, TABLE)
    assert len(ids(tmp_path)) == 2
