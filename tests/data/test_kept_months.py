"""What validate knows of a month's files is kept: the same bytes, and only new months are looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from plumbline.core import partition_cache
from plumbline.validate import months
from plumbline.validate.months import File
from plumbline.validate.whole_months import Stretch
from tests import orders
from tests.orders import Run, good, run, write_raw

__all__ = ["run"]

# two copies of a key in one month, a bad row in each month, and nulls in one column
ROWS = good(
    480,
    order_id="CASE WHEN i = 7 THEN 1008 ELSE 1000 + i END",
    ordered_at="TIMESTAMP '2025-02-03' + to_minutes(120 * i::BIGINT)",
    amount_cents="CASE WHEN i IN (3, 390) THEN -1 ELSE 200 + (i * 37) % 700 END",
    weight="CASE WHEN i % 5 > 0 THEN i % 8 END",
)


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files whose rows Great Expectations looks at."""
    names: list[str] = []
    frames = months.frames

    def seen(connection: Any, files: Sequence[File], *rest: Any) -> Iterator[Any]:
        names.extend(f.path.name for f in files)
        return frames(connection, files, *rest)

    monkeypatch.setattr(months, "frames", seen)
    return names


def until(run: Run, monkeypatch: pytest.MonkeyPatch, as_of: str, rows: str = ROWS) -> None:
    """Validate the rows that are known on a day."""
    monkeypatch.setattr(orders, "AS_OF", as_of)
    for path in run.raw.glob("*"):
        path.unlink()
    write_raw(run.raw, f"SELECT * FROM ({rows}) WHERE ordered_at < '{as_of}'", as_of=as_of)
    run.go(max_quarantine=0.1, severity={"unique": "quarantine", "rows": "warn"})


def test_one_month_more_is_looked_at_alone(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, looked: list[str]
) -> None:
    until(run, monkeypatch, "2025-03-15")
    alone = run.bytes()
    monkeypatch.setenv(partition_cache.PARTITIONS, str(tmp_path / "kept"))
    until(run, monkeypatch, "2025-03-01")
    looked.clear()
    until(run, monkeypatch, "2025-03-15")
    assert run.bytes() == alone
    assert set(looked) == {"events-2025-03.parquet", "outcomes-2025-03.parquet"}
    looked.clear()
    until(run, monkeypatch, "2025-03-15")
    assert run.bytes() == alone
    assert not looked


def test_a_changed_month_is_looked_at_again(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, looked: list[str]
) -> None:
    changed = ROWS.replace("THEN -1", "THEN -2")
    until(run, monkeypatch, "2025-03-15", changed)
    alone = run.bytes()
    monkeypatch.setenv(partition_cache.PARTITIONS, str(tmp_path / "kept"))
    until(run, monkeypatch, "2025-03-15")
    looked.clear()
    until(run, monkeypatch, "2025-03-15", changed)
    assert run.bytes() == alone
    assert "events-2025-02.parquet" in looked


def test_damaged_results_are_found_again(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, looked: list[str]
) -> None:
    monkeypatch.setenv(partition_cache.PARTITIONS, str(tmp_path / "kept"))
    until(run, monkeypatch, "2025-03-15")
    alone = run.bytes()
    for path in (tmp_path / "kept").rglob("*.*"):
        path.write_bytes(path.read_bytes()[:-1] + b"9")
    looked.clear()
    until(run, monkeypatch, "2025-03-15")
    assert run.bytes() == alone
    assert len(set(looked)) == 4


def test_counts_of_whole_months_are_kept(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows = good(
        2000,
        ordered_at="TIMESTAMP '2024-11-20' + to_minutes(90 * i::BIGINT)",
        buyer="(i * 7) % 60",
        returned="(i % 9 = 0 OR i BETWEEN 1500 AND 1512)::BIGINT",
        amount_cents="200 + (i // 2 * 37) % 700",
    )
    monkeypatch.setattr(orders, "START", "2024-11-01")
    until(run, monkeypatch, "2025-03-20", rows)
    alone = run.bytes()
    monkeypatch.setenv(partition_cache.PARTITIONS, str(tmp_path / "kept"))
    counted = []
    counts = Stretch.counts
    monkeypatch.setattr(
        Stretch, "counts", lambda self, *rest: counted.append(self.files) or counts(self, *rest)
    )
    until(run, monkeypatch, "2025-02-15", rows)
    assert len({files[0].month for files in counted if files}) == 2  # December and January
    counted.clear()
    until(run, monkeypatch, "2025-03-20", rows)
    assert run.bytes() == alone
    assert {files[0].month for files in counted if files} <= {202501, 202502}


@pytest.mark.parametrize(("memory", "share"), [("500MB", "152.5 MiB"), ("4GB", "2.9 GiB")])
def test_duckdb_leaves_room_for_great_expectations(
    monkeypatch: pytest.MonkeyPatch, memory: str, share: str
) -> None:
    monkeypatch.setenv("PLUMBLINE_MEMORY", memory)
    with duckdb.connect() as database:
        months.leave_room(database)
        assert database.sql("SELECT current_setting('memory_limit')").fetchall() == [(share,)]
    assert list(months.ahead(iter([1, 2, 3]))) == [1, 2, 3]
