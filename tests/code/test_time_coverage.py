"""What a first run says of a table's days: missing ones, repeated and missing times of a regular series."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from plumbline.core import duckdb_session
from plumbline.validate.time_coverage import TimeCoverage, coverage, sentences

START = datetime(2011, 1, 3)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb_session.connect(tmp_path) as opened:
        yield opened


def seen(connection: duckdb.DuckDBPyConnection, times: Iterable[datetime]) -> TimeCoverage:
    connection.execute('CREATE OR REPLACE TABLE t ("at" TIMESTAMP)')
    connection.executemany("INSERT INTO t VALUES (?)", [(t,) for t in times])
    result = coverage(connection, "SELECT * FROM t", "at")
    assert result is not None
    return result


def days(count: int, without: Iterable[int] = ()) -> list[datetime]:
    gone = set(without)
    return [START + timedelta(days=i) for i in range(count) if i not in gone]


def test_days_that_are_absent(connection: duckdb.DuckDBPyConnection) -> None:
    found = seen(connection, days(731, range(100, 149)))
    (line,) = sentences(found, "at")
    assert line.startswith("no row on 49 of 731 days from 2011-01-03 to 2013-01-02: 2011-04-13, ")
    assert "and 44 more" in line


def test_a_whole_series_says_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    assert sentences(seen(connection, days(90)), "at") == []


def test_weekends_that_never_have_a_row_are_not_missing(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    business = [d for d in days(200) if d.weekday() < 5]
    assert seen(connection, business).missing_days == ()
    assert len(seen(connection, business[:50] + business[51:]).missing_days) == 1


def test_weeks_and_months_are_no_gaps(connection: duckdb.DuckDBPyConnection) -> None:
    assert sentences(seen(connection, days(700)[::7]), "at") == []
    months = [datetime(2000 + i // 12, i % 12 + 1, 1) for i in range(60)]
    assert sentences(seen(connection, months), "at") == []


def test_repeated_and_missing_times_of_a_series(connection: duckdb.DuckDBPyConnection) -> None:
    hours = [START + timedelta(hours=i) for i in range(240)]
    found = seen(connection, [*hours[:50], *hours[53:], hours[7], hours[8]])
    assert (found.repeated, found.missing_steps, found.missing_days) == (2, 3, ())
    assert [line.split()[0] for line in sentences(found, "at")] == ["2", "3"]


def test_a_night_without_rows_is_usual_and_a_hole_in_a_day_is_not(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    opened = [START + timedelta(hours=h) for h in range(24 * 30) if 8 <= h % 24 < 16]
    assert sentences(seen(connection, opened), "at") == []
    holed = [t for t in opened if t not in (opened[10], opened[11], opened[45])]
    assert seen(connection, holed).missing_steps == 3


def test_events_at_any_time_are_no_series(connection: duckdb.DuckDBPyConnection) -> None:
    events = [START + timedelta(minutes=i * i % 50_000) for i in range(400)]
    found = seen(connection, [*events, *events[:9]])
    assert (found.step, found.repeated) == (None, 0)


def test_several_rows_per_time_are_no_series(connection: duckdb.DuckDBPyConnection) -> None:
    assert seen(connection, days(60) * 3).repeated == 0
