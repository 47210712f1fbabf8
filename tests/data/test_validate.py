"""What the stage leaves: valid months, quarantine with reasons, profile, Data Docs, metrics."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import duckdb
import pytest

from plumbline.core.errors import ContractError
from plumbline.validate import contract, expectations, months
from tests.orders import LIST, MINUTES, ORDERS, Run, done, good, run, start, write_raw

__all__ = ["done", "run"]


def read(path: Path, columns: str = "*", order: str = "ALL") -> list[tuple]:
    """Rows of Parquet files."""
    return duckdb.sql(f"SELECT {columns} FROM read_parquet('{path}') ORDER BY {order}").fetchall()


def metrics(run: Run) -> dict:
    return json.loads((run.path / "metrics.json").read_text())


def bad(**replaced: str) -> str:
    """Sixty good orders with CASE expressions over some of the rows."""
    return good(60, **replaced)


def test_with_nothing_wrong_every_month_is_copied_byte_for_byte(run: Run) -> None:
    write_raw(run.raw, good())
    run.go()
    raw = {p.name: p.read_bytes() for p in run.raw.iterdir()}
    assert {p.name: p.read_bytes() for p in (run.path / "valid").iterdir()} == raw
    assert len(raw) == 3
    assert metrics(run)["rows"]["events"] == {"in": 60, "out": 60, "set_aside": 0}
    assert metrics(run)["checks"]["failed"] == 0
    for table in ("events", "outcomes"):
        assert read(run.path / "quarantine" / f"{table}.parquet") == []


@pytest.mark.mltest("Monitor 2")
def test_values_on_their_bounds_pass_and_one_beyond_does_not(run: Run) -> None:
    amount = (
        "CASE i WHEN 20 THEN 0 WHEN 21 THEN 100000 WHEN 22 THEN -1 WHEN 23 THEN 100001 ELSE 5 END"
    )
    write_raw(run.raw, bad(amount_cents=amount))
    run.go(max_quarantine=0.1)
    result = read(run.path / "quarantine" / "events.parquet", "key, reason, value")
    assert result == [("1022", "range", "-1"), ("1023", "range", "100001")]


def test_times_from_start_until_the_last_moment_before_as_of_pass(run: Run) -> None:
    time = (
        "CASE i WHEN 0 THEN TIMESTAMP '2025-01-31 23:59:59.999999' WHEN 1 THEN '2025-02-01' "
        "WHEN 58 THEN '2025-03-03 23:59:59.999999' WHEN 59 THEN '2025-03-04' "
        "ELSE TIMESTAMP '2025-02-27' + to_minutes(60 * i::BIGINT) END"
    )
    write_raw(run.raw, bad(ordered_at=time))
    run.go(max_quarantine=0.1, severity={"rows": "warn"})
    result = read(run.path / "quarantine" / "events.parquet", "key, reason")
    assert result == [("1000", "past"), ("1059", "future")]


@pytest.mark.capability("C1", "C3")
@pytest.mark.mltest("Monitor 2")
def test_each_bad_row_is_kept_whole_with_its_reason(run: Run) -> None:
    channel = "CASE WHEN i = 30 THEN 'fax' ELSE 'web' END"
    buyer = "CASE WHEN i IN (30, 40) THEN NULL ELSE 3 END"
    write_raw(run.raw, bad(channel=channel, buyer=buyer))
    run.go(max_quarantine=0.1)
    path = run.path / "quarantine" / "events.parquet"
    assert read(path, 'file, key, "column", reason, value, expected', "key, reason") == [
        ("events-2025-03.parquet", "1030", "buyer", "null", None, "no nulls"),
        ("events-2025-03.parquet", "1030", "channel", "set", "fax", "one of web, shop, phone"),
        ("events-2025-03.parquet", "1040", "buyer", "null", None, "no nulls"),
    ]
    rows = read(path, "DISTINCT row.order_id, row.amount_cents, row.channel")
    assert rows == [(1030, 200 + (30 * 37) % 700, "fax"), (1040, 200 + (40 * 37) % 700, "web")]
    assert metrics(run)["quarantined"]["events"] == {"buyer.null": 2, "channel.set": 1}
    assert metrics(run)["rows"]["events"] == {"in": 60, "out": 58, "set_aside": 2}


def test_a_month_without_bad_rows_keeps_its_bytes_and_the_other_loses_only_them(run: Run) -> None:
    write_raw(run.raw, bad(buyer="CASE WHEN i = 30 THEN NULL ELSE 3 END"))
    run.go(max_quarantine=0.1)
    february = "events-2025-02.parquet"
    assert (run.path / "valid" / february).read_bytes() == (run.raw / february).read_bytes()
    left = read(run.path / "valid" / "events-2025-03.parquet", order="ordered_at")
    raw = read(run.raw / "events-2025-03.parquet", order="ordered_at")
    assert left == [row for row in raw if row[0] != 1030]


def test_outcomes_of_events_set_aside_go_with_them(run: Run) -> None:
    write_raw(run.raw, bad(buyer="CASE WHEN i = 5 THEN NULL ELSE 3 END"))
    run.go(max_quarantine=0.02)
    result = read(run.path / "quarantine" / "outcomes.parquet", "key, reason, row.returned")
    assert result == [("1005", "event", 0)]
    assert 1005 not in {r[0] for r in read(run.path / "valid" / "outcomes-*.parquet")}
    assert metrics(run)["rows"]["outcomes"]["set_aside"] == 1


def test_outcomes_are_held_to_their_own_contract(run: Run) -> None:
    returned = "CASE i WHEN 2 THEN 2 WHEN 3 THEN NULL ELSE 0 END"
    write_raw(run.raw, bad(returned=returned))
    run.go(max_quarantine=0.1)
    result = read(run.path / "quarantine" / "outcomes.parquet", "key, reason, value")
    assert result == [("1002", "range", "2"), ("1003", "null", None)]
    assert metrics(run)["rows"]["events"]["set_aside"] == 0


@pytest.mark.capability("B10")
def test_of_duplicates_the_first_stays_in_both_tables(run: Run) -> None:
    # order 1011 is placed in February, again in March, and again
    write_raw(run.raw, bad(order_id="CASE WHEN i IN (30, 50) THEN 1011 ELSE 1000 + i END"))
    run.go(max_quarantine=0.1)
    result = read(
        run.path / "quarantine" / "events.parquet", "key, reason, row.ordered_at::VARCHAR"
    )
    assert result == [
        ("1011", "unique", "2025-03-01 12:00:00"),
        ("1011", "unique", "2025-03-03 04:00:00"),
    ]
    kept = [r for r in read(run.path / "valid" / "outcomes-*.parquet") if r[0] == 1011]
    assert [str(r[1]) for r in kept] == ["2025-02-27 22:00:00"]
    events = [r[0] for r in read(run.path / "valid" / "events-*.parquet")]
    assert events.count(1011) == 1
    assert len(events) == 58


def test_an_outcome_without_its_event_is_set_aside(run: Run) -> None:
    write_raw(run.raw, good())
    rows = f"SELECT * FROM read_parquet('{run.raw}/events-2025-03.parquet') WHERE order_id <> 1024"
    _rewrite(run.raw / "events-2025-03.parquet", rows)
    run.go(max_quarantine=0.1)
    result = read(run.path / "quarantine" / "outcomes.parquet", 'key, reason, "column"')
    assert result == [("1024", "orphan", "order_id")]


def test_an_outcome_of_another_time_than_its_event_is_set_aside(run: Run) -> None:
    write_raw(run.raw, good())
    path = run.raw / "outcomes-2025-03.parquet"
    moved = "CASE WHEN order_id = 1012 THEN {0} + INTERVAL 1 MINUTE ELSE {0} END AS {0}"
    times = ", ".join(moved.format(name) for name in ("ordered_at", "known_at"))
    _rewrite(path, f"SELECT * REPLACE ({times}) FROM read_parquet('{path}')")
    run.go(max_quarantine=0.1)
    result = read(run.path / "quarantine" / "outcomes.parquet", "key, reason")
    assert result == [("1012", "orphan")]


def test_an_outcome_known_too_early_is_set_aside(run: Run) -> None:
    write_raw(run.raw, good())
    path = run.raw / "outcomes-2025-03.parquet"
    early = "CASE WHEN order_id = 1012 THEN known_at - INTERVAL 1 MINUTE ELSE known_at END"
    rows = f"SELECT * REPLACE ({early} AS known_at) FROM read_parquet('{path}')"
    _rewrite(path, rows)
    run.go(max_quarantine=0.1)
    result = read(run.path / "quarantine" / "outcomes.parquet", "key, reason, expected")
    assert result == [("1012", "delay", "ordered_at and 2 days")]


def test_severity_by_kind_and_by_column(run: Run) -> None:
    write_raw(run.raw, bad(buyer="CASE WHEN i = 30 THEN NULL ELSE 3 END", amount_cents="-i"))
    run.go(severity={"range": "warn", "null": "block", "buyer.null": "warn"})
    raw = {p.name: p.read_bytes() for p in run.raw.iterdir()}
    assert {p.name: p.read_bytes() for p in (run.path / "valid").iterdir()} == raw
    assert metrics(run)["checks"]["failed_by_severity"] == {"block": 0, "quarantine": 0, "warn": 2}
    assert len(metrics(run)["warnings"]) == 2
    with pytest.raises(ContractError, match=r"buyer.*'null'.*severity: {buyer.null: quarantine}"):
        run.go(severity={"range": "warn", "null": "block"})


@pytest.mark.capability("C1")
def test_more_than_the_allowed_share_blocks_and_exactly_that_does_not(run: Run) -> None:
    write_raw(run.raw, bad(buyer="CASE WHEN i >= 57 THEN NULL ELSE 3 END"))
    run.go(max_quarantine=0.05)
    with pytest.raises(ContractError, match=r"3 of 60 rows of the events \(5 %\).*at most 4 %"):
        run.go(max_quarantine=0.04)
    write_raw(run.raw, bad(buyer="NULL"))
    with pytest.raises(ContractError, match="60 of 60 rows"):
        run.go(max_quarantine=1.0)


def test_the_same_data_in_another_folder_give_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = []
    for name, zone in (("here", "UTC"), ("there/deeper", "Asia/Kathmandu")):
        monkeypatch.setenv("TZ", zone)
        built = start(tmp_path / name, monkeypatch, ORDERS)
        write_raw(
            built.raw, bad(channel="CASE WHEN i % 9 = 0 THEN 'fax' ELSE 'web' END", weight="-0.5")
        )
        built.go(max_quarantine=0.5, severity={"weight.range": "warn"})
        result.append(built.bytes())
    assert result[0] == result[1]
    assert len(result[0]) == 11


def test_months_in_memory_one_by_one_or_together_give_the_same_bytes(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_raw(run.raw, bad(channel="CASE WHEN i % 9 = 0 THEN 'fax' ELSE 'web' END"))
    run.go(max_quarantine=0.5)
    together = run.bytes()
    monkeypatch.setattr(months, "BATCH_ROWS", 1)
    run.go(max_quarantine=0.5)
    assert run.bytes() == together


def test_data_docs_open_offline_and_hold_no_run(run: Run) -> None:
    write_raw(run.raw, bad(channel="CASE WHEN i = 9 THEN 'fax' ELSE 'web' END"))
    run.go(max_quarantine=0.1)
    docs = run.path / "docs"
    pages = {p.name: p.read_text() for p in docs.iterdir()}
    assert sorted(pages) == ["events.html", "index.html", "outcomes.html", "statistics.html"]
    for text in pages.values():
        assert not re.search(
            r"https?://|<script|<link(?! rel=.icon. href=.data:,.>)|<img|[0-9a-f]{8}-[0-9a-f]{4}-",
            text,
        )
        assert str(run.path) not in text
        linked = set(re.findall(r'href="([^"#]+)"', text)) - {"data:,"}
        assert linked <= set(pages)
    assert "fax" in pages["events.html"]
    assert "100000" in pages["events.html"]


def test_what_is_no_profile_is_refused(run: Run) -> None:
    run.accepted.write_text('{"amount": 1}')
    with pytest.raises(ContractError, match=r"accepted\.json: not a profile.*accept"):
        run.go()


def test_without_an_accepted_profile_it_says_so(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    write_raw(run.raw, good())
    with caplog.at_level(logging.WARNING, "plumbline"):
        run.go()
    assert "no accepted profile to compare with" in caplog.text
    assert "plumbline accept orders" in caplog.text


def test_a_first_run_names_days_without_a_row(run: Run) -> None:
    """Every fifth day is missing; an accepted profile says that this is known."""
    gaps = "TIMESTAMP '2025-02-03' + to_minutes(120 * (i + 12 * (i // 48))::BIGINT)"
    write_raw(run.raw, good(240, ordered_at=gaps))
    run.go()
    warnings = json.loads((run.path / "metrics.json").read_text())["warnings"]
    assert any("no row on 4 of 24 days from 2025-02-03" in w for w in warnings)
    run.accepted.write_bytes((run.path / "profile.json").read_bytes())
    run.go()
    assert not any(
        "no row on" in w for w in json.loads((run.path / "metrics.json").read_text())["warnings"]
    )


def accept(run: Run, done: Path) -> None:
    """What `plumbline accept` does, with the profile of a run over good orders."""
    run.accepted.write_bytes((done / "profile.json").read_bytes())


def test_data_that_match_the_accepted_profile_warn_of_nothing(run: Run, done: Path) -> None:
    accept(run, done)
    assert len(run.accepted.read_bytes()) < 20_000
    write_raw(run.raw, good(600, ordered_at=MINUTES))
    run.go()
    assert metrics(run)["warnings"] == []
    assert metrics(run)["observed"]["amount_cents.mean"] == 0


SHIFTS = {
    "amount_cents.mean": {"amount_cents": "500 + (i * 37) % 700"},
    "channel.shares": {"channel": "CASE WHEN i % 10 = 0 THEN 'shop' ELSE 'web' END"},
    "weight.nulls": {"weight": "CASE WHEN i % 4 = 0 THEN NULL ELSE 1 + (i % 8) / 4 END"},
    "returned.mean": {"returned": "(i % 2)::BIGINT"},
    "rows of a day.rows": {"ordered_at": f"CASE WHEN i < 480 THEN {MINUTES} ELSE '2025-03-01' END"},
    "buyer.constant": {"buyer": "CASE WHEN i >= 480 THEN 4 ELSE i % 20 END"},
}


@pytest.mark.capability("G8")
@pytest.mark.parametrize("name", SHIFTS)
def test_a_shift_against_the_accepted_profile_warns_or_blocks(
    run: Run, done: Path, name: str
) -> None:
    accept(run, done)
    write_raw(run.raw, good(600, **{"ordered_at": MINUTES, **SHIFTS[name]}))
    quiet = {"unique": "warn", "unit": "warn", "order": "block"}
    run.go(severity=quiet)
    column, _, kind = name.rpartition(".")
    report = [w for w in metrics(run)["warnings"] if f"'{column}'" in w and f"'{kind}'" in w]
    assert len(report) == 1
    assert metrics(run)["checks"]["failed_by_severity"]["warn"] >= 1
    with pytest.raises(ContractError, match=r"accept orders"):
        run.go(severity={**quiet, kind: "block"})


@pytest.mark.capability("B10")
def test_a_unit_error_over_the_whole_window_is_told_by_its_factor(run: Run, done: Path) -> None:
    accept(run, done)
    write_raw(run.raw, good(600, ordered_at=MINUTES, weight="(0.5 + (i % 8) / 4) * 1000"))
    with pytest.raises(ContractError, match=r"looks like weight x1000: median 1250, usually 1\.25"):
        run.go()
    run.go(severity={"weight.unit": "warn"})


def test_a_plain_table_needs_no_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = start(tmp_path, monkeypatch, LIST)
    rows = bad(channel="CASE WHEN i = 9 THEN 'fax' ELSE 'web' END")
    write_raw(built.raw, f"SELECT * EXCLUDE ordered_at FROM ({rows})", LIST)
    built.go(max_quarantine=0.02)
    assert metrics(built)["rows"] == {
        "events": {"in": 60, "out": 59, "set_aside": 1},
        "outcomes": {"in": 60, "out": 59, "set_aside": 1},
    }
    profile = json.loads((tmp_path / "profile.json").read_text())
    assert profile["window"] is None
    (tmp_path / "profile.json").rename(built.accepted)
    built.go(max_quarantine=0.02)
    assert metrics(built)["warnings"][0].startswith("events-all.parquet: column 'channel'")


def _rewrite(path: Path, rows: str) -> None:
    with duckdb.connect() as database:
        database.execute(f"CREATE TABLE kept AS {rows}")
        database.execute(f"COPY kept TO '{path}' (FORMAT parquet, COMPRESSION zstd)")


def test_an_expectation_has_one_configuration_while_a_suite_runs() -> None:
    (first, *_) = contract.checks(ORDERS)
    expectations.Checker()
    made = expectations.expectation(first)

    def suite() -> None:
        with expectations._configurations_kept():
            assert made.configuration is made.configuration
            raise ValueError("stopped")

    with pytest.raises(ValueError, match="stopped"):
        suite()
    assert made.configuration is not made.configuration
    assert made.configuration == made.configuration
