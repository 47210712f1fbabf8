"""The data stage: what is visible, in which file and order, and what the datasheet says."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from plumbline.core import duckdb_session, machine, served_sheet
from plumbline.core.errors import ParamsError, PlumblineError, SourceError, SpecError
from plumbline.core.served_sheet import ServedSheet
from plumbline.data import casts
from sources.card_fraud.simulator import simulate
from stages import data
from tests.conftest import ROOT
from tests.sales import HEADER, ROWS, SALES, ingest, prepare, write_csv
from usecases.card_fraud.model import USECASE as CARD_FRAUD
from usecases.flights.model import USECASE as FLIGHTS


def run(patch: pytest.MonkeyPatch, folder: Path, as_of: str, **more: Any) -> Path:
    write_csv(folder / "a.csv")
    return ingest(patch, folder, {"source": "csv", "path": "a.csv", "as_of": as_of, **more})


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = pq.read_table(folder / "raw" / name).to_pylist()
    return result


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in (folder / "raw").iterdir())


def sheet(folder: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    return result


def digests(folder: Path) -> dict[str, str]:
    files = sorted((folder / "raw").iterdir())
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_a_source_without_sealed_days_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run(monkeypatch, tmp_path, "2025-02-13")
    assert [p.name for p in (tmp_path / "served").iterdir()] == [served_sheet.FILE]
    assert served_sheet.read(tmp_path / "served") == ServedSheet(served=False)


def test_a_file_per_month_of_the_event_and_of_its_outcome(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run(monkeypatch, tmp_path, "2025-02-13")
    months = [f"{t}-2025-{m}.parquet" for t in ("events", "outcomes") for m in ("01", "02")]
    assert names(tmp_path) == months
    assert [r["sale_id"] for r in rows(tmp_path, "events-2025-01.parquet")] == [1, 2]
    assert [r["sale_id"] for r in rows(tmp_path, "events-2025-02.parquet")] == [3, 4]
    assert [r["sale_id"] for r in rows(tmp_path, "outcomes-2025-01.parquet")] == [1]
    assert [r["sale_id"] for r in rows(tmp_path, "outcomes-2025-02.parquet")] == [2, 3, 4]


@pytest.mark.capability("B2")
def test_the_label_stands_in_outcomes_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run(monkeypatch, tmp_path, "2025-02-13")
    event = rows(tmp_path, "events-2025-01.parquet")[1]
    assert event == {
        "sale_id": 2,
        "sold_at": datetime(2025, 1, 30, 23, 59, 59, 999_999),
        "shop": "south",
        "total_cents": 999,
        "weight": 0.4,
        "promo": False,
    }
    assert rows(tmp_path, "outcomes-2025-02.parquet")[0] == {
        "sale_id": 2,
        "sold_at": datetime(2025, 1, 30, 23, 59, 59, 999_999),
        "known_at": datetime(2025, 2, 1, 23, 59, 59, 999_999),
        "returned": 1,
    }
    assert rows(tmp_path, "events-2025-01.parquet")[0]["total_cents"] == 500
    assert rows(tmp_path, "events-2025-02.parquet")[0]["weight"] is None


def test_types_are_the_contracts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run(monkeypatch, tmp_path, "2025-02-13")
    schema = pq.read_schema(tmp_path / "raw" / "events-2025-01.parquet")
    wanted = [pa.int64(), pa.timestamp("us"), pa.string(), pa.int64(), pa.float64(), pa.bool_()]
    assert schema.types == wanted


@pytest.mark.parametrize(
    ("as_of", "events", "outcomes"),
    [("2025-02-03", 3, 2), ("2025-02-04", 3, 3), ("2025-02-10", 3, 3), ("2025-02-11", 4, 3)],
)
def test_midnight_of_the_as_of_date_is_not_visible(
    as_of: str, events: int, outcomes: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run(monkeypatch, tmp_path, as_of)
    counted = sheet(tmp_path)
    assert (counted["rows"], counted["outcomes"]) == (events, outcomes)
    assert counted["rows_after_as_of"] == 4 - events
    written = [len(rows(tmp_path, n)) for n in names(tmp_path) if n.startswith("events")]
    assert sum(written) == events


def test_start_is_the_first_visible_midnight(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run(monkeypatch, tmp_path, "2025-02-13", start="2025-02-01")
    counted = sheet(tmp_path)
    assert (counted["rows"], counted["rows_before_start"], counted["outcomes"]) == (2, 2, 2)
    assert counted["span"] == ["2025-02-01 00:00:00", "2025-02-10 00:00:00"]


def test_order_is_time_key_and_then_everything(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    at = "2025-01-03 10:00:00"
    lines = [
        f"2,{at},b,1,1,,,0",
        f"2,{at},b,1,1,0.5,,0",
        f"1,{at},z,1,1,,,1",
        f"1,{at},a,1,1,,,0",
        "3,2025-01-02,z,1,1,,,0",
    ]
    write_csv(tmp_path / "a.csv", *lines)
    ingest(monkeypatch, tmp_path, {"source": "csv", "path": "a.csv", "as_of": "2025-02-13"})
    result = rows(tmp_path, "events-2025-01.parquet")
    assert [(r["sale_id"], r["shop"]) for r in result] == [
        (3, "z"),
        (1, "a"),
        (1, "z"),
        (2, "b"),
        (2, "b"),
    ]
    assert [r["weight"] for r in result[3:]] == [0.5, None]
    first = digests(tmp_path)
    write_csv(tmp_path / "a.csv", *reversed(lines))
    ingest(monkeypatch, tmp_path, {"source": "csv", "path": "a.csv", "as_of": "2025-02-13"})
    assert digests(tmp_path) == first


def test_a_plain_table_has_all_rows_and_outcomes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plain = dataclasses.replace(SALES, time=None, label_delay=0)
    write_csv(tmp_path / "a.csv", *reversed(ROWS))
    ingest(monkeypatch, tmp_path, {"source": "csv", "path": "a.csv"}, plain)
    assert names(tmp_path) == ["events-all.parquet", "outcomes-all.parquet"]
    assert [r["sale_id"] for r in rows(tmp_path, "events-all.parquet")] == [1, 2, 3, 4]
    assert rows(tmp_path, "outcomes-all.parquet")[1] == {"sale_id": 2, "returned": 1}
    assert (sheet(tmp_path)["span"], sheet(tmp_path)["rows_after_as_of"]) == (None, 0)


@pytest.mark.capability("B4", "E4")
def test_the_datasheet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", *(f"{r},x" for r in ROWS), header=f"{HEADER},note")
    path = tmp_path / "a.csv"
    settings = {"source": "csv", "path": str(path), "as_of": "2025-02-11"}
    ingest(monkeypatch, tmp_path, settings)
    result = sheet(tmp_path)
    columns = result.pop("columns")
    assert result == {
        "usecase": "sales",
        "source": {
            "kind": "csv",
            "path": "a.csv",
            "files": 1,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        },
        "as_of": "2025-02-11",
        "start": None,
        "rows": 4,
        "outcomes": 3,
        "rows_after_as_of": 0,
        "rows_before_start": 0,
        "span": ["2025-01-03 10:00:00", "2025-02-10 00:00:00"],
        "ignored_columns": ["note"],
    }
    assert list(columns) == sorted(c.name for c in SALES.columns)
    assert columns["weight"] == {"type": "float", "unit": "kg", "nulls": 1, "min": 0.4, "max": 2}
    assert columns["shop"] == {"type": "string", "unit": "-", "nulls": 0, "distinct": 3}
    assert columns["returned"]["max"] == 1  # of the three that are known
    assert columns["promo"]["nulls"] == 1


def test_a_derived_column_that_cannot_be_computed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_csv(tmp_path / "a.csv", header=HEADER.replace("pieces", "piece"))
    message = r"a\.csv: column 'total_cents', derived in usecases/sales/contract\.py, .* \"pieces\" not found"
    with pytest.raises(SpecError, match=message):
        ingest(monkeypatch, tmp_path, {"source": "csv", "path": "a.csv", "as_of": "2025-02-11"})


def test_a_contract_may_use_any_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    names = {"shop": "bad", "weight": "place", "promo": "order"}
    columns = tuple(dataclasses.replace(c, name=names.get(c.name, c.name)) for c in SALES.columns)
    case = dataclasses.replace(SALES, columns=columns)
    header = "sale_id,sold_at,bad,price_cents,pieces,place,order,returned"
    settings = {"source": "csv", "path": "a.csv", "as_of": "2025-02-11"}
    write_csv(tmp_path / "a.csv", header=header)
    ingest(monkeypatch, tmp_path, settings, case)
    assert rows(tmp_path, "events-2025-01.parquet")[0]["bad"] == "north"
    write_csv(tmp_path / "a.csv", ROWS[0].replace("1.5", "heavy"), header=header)
    with pytest.raises(SourceError, match=r"'place': expected a number, found 'heavy' in line 2"):
        ingest(monkeypatch, tmp_path, settings, case)


def test_an_empty_input_derives_an_empty_value(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_csv(tmp_path / "a.csv", "1,2025-01-03,north,250,,,,0")
    ingest(monkeypatch, tmp_path, {"source": "csv", "path": "a.csv", "as_of": "2025-02-11"})
    assert rows(tmp_path, "events-2025-01.parquet")[0]["total_cents"] is None


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("int", "9007199254740993", 9_007_199_254_740_993),
        ("int", "1e3", None),
        ("int", "2.0", 2),
        ("int", "1.5", None),
        ("int", "many", None),
        ("float", "1e-3", 0.001),
        ("bool", "TRUE", True),
        ("timestamp", "2025-03-30T02:30:00", datetime(2025, 3, 30, 2, 30)),
        ("timestamp", "2025-01-01 00:00:00-05", datetime(2025, 1, 1, 5)),
        ("timestamp", "1/2/2025", None),
    ],
)
def test_texts_become_values(kind: Any, value: str, expected: object, tmp_path: Path) -> None:
    column = dataclasses.replace(SALES.column("shop"), type=kind)
    columns = (*SALES.columns[:2], column, *SALES.columns[3:])
    case = dataclasses.replace(SALES, columns=columns, derive={})
    source = dict.fromkeys([*HEADER.split(","), "total_cents"], "VARCHAR")
    cast = next(c for c in casts.casts(case, source) if c.column.name == "shop")
    with duckdb_session.connect(tmp_path) as connection:
        result = duckdb_session.rows(
            connection, f"SELECT {cast.value}, {cast.bad} FROM (SELECT '{value}' AS shop)"
        )
    assert result == [(expected, expected is None)]


SIZES = {"customers": 40, "terminals": 40}
FRAUD = {"source": "simulate", "start": "2025-01-01", "simulate": SIZES}


def simulated(patch: pytest.MonkeyPatch, folder: Path, as_of: str, **more: Any) -> Path:
    settings = {**FRAUD, "as_of": as_of}
    return ingest(patch, folder, {**settings, **more}, CARD_FRAUD)


@pytest.mark.capability("B6")
def test_a_later_as_of_leaves_old_months_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = digests(simulated(monkeypatch, tmp_path / "a", "2025-03-01"))
    later = digests(simulated(monkeypatch, tmp_path / "b", "2025-04-15"))
    assert {name: later[name] for name in first} == first
    assert set(later) - set(first) == {
        f"{table}-2025-{month}.parquet"
        for table in ("events", "outcomes")
        for month in ("03", "04")
    }


def test_a_later_as_of_leaves_old_months_of_a_file_alone(
    nycflights: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def months(as_of: str) -> dict[str, str]:
        settings = {"source": "csv", "path": str(nycflights), "as_of": as_of}
        return digests(ingest(monkeypatch, tmp_path / as_of, settings, FLIGHTS))

    first, later = months("2013-04-01"), months("2013-05-02")
    assert {name: later[name] for name in first} == first
    assert len(later) == len(first) + 4


def test_flights_are_read_whole(
    nycflights: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = {"source": "csv", "path": str(nycflights), "as_of": "2014-01-01"}
    ingest(monkeypatch, tmp_path, settings, FLIGHTS)
    result = sheet(tmp_path)
    assert result["rows"] + result["rows_after_as_of"] == 32_735
    assert result["columns"]["flight_id"]["distinct"] == result["rows"]
    assert result["ignored_columns"] == ["hour", "minute"]
    for month, flight, at in (
        ("06", "2013-06-30-VX-407-JFK", datetime(2013, 6, 30, 9, 40)),
        ("05", "2013-05-07-DL-329-JFK", datetime(2013, 5, 7, 16, 57)),
    ):
        events = rows(tmp_path, f"events-2013-{month}.parquet")
        assert [r["departed_at"] for r in events if r["flight_id"] == flight] == [at]
    midnights = [r for n in names(tmp_path) if n.startswith("events") for r in rows(tmp_path, n)]
    assert any(r["departed_at"].time() == datetime.min.time() for r in midnights)


def test_threads_do_not_change_a_byte(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    connect, result = duckdb_session.connect, []
    for threads in (1, 2):
        monkeypatch.setattr(duckdb_session, "connect", partial(connect, threads=threads))
        sizes = {"customers": 4_000, "terminals": 400}
        folder = simulated(monkeypatch, tmp_path / f"{threads}", "2025-02-01", simulate=sizes)
        result.append(digests(folder))
    assert result[0] == result[1]
    whole = pq.read_metadata(tmp_path / "1" / "raw" / "events-2025-01.parquet")
    assert whole.num_row_groups > 1


def test_the_simulators_mistakes_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(
        ParamsError, match=r"simulate\.custmers: unknown key; did you mean 'customers'"
    ):
        simulated(monkeypatch, tmp_path, "2025-03-01", simulate={"custmers": 3})


def test_a_simulators_failing_import_is_not_hidden(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "shops" / "sales").mkdir(parents=True)
    (tmp_path / "shops" / "sales" / "simulator.py").write_text("import no_such_library_at_all")
    monkeypatch.syspath_prepend(tmp_path)
    prepare(monkeypatch, tmp_path, {**FRAUD, "as_of": "2025-02-01"})
    with pytest.raises(ModuleNotFoundError, match="no_such_library_at_all"):
        data.main("sales", Path("shops/sales"), Path("raw"), Path("served"), Path("data.json"))


def test_the_settings_hash_follows_the_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def digest(**sizes: int) -> str:
        simulated(monkeypatch, tmp_path, "2025-01-10", simulate={**SIZES, **sizes})
        result: str = sheet(tmp_path)["source"]["sha256"]
        return result

    assert digest() == digest()
    assert digest() != digest(radius_m=4_000)


def test_the_command_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a process of its own, in another time zone: done, then refused without a traceback."""
    days = simulate(SIZES, date(2025, 1, 1), date(2025, 1, 12), 7)
    write = partial(pyarrow.csv.write_csv, pa.concat_tables(days))
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        write(tmp_path / place / "a.csv")
    settings = {"source": "csv", "path": "a.csv", "as_of": "2025-01-12"}
    expected = digests(ingest(monkeypatch, tmp_path / "here", settings, CARD_FRAUD))
    there = tmp_path / "there"
    prepare(monkeypatch, there, settings, CARD_FRAUD)
    words = ["card_fraud", ".", "raw", "served", "data.json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TZ": "Asia/Tokyo"}

    def call() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "stages.data", *words]
        return subprocess.run(command, cwd=there, env=environment, capture_output=True, text=True)

    done = call()
    assert done.returncode == 0, done.stderr
    assert digests(there) == expected
    (there / "a.csv").unlink()
    refused = call()
    assert refused.returncode == 2
    assert "a.csv: no such file" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert digests(there) == expected


@pytest.mark.parametrize("amount", ["500MB", "1.5 GB", "2gib", " 4GB "])
def test_an_amount_of_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, amount: str) -> None:
    monkeypatch.setenv(machine.VARIABLES["memory"], amount)
    with duckdb_session.connect(tmp_path) as connection:
        assert duckdb_session.rows(connection, "select 1") == [(1,)]


@pytest.mark.parametrize("amount", ["", "lots", "-1GB", "0GB", "2", "80%", "2GB; drop"])
def test_what_is_no_amount_of_memory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, amount: str
) -> None:
    monkeypatch.setenv(machine.VARIABLES["memory"], amount)
    with (
        pytest.raises(PlumblineError, match=r"PLUMBLINE_MEMORY: got .* like 500MB or 4GB"),
        duckdb_session.connect(tmp_path),
    ):
        pass
