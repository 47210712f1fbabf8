"""Outcomes with a table of their own in the data stage: what is visible, in which file, what is counted."""

from __future__ import annotations

import json
import logging
import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from plumbline.core.errors import ParamsError, SourceError
from plumbline.core.usecase import UseCase
from plumbline.data import outcome_rows
from tests.sales import SALES, ingest, write_csv

EVENTS = "sale_id,sold_at,shop,price_cents,pieces,weight,promo"
SOLD = (
    "1,2025-01-03 10:00:00,north,250,2,1.5,true",
    "2,2025-01-30 23:59:59.999999,south,999,1,0.4,false",
    "3,2025-02-01 00:00:00,north,120,3,,",
    "4,2025-03-10 00:00:00,west,120,1,2.0,true",
    "5,2025-03-28 09:00:00,west,70,1,2.0,true",
)
LATE = "sale_id,known_at,returned"
TOLD = (
    "1,2025-01-05 10:00:00,0",
    "2,2025-02-01 12:00:00,0",
    "2,2025-02-20 12:00:00,1",  # a correction
    "3,2025-03-13 00:00:00,0",  # 40 days late
    "1,2025-01-05 10:00:00,0",  # a duplicate
    "77,2025-02-02 00:00:00,1",  # of no event
    "4,2025-03-12 00:00:00,1",
    "4,2025-04-02 00:00:00,0",  # not visible yet
)
PARAMS: dict[str, Any] = {"source": "csv", "path": "a.csv", "as_of": "2025-04-01"}


def run(
    patch: pytest.MonkeyPatch,
    folder: Path,
    *told: str,
    header: str = LATE,
    sold: tuple[str, ...] = SOLD,
    case: UseCase = SALES,
    **more: Any,
) -> dict[str, Any]:
    """Run the stage over these events and outcomes; the datasheet."""
    write_csv(folder / "a.csv", *sold, header=EVENTS)
    write_csv(folder / "o.csv", *(told or TOLD), header=header)
    own = {"path": "o.csv"} | more.pop("outcomes", {})
    ingest(patch, folder, PARAMS | {"outcomes": own} | more, case)
    result: dict[str, Any] = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    return result


def rows(folder: Path, name: str) -> list[tuple[Any, ...]]:
    table = pq.read_table(folder / "raw" / name)
    return [tuple(r.values()) for r in table.to_pylist()]


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted((folder / "raw").iterdir())}


@pytest.mark.capability("B2")
def test_every_outcome_known_before_the_as_of_date_stands_in_the_month_it_became_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        sheet = run(monkeypatch, tmp_path)
    assert list(files(tmp_path)) == [
        *(f"events-2025-{m}.parquet" for m in ("01", "02", "03")),
        *(f"outcomes-2025-{m}.parquet" for m in ("01", "02", "03")),
        outcome_rows.UNKNOWN,
    ]
    third = datetime(2025, 1, 30, 23, 59, 59, 999_999)
    assert rows(tmp_path, "outcomes-2025-02.parquet") == [
        (2, third, datetime(2025, 2, 1, 12), 0),
        (2, third, datetime(2025, 2, 20, 12), 1),
    ]
    assert rows(tmp_path, outcome_rows.UNKNOWN) == [(datetime(2025, 2, 2), 77, 1)]
    assert sheet["outcomes"] == 5
    assert sheet["outcome_rows"] == {
        "rows": 8,
        "duplicates": 1,
        "after_as_of": 1,
        "before_start": 0,
        "of_removed_events": 0,
        "unknown": 1,
        "corrections": 1,
        "repeated": 0,
        "late": 1,
        "waiting": 1,
        "moved": 0,
    }
    assert sheet["outcome_source"]["path"] == "o.csv"
    said = [r.message for r in caplog.records if "outcome" in r.message]
    assert len(said) == 7  # the counts, and one line for each of six kinds


def test_a_later_outcome_changes_no_older_month(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run(monkeypatch, tmp_path / "a")
    before = files(tmp_path / "a")
    more = ("1,2025-03-30 00:00:00,1", "2,2025-03-31 00:00:00,0", "3,2025-03-31 00:00:00,1")
    run(monkeypatch, tmp_path / "b", *reversed(TOLD), *more)
    after = files(tmp_path / "b")
    changed = {name for name in after if before.get(name) != after[name]}
    assert changed == {"outcomes-2025-03.parquet"}


def test_an_outcome_is_taken_up_once_its_event_comes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = ("1,2025-01-05,1", "2,2025-02-03,1")
    sheet = run(monkeypatch, tmp_path / "a", *told, sold=SOLD[:1])
    assert (sheet["outcomes"], sheet["outcome_rows"]["unknown"]) == (1, 1)
    sheet = run(monkeypatch, tmp_path / "b", *told)
    assert (sheet["outcomes"], sheet["outcome_rows"]["unknown"]) == (2, 0)
    assert outcome_rows.UNKNOWN not in files(tmp_path / "b")


def test_outcomes_of_forgotten_events_are_kept_nowhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sheet = run(monkeypatch, tmp_path, forget={"sale_id": [2, 77]})
    assert sheet["outcome_rows"]["of_removed_events"] == 3
    assert not {"outcomes-2025-02.parquet", outcome_rows.UNKNOWN} & set(files(tmp_path))


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (
            ("1,,1",),
            r"data\.outcomes: o\.csv: column 'known_at': expected a time.*line 2.*every row needs one",
        ),
        ((",2025-01-05,1",), r"data\.outcomes: o\.csv: column 'sale_id': expected a whole number"),
        (("1,2025-01-05,perhaps",), r"column 'returned': expected a whole number, found 'perhaps'"),
        (("1,05.01.2025,1",), r"column 'known_at': expected a time like .* found '05\.01\.2025'"),
        (("1,2025-01-05 10:00Z,1", "2,2025-02-05 10:00,1"), r"expected all times with an offset"),
        (("x,2025-01-05,1",), r"column 'sale_id': expected a whole number, found 'x'"),
    ],
)
def test_what_does_not_fit_is_refused_with_one_message(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: tuple[str, ...], words: str
) -> None:
    with pytest.raises(SourceError, match=words):
        run(monkeypatch, tmp_path, *told)
    assert not (tmp_path / "raw").exists()


def test_the_column_of_known_at_has_a_name_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    head = "sale_id,decided,returned"
    sheet = run(
        monkeypatch, tmp_path, "1,2025-01-05,1", header=head, outcomes={"known_at": "decided"}
    )
    assert sheet["outcomes"] == 1
    with pytest.raises(SourceError, match=r"no column 'known_at'.*set data\.outcomes\.known_at"):
        run(monkeypatch, tmp_path, "1,2025-01-05,1", header=head)
    for name in ("sale_id", "returned", "shop"):
        with pytest.raises(ParamsError, match=rf"known_at: got '{name}', which the contract"):
            run(monkeypatch, tmp_path, "1,2025-01-05,1", outcomes={"known_at": name})


def test_what_outcomes_of_their_own_need_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(ParamsError, match=r"sales\.data\.outcomes\.path: missing"):
        run(monkeypatch, tmp_path, outcomes={"path": None})
    with pytest.raises(SourceError, match=r"sales\.data\.outcomes: gone\.csv: no such file"):
        run(monkeypatch, tmp_path, outcomes={"path": "gone.csv"})
    plain = replace(SALES, time=None, label_delay=0)
    with pytest.raises(ParamsError, match=r"sales declares no time, so that nothing becomes known"):
        run(monkeypatch, tmp_path, case=plain)


def test_offsets_meet_no_local_clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    columns = [
        replace(c, unit="Europe/Berlin") if c.name == "sold_at" else c for c in SALES.columns
    ]
    local = replace(SALES, columns=tuple(columns))
    run(monkeypatch, tmp_path, "1,2025-01-05 10:00,1", case=local)
    run(monkeypatch, tmp_path, "1,2025-01-05 10:00Z,1")
    with pytest.raises(SourceError, match=r"'known_at': found times with an offset.*'sold_at'"):
        run(monkeypatch, tmp_path, "1,2025-01-05 10:00Z,1", case=local)


def test_sql_and_parquet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    table = "SELECT 1 AS sale_id, TIMESTAMP '2025-01-05' AS known_at, 1 AS returned"
    duckdb.sql(f"COPY ({table}) TO '{tmp_path}/o.parquet' (FORMAT parquet)")
    own = {"source": "parquet", "path": "o.parquet"}
    assert run(monkeypatch, tmp_path, outcomes=own)["outcomes"] == 1
    with sqlite3.connect(tmp_path / "o.db") as database:
        database.execute("CREATE TABLE o (sale_id INT, known_at TEXT, returned INT)")
        database.execute(
            "INSERT INTO o VALUES (1, '2025-01-05 00:00:00', 1), (9, '2025-01-05 00:00:00', 1)"
        )
    own = {"source": "sql", "path": None, "address": "sqlite:///o.db", "query": "SELECT * FROM o"}
    sheet = run(monkeypatch, tmp_path, outcomes=own)
    assert (sheet["outcomes"], sheet["outcome_rows"]["unknown"]) == (1, 1)
    assert sheet["outcome_source"]["kind"] == "sql"


@pytest.mark.parametrize(
    ("delay", "late"),
    [({"label_delay": 2}, 1), ({"label_delay": 0, "label_delay_hours": 48, "label_delay_minutes": 1}, 0),
     ({"label_delay": 0, "label_delay_minutes": 2_879}, 1)],
)  # fmt: skip
def test_a_label_is_late_by_days_hours_or_minutes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, delay: dict[str, int], late: int
) -> None:
    case = replace(SALES, **delay)
    sheet = run(monkeypatch, tmp_path, "1,2025-01-05 10:00:30,1", case=case)
    assert sheet["outcome_rows"]["late"] == late


def test_a_label_in_the_events_is_known_minutes_after_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    case = replace(SALES, label_delay=0, label_delay_hours=1, label_delay_minutes=30)
    write_csv(tmp_path / "a.csv")
    ingest(monkeypatch, tmp_path, PARAMS, case)
    first = rows(tmp_path, "outcomes-2025-01.parquet")[0]
    assert first[2] - first[1] == timedelta(minutes=90)
    assert case.delay_words == "1 hours and 30 minutes"


def test_rows_that_arrived_together_count_a_microsecond_apart() -> None:
    found = []
    for first, second in ((0, 1), (1, 0)):
        given = " UNION ALL ".join(
            f"SELECT 1::BIGINT AS sale_id, TIMESTAMP '2025-01-05' AS known_at, {n}::BIGINT AS returned, 0 AS came"
            for n in (first, second)
        )
        with duckdb.connect() as connection:
            connection.execute("CREATE TABLE events AS SELECT 1::BIGINT AS sale_id")
            outcome_rows.fill(connection, SALES, f"({given})", order=["came"])
            found.append(connection.sql(f"FROM {outcome_rows.TABLE} ORDER BY known_at").fetchall())
    assert found[0] == found[1]
    assert [(r[1] - datetime(2025, 1, 5)).microseconds for r in found[0]] == [0, 1]
