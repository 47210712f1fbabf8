"""Bad inputs, one at a time: one clear error each, naming file, column and remedy; nothing lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from plumbline.core.errors import ContractError
from tests.conftest import ROOT
from tests.orders import BAD, Run, done, good, run, write_csv, write_raw

__all__ = ["done", "run"]

CASES = {
    "empty": ("events-2025-02.parquet: no rows", "source is empty"),
    "missing_column": (
        "events-2025-02.parquet: column 'weight' is missing",
        "`derive` in usecases/",
    ),
    "renamed_column": ("column 'amount_cents' is missing", "did you mean 'amount_cent'?", "Rename"),
    "wrong_type": ("column 'amount_cents' is of type VARCHAR, expected BIGINT", "Convert it"),
    "future_date": (
        "events-2025-03.parquet: column 'ordered_at', check 'future': expected before as_of 2025-03-04",
        "2025-03-09 10:00:00 (key 1059)",
        "data.as_of",
    ),
    "before_start": ("column 'ordered_at', check 'past'", "2024-12-31 23:59:59", "data.start"),
    "duplicate_keys": (
        "events-2025-03.parquet: column 'order_id', check 'unique': expected one row per key, "
        "found in 2 rows: different copies of key 1030: ordered_at 2025-03-01 12:00:00 (kept)",
        "Remove the copies",
    ),
    "unit_error": (
        "column 'amount_cents': 2025-03-02 looks like amount_cents x100",
        "Correct the source",
    ),
    "nulls": ("column 'buyer', check 'null': expected no nulls, found in 2 rows", "null=True"),
    "null_time": ("column 'ordered_at', check 'null'", "Fill it in the source"),
    "unknown_category": ("column 'channel', check 'set'", "Did you mean 'web'?", "`allowed`"),
    "out_of_range": (
        "events-2025-03.parquet: column 'amount_cents', check 'range': expected at least 0 and at most "
        "100000 cents, found in 5 rows",
        "looks like amount_cents x1000",
        "move min and max",
    ),
    "negative": ("column 'amount_cents', check 'range'", "-1 (key 1050)", "move min and max"),
    "not_a_number": ("column 'weight', check 'range'", "inf (key 1009)", "Correct the source"),
    "unsorted": (
        "column 'ordered_at', check 'order': expected rows sorted by ordered_at",
        "dvc checkout",
    ),
    "bad_outcome": ("outcomes-2025-03.parquet: column 'returned', check 'range'", "2 (key 1003)"),
}


@pytest.mark.capability("G1", "G8")
@pytest.mark.mltest("Monitor 2")
@pytest.mark.parametrize("name", CASES)
def test_bad_input_stops_with_one_message_and_loses_nothing(
    run: Run, done: Path, name: str
) -> None:
    for out in run.outs:
        copy = shutil.copytree if (done / out.name).is_dir() else shutil.copyfile
        copy(done / out.name, out)
    before = run.bytes()
    write_csv(run.raw, BAD / f"{name}.csv")
    raw = {p.name: p.read_bytes() for p in run.raw.iterdir()}
    with pytest.raises(ContractError) as caught:
        run.go()
    for words in CASES[name]:
        assert words in str(caught.value)
    assert str(run.raw) in str(caught.value)
    assert run.bytes() == before
    assert {p.name: p.read_bytes() for p in run.raw.iterdir()} == raw
    assert not list(run.path.glob(".*"))


@pytest.mark.parametrize("name", ["truncated", "damaged"])
def test_a_damaged_file_is_named(run: Run, name: str) -> None:
    write_raw(run.raw, good())
    shutil.copy(BAD / f"{name}.parquet", run.raw / "events-2025-03.parquet")
    with pytest.raises(
        ContractError, match=r"events-2025-03\.parquet: not a readable.*dvc checkout"
    ):
        run.go()


def test_a_missing_folder_and_a_stray_file_are_named(run: Run) -> None:
    with pytest.raises(ContractError, match=r"raw: no such folder; run `dvc repro`"):
        run.go()
    run.raw.mkdir()
    with pytest.raises(ContractError, match=r"events-\*\.parquet: no rows"):
        run.go()
    write_raw(run.raw, good())
    (run.raw / "events-march.parquet").write_bytes(b"")
    with pytest.raises(ContractError, match=r"events-march\.parquet: expected one file per month"):
        run.go()


def test_a_month_in_the_wrong_file_is_refused(run: Run) -> None:
    write_raw(run.raw, good(12))
    (run.raw / "events-2025-02.parquet").rename(run.raw / "events-2025-01.parquet")
    with pytest.raises(
        ContractError, match=r"events-2025-01.*'partition': expected the month in the file"
    ):
        run.go()


def test_outcomes_must_exist_once_they_are_due(run: Run) -> None:
    write_raw(run.raw, good())
    (run.raw / "outcomes-2025-03.parquet").unlink()
    with pytest.raises(ContractError, match=r"outcomes-\*\.parquet: no rows"):
        run.go()


def test_outcomes_that_are_not_due_need_not_exist(run: Run) -> None:
    write_raw(run.raw, good(12, ordered_at="TIMESTAMP '2025-03-02' + to_minutes(60 * i::BIGINT)"))
    run.go()
    assert not list((run.path / "valid").glob("outcomes-*"))


def test_the_stage_exits_with_2_and_no_traceback(tmp_path: Path) -> None:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "accepted.json").write_text("{}")
    words = ["raw", "accepted.json", "valid", "quarantine", "profile.json", "docs", "metrics.json"]
    done = subprocess.run(
        [sys.executable, "-m", "stages.validate", "card_fraud", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("validate: raw: no such folder")
    assert "Traceback" not in done.stderr
