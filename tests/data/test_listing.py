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
from plumbline.core.errors import SourceError
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


def test_hidden_files_are_not_read_and_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What macOS, editors and notebooks leave beside the data."""
    hidden = ("._jan.csv", ".ipynb_checkpoints/jan-checkpoint.csv")
    for name in ("jan.csv", *hidden):
        (tmp_path / "part" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "part" / name).write_text(content(1))
    for path, named in (("part", hidden[:1]), ("part/**/*.csv", hidden)):
        caplog.clear()
        ingest(monkeypatch, tmp_path, {"source": "csv", "path": path}, TABLE)
        assert ids(tmp_path) == [1]
        warnings = " ".join(r.getMessage() for r in caplog.records if "not read" in r.getMessage())
        assert all(name in warnings for name in named), warnings
    ingest(monkeypatch, tmp_path, {"source": "csv", "path": "part/._*.csv"}, TABLE)
    assert ids(tmp_path) == [1]


def test_links(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "real.txt").write_text(content(1))
    (tmp_path / "part" / "a.csv").symlink_to(tmp_path / "real.txt")
    ingest(monkeypatch, tmp_path, {"source": "csv", "path": "part"}, TABLE)
    assert ids(tmp_path) == [1]
    (tmp_path / "part" / "b.csv").symlink_to("gone.csv")
    for path in ("part", "part/*.csv"):
        with pytest.raises(SourceError, match=r"b\.csv: a link to gone\.csv, which is not there"):
            ingest(monkeypatch, tmp_path, {"source": "csv", "path": path}, TABLE)


@pytest.mark.parametrize(
    "name",
    [
        "-a.csv",
        "a b.csv",
        "a'b.csv",
        'a"b.csv',
        "~a.csv",
        "a%20b.csv",
        "a{b,c}.csv",
        "a#.csv",
        "ü.csv",
        "s3:a.csv",
    ],
)
def test_any_name(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content(1))
    (tmp_path / "c.parquet").write_text("not read")
    for path in (name, ".", str(tmp_path / name)):
        ingest(monkeypatch, tmp_path, {"source": "csv", "path": path}, TABLE)
        assert ids(tmp_path) == [1]


def test_a_column_that_only_a_folders_name_has(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "part" / "size=big").mkdir(parents=True)
    (tmp_path / "part" / "size=big" / "a.csv").write_text("id,y\n1,1\n")
    with pytest.raises(
        SourceError, match=r"no column 'size'; a folder's name \(size=\.\.\.\) is no column: write"
    ):
        ingest(monkeypatch, tmp_path, {"source": "csv", "path": "part/*/*.csv"}, TABLE)


def test_files_of_one_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each has its own order, line ends, mark and archive; an empty one and other columns are refused."""
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "a.csv").write_bytes(b"\xef\xbb\xbfid,size,y\r\n1,a,1\r\n")
    (tmp_path / "part" / "b.csv").write_bytes(b"y,id,size\n1,2,b\r\n1,3,c\n")
    (tmp_path / "part" / "c.csv.gz").write_bytes(gzip.compress("id,size,y\n4,ü,1".encode()))
    settings = {"source": "csv", "path": "part"}
    ingest(monkeypatch, tmp_path, settings, TABLE)
    assert ids(tmp_path) == [1, 2, 3, 4]
    (tmp_path / "part" / "d.csv").write_bytes(b"id,Size,y\n5,e,1")
    with pytest.raises(
        SourceError, match=r"d\.csv: its columns differ from those of part/a\.csv: 'Size' is in"
    ):
        ingest(monkeypatch, tmp_path, settings, TABLE)
    (tmp_path / "part" / "d.csv").write_bytes(b"")
    with pytest.raises(SourceError, match=r"d\.csv: the file is empty \(0 bytes\)"):
        ingest(monkeypatch, tmp_path, settings, TABLE)
    (tmp_path / "part" / "d.csv").write_bytes("id,size,y\n5,ü,1".encode("latin-1"))
    with pytest.raises(SourceError, match=r"d\.csv, line 2: .* 0xfc is not utf-8"):
        ingest(monkeypatch, tmp_path, settings, TABLE)


def test_a_pattern_in_a_folder_with_brackets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The folder that is there is meant; a suffix in capitals is named, as the pattern leaves it out."""
    for number, name in enumerate(("part[1]/a.csv", "part1/b.csv", "part[1]/FEB.CSV"), 1):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content(number))
    ingest(monkeypatch, tmp_path, {"source": "csv", "path": "part[1]/*.csv"}, TABLE)
    assert ids(tmp_path) == [1]
    (warning,) = [m for r in caplog.records if "not read" in (m := r.getMessage())]
    assert "not read: part[1]/FEB.CSV; read are the pattern's matches" in warning


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("part", r"no file here ends with .*\. Its folders have some: part/\*\*/\*\.csv"),
        ("part/jan/t.csv", r"no such file; .*; did you mean 'T\.csv'\?"),
        ("part/jan/tt.csv", r"no such file; .*; did you mean 'T\.csv'\?"),
        ("part/jan/[st].csv", r"no such file; "),
    ],
)
def test_what_may_be_meant(
    path: str, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "part" / "jan").mkdir(parents=True)
    (tmp_path / "part" / "jan" / "T.csv").write_text(content(1))
    with pytest.raises(SourceError, match=message):
        ingest(monkeypatch, tmp_path, {"source": "csv", "path": path}, TABLE)
