"""Every source that cannot be read: one message with file, column and remedy, exit code 2, outs kept."""

from __future__ import annotations

import logging
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from plumbline.runtime import runner
from stages import data
from tests.sales import AS_OF, own, prepare, write_csv

BAD = Path(__file__).resolve().parent.parent / "bad" / "data"
FILES = {
    "empty.csv": r"empty\.csv: the file is empty \(0 bytes\); export it again",
    "header_only.csv": r"header_only\.csv: no rows; expected at least one",
    "missing_column.csv": r"missing_column\.csv: no column 'weight'; .* \(rename it in the source",
    "renamed_column.csv": r"renamed_column\.csv: no column 'sold_at'; did you mean 'sold_att'\?",
    "wrong_type.csv": r"wrong_type\.csv: column 'weight': expected a number, found 'heavy' in line 3; correct",
    "fraction.csv": r"fraction\.csv: column 'returned': expected a whole number, found '0\.5' in line 4",
    "many.csv": r"'promo': expected true or false, found 'maybe' in line 2, .* in line 4 and 1 more; ",
    "impossible_day.csv": r"column 'sold_at': expected a time like .* found '2025-02-30 11:00:00' in line 3",
    "no_time.csv": r"column 'sold_at': .* found nothing in line 3; .*every row needs one",
    "infinite_time.csv": r"column 'sold_at': .* found 'infinity' in line 3",
    "ragged.csv": r"ragged\.csv, line 3: 3 values, expected 8 as in the header; correct the line",
    "latin1.csv": r"latin1\.csv, line 3: the text is in another encoding: 0xfc is not utf-8; set data\.encoding \(cp1252",
    "latin1_header.csv": r"latin1_header\.csv, line 1: the text is in another encoding",
    "binary.csv": r"binary\.csv: a binary file, expected CSV text; correct data\.path",
    "unclosed_quote.csv": r"unclosed_quote\.csv, line 3: a quote is opened and never closed",
    "two_alike.csv": r"two_alike\.csv: two columns are called 'weight'; rename one",
    "unnamed.csv": r"unnamed\.csv: the first line leaves a column without a name",
    "semicolons.csv": r"semicolons\.csv: one column, .* delimiter seems to be ';', not ','",
    "tabs.csv": r"tabs\.csv: one column, .* delimiter seems to be '\\t', not ',': set data\.delimiter",
    "zipped.csv": r"zipped\.csv: a binary file, expected CSV text",
    "derived.csv": r"'total_cents' \(derived from price_cents, pieces\): .*'price_cents=999, pieces=one' in line 3",
    "all_future.csv": r"data\.as_of: no event before 2025-02-11; the source's 3 rows go from 2035-01-03",
    "differing": r"january\.csv: its columns differ from those of .*february\.csv: 'offer' is in .*february",
    "text.parquet": r"text\.parquet: not readable as parquet: .* complete",
    "cut.parquet": r"cut\.parquet: not readable as parquet: .* complete",
}
HERE = Path(__file__)
SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "no file": (
        {"source": "csv", "path": "sale.csv"},
        r"sale\.csv: no such file; put it there, or correct",
    ),
    "no match": ({"source": "parquet", "path": "x/*.parquet"}, r"x/\*\.parquet: no such file"),
    "no csv in folder": ({"source": "csv", "path": "."}, r"\.: no file here ends with \.csv or "),
    "encoding": (
        {"source": "csv", "path": "good.csv", "encoding": "utf-9"},
        r"sales\.data\.encoding: got 'utf-9', expected an encoding of Python's, such as 'utf-8', ",
    ),
    "sha256": (
        {"source": "csv", "path": "good.csv", "sha256": "0" * 64},
        r"good\.csv: SHA-256 is [0-9a-f]{64}, expected 0{64}\. .* correct data\.sha256",
    ),
    "before start": (
        {"source": "csv", "path": "good.csv", "start": "2025-02-11", "as_of": "2025-02-12"},
        r"no event before 2025-02-12 and not before start \(2025-02-11\); .*\. Correct as_of, or start",
    ),
    "start after": (
        {"source": "csv", "path": "good.csv", "start": "2026-01-01"},
        r"sales\.data\.as_of: got '2025-02-11', expected a day after start \('2026-01-01'\)",
    ),
    "no path": (
        {"source": "csv"},
        r"sales\.data\.path: missing; source csv of sales needs path, as_of",
    ),
    "no as-of": (
        {"source": "csv", "path": "good.csv", "as_of": None},
        r"sales\.data\.as_of: missing; source csv",
    ),
    "no simulator": (
        {"source": "simulate", "start": "2025-01-01"},
        r"sources/sales/simulator\.py: no such file; write it, or choose another",
    ),
    "scheme": (
        {"source": "url", "url": "s3://bucket/a.csv", "sha256": "0" * 64},
        r"data\.url: got 's3://bucket/a\.csv', expected .* https://",
    ),
    "no sha256": ({"source": "url", "url": "file:///a.csv"}, r"sales\.data\.sha256: missing"),
    "no such url": (
        {"source": "url", "url": "file:///no/such.csv", "sha256": "0" * 64},
        r"file:such\.csv: cannot be fetched .*; check data\.url",
    ),
    "refused": (
        {
            "source": "url",
            "url": "http://me:${PLUMBLINE_DATA_A}@127.0.0.1:9/a.csv?key=${PLUMBLINE_DATA_A}",
            "sha256": "0" * 64,
        },
        r"http://127\.0\.0\.1:9/a\.csv: cannot be fetched \(.*refused.*\); check",
    ),
    "literal password": (
        {"source": "sql", "address": "postgresql://me:hush@h/db", "query": "SELECT 1"},
        r"params\.yaml, sales\.data\.address: holds a password or a token \(not shown\), expected",
    ),
    "address": (
        {"source": "sql", "address": "me and my database", "query": "SELECT 1"},
        r"data\.address: not an SQLAlchemy address; expected dialect",
    ),
    "dialect": (
        {"source": "sql", "address": "oracel://h/db", "query": "SELECT 1"},
        r"data\.address: not an SQLAlchemy address",
    ),
    "driver": (
        {"source": "sql", "address": "postgresql+pg8000://h/db", "query": "SELECT 1"},
        r"postgresql:db: the driver 'pg8000' is not installed; install it",
    ),
    "variable": (
        {
            "source": "sql",
            "address": "postgresql://u:${PLUMBLINE_DATA_NONE}@h/db",
            "query": "SELECT 1",
        },
        r"data\.address: the environment has no variable PLUMBLINE_DATA_NONE; export it",
    ),
    "database refused": (
        {
            "source": "sql",
            "address": "postgresql+psycopg://u:${PLUMBLINE_DATA_A}@127.0.0.1:9/db",
            "query": "SELECT 1",
        },
        r"postgresql:db: no connection: .*refused.*; check data\.address",
    ),
    "no database": (
        {"source": "sql", "address": "sqlite:///no.db", "query": "SELECT 1"},
        r"sqlite:no\.db: no such file; correct data\.address",
    ),
}
KEPT = {
    "raw/events-2025-01.parquet": b"the last good one",
    "served/served.json": b"{}",
    "data.json": b"{}",
}


def refused(
    patch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    folder: Path,
    settings: dict[str, Any],
) -> str:
    """Run the stage as the command line does; its only message, after checking what it left."""
    prepare(patch, folder, {"as_of": AS_OF, **settings})
    for name, content in KEPT.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    before = sorted(folder.rglob("*"))
    patch.setattr(
        sys,
        "argv",
        ["stages/data.py", "sales", str(own(settings, "sales")), "raw", "served", "data.json"],
    )
    with pytest.raises(SystemExit) as end:
        runner.run(data.main)
    assert end.value.code == 2
    assert sorted(folder.rglob("*")) == before
    assert all((folder / name).read_bytes() == content for name, content in KEPT.items())
    (message,) = (r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING)
    assert message.count("\n") == 0
    assert "hush" not in message
    return message


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    kind = "parquet" if name.endswith(".parquet") else "csv"
    message = refused(monkeypatch, caplog, tmp_path, {"source": kind, "path": str(BAD / name)})
    assert re.search(FILES[name], message), message


def test_every_bad_file_is_tried() -> None:
    assert {p.name for p in BAD.iterdir()} == set(FILES)


@pytest.mark.parametrize("case", SETTINGS)
def test_a_bad_setting_is_refused(
    case: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    settings, expected = SETTINGS[case]
    monkeypatch.setenv("PLUMBLINE_DATA_A", "hush")
    if settings.get("path") == "good.csv":
        write_csv(tmp_path / "good.csv")
    message = refused(monkeypatch, caplog, tmp_path, settings)
    assert re.search(expected, message), message
