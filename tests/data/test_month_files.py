"""A source in files is read month by month: the same bytes as read at once, and a file more costs its months."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from plumbline.core import partition_cache
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import UseCase
from plumbline.data import file_rows, month_files, partition
from plumbline.data.month_files import MonthFiles
from tests.sales import SALES, ingest

SETTINGS = {"source": "parquet", "path": "in", "as_of": "2025-04-01"}
TYPED = (
    "SELECT i AS sale_id, TIMESTAMP '{start}' + to_minutes(500 * i::BIGINT) AS sold_at, ['north', 'west'][1 + i % 2] AS shop, "
    "100 + i AS price_cents, 2 AS pieces, {weight} AS weight, i % 3 = 0 AS promo, i % 2 AS returned FROM range({rows}) t(i)"
)


def put(folder: Path, name: str, start: str, rows: int = 60, weight: str = "i / 8") -> None:
    """Write a file of sales, one every 500 minutes."""
    path = folder / "in" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    query = TYPED.format(start=start, rows=rows, weight=weight)
    duckdb.sql(f"COPY ({query}) TO '{path}' (FORMAT parquet)")


def outs(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in [*(folder / "raw").iterdir(), folder / "data.json"]}


def at_once(
    patch: pytest.MonkeyPatch, folder: Path, settings: Any, case: UseCase
) -> dict[str, bytes]:
    """The outs of a source that is read as one table."""
    with patch.context() as one:
        one.setattr(month_files, "read", lambda *_: None)
        return outs(ingest(one, folder, settings, case))


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The months that are computed, and the files that are looked at."""
    names: list[str] = []
    write, examined = partition.write_month, file_rows._examined

    def written(
        connection: Any, usecase: Any, table: str, month: str, *rest: Any, **own: Any
    ) -> None:
        names.append(f"{table}-{month}")
        write(connection, usecase, table, month, *rest, **own)

    def looked(connection: Any, usecase: Any, source: Any, part: Any) -> Any:
        names.append(Path(part.path).name)
        return examined(connection, usecase, source, part)

    monkeypatch.setattr(partition, "write_month", written)
    monkeypatch.setattr(file_rows, "_examined", looked)
    return names


@pytest.mark.parametrize(
    ("delay", "more"),
    [
        ({}, {}),
        ({"label_delay": 0}, {"start": "2025-01-15"}),
        (
            {"label_delay": 1, "label_delay_hours": 5, "label_delay_minutes": 7},
            {"as_of": "2025-02-20"},
        ),
        ({"label_delay": 40}, {"start": "2025-02-01", "as_of": "2025-03-01"}),
    ],
)
def test_the_bytes_are_those_of_one_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, delay: dict, more: dict, computed: list[str]
) -> None:
    put(tmp_path, "b.parquet", "2025-01-20", weight="CASE WHEN i > 3 THEN 'nan'::DOUBLE END")
    put(tmp_path, "a.parquet", "2025-01-03")
    put(tmp_path, "c.parquet", "2025-02-25")
    case, settings = replace(SALES, **delay), {**SETTINGS, **more}
    expected = at_once(monkeypatch, tmp_path, settings, case)
    computed.clear()
    assert outs(ingest(monkeypatch, tmp_path, settings, case)) == expected
    assert "c.parquet" in computed


def test_a_file_more_costs_its_months(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, computed: list[str]
) -> None:
    monkeypatch.setenv(partition_cache.PARTITIONS, str(tmp_path / "kept"))
    for month in ("01", "02"):
        put(tmp_path, f"{month}.parquet", f"2025-{month}-01")
    ingest(monkeypatch, tmp_path, {**SETTINGS, "as_of": "2025-03-01"})
    put(tmp_path, "03.parquet", "2025-03-01")
    expected = at_once(monkeypatch, tmp_path, SETTINGS, SALES)
    computed.clear()
    assert outs(ingest(monkeypatch, tmp_path, SETTINGS)) == expected
    assert computed == ["03.parquet", "events-2025-03", "outcomes-2025-03"]
    computed.clear()
    put(tmp_path, "01.parquet", "2025-01-02")
    expected = at_once(monkeypatch, tmp_path, SETTINGS, SALES)
    computed.clear()
    assert outs(ingest(monkeypatch, tmp_path, SETTINGS)) == expected
    assert computed == ["01.parquet", "events-2025-01", "outcomes-2025-01"]


def test_first_nulls_are_written_everywhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, computed: list[str]
) -> None:
    monkeypatch.setenv(partition_cache.PARTITIONS, str(tmp_path / "kept"))
    put(tmp_path, "01.parquet", "2025-01-01")
    ingest(monkeypatch, tmp_path, SETTINGS)
    put(tmp_path, "02.parquet", "2025-02-01", weight="NULL::DOUBLE")
    expected = at_once(monkeypatch, tmp_path, SETTINGS, SALES)
    computed.clear()
    assert outs(ingest(monkeypatch, tmp_path, SETTINGS)) == expected
    assert "events-2025-01" in computed


@pytest.mark.parametrize(
    ("name", "weight"), [("b.parquet", "'heavy'"), ("a.parquet", "'2'"), ("b.parquet", "[i]")]
)
def test_what_does_not_fit_is_refused_in_the_same_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, weight: str
) -> None:
    put(tmp_path, "a.parquet", "2025-01-03")
    put(tmp_path, name, "2025-02-03", weight=weight)
    answers = []
    for read in (month_files.read, lambda *_: None):
        with monkeypatch.context() as one:
            one.setattr(month_files, "read", read)
            try:
                answers.append(str(outs(ingest(one, tmp_path, SETTINGS))))
            except PlumblineError as error:
                answers.append(str(error))
    assert answers[0] == answers[1]


def test_a_file_that_changes_meanwhile_keeps_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put(tmp_path, "01.parquet", "2025-01-01")
    monkeypatch.setenv(partition_cache.PARTITIONS, str(tmp_path / "kept"))
    write = MonthFiles.write

    def changed(self: MonthFiles, *rest: Any) -> Any:
        put(tmp_path, "01.parquet", "2025-01-02", rows=61)
        return write(self, *rest)

    with monkeypatch.context() as one:
        one.setattr(MonthFiles, "write", changed)
        with pytest.raises(
            PlumblineError, match=r"01\.parquet: the file changed while it was read"
        ):
            ingest(one, tmp_path, SETTINGS)
    assert outs(ingest(monkeypatch, tmp_path, SETTINGS)) == at_once(
        monkeypatch, tmp_path, SETTINGS, SALES
    )


def test_times_without_end_are_no_months(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, computed: list[str]
) -> None:
    put(tmp_path, "a.parquet", "2025-01-03")
    put(tmp_path, "b.parquet", "9999-12-31", rows=1)
    put(tmp_path, "c.parquet", "1000-01-01", rows=1)
    settings = {**SETTINGS, "start": "2024-12-01"}
    expected = at_once(monkeypatch, tmp_path, settings, SALES)
    computed.clear()
    assert outs(ingest(monkeypatch, tmp_path, settings)) == expected
    assert len(computed) == 5


ONE = "TIMESTAMP '{start}' AS sold_at"
"""As of a table with a row per shop and month, all of the month's first day."""


@pytest.mark.parametrize("starts", [("2025-01-01", "2025-02-01"), ("2025-01-01", "2025-01-01")])
def test_a_month_of_one_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, starts: tuple[str, str]
) -> None:
    with monkeypatch.context() as one:
        one.setattr(
            f"{__name__}.TYPED",
            TYPED.replace("TIMESTAMP '{start}' + to_minutes(500 * i::BIGINT) AS sold_at", ONE),
        )
        for name, start, weight in zip(
            "ab", starts, ("'-0.0'::DOUBLE", "0.0::DOUBLE"), strict=True
        ):
            put(tmp_path, f"{name}.parquet", start, weight=weight)
    expected = at_once(monkeypatch, tmp_path, SETTINGS, SALES)
    assert outs(ingest(monkeypatch, tmp_path, SETTINGS)) == expected
    assert b"-0.0" not in expected["data.json"], (
        "which zero is the least hangs on the order of the rows"
    )
