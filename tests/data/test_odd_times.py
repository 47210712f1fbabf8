"""Times that could mean another instant, in one column, over files, and in derived columns: refused, with the place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.core.duckdb_session import SESSION
from tests.reading import contract, read

BERLIN = """CAST("at" AS TIMESTAMP) AT TIME ZONE 'Europe/Berlin'"""
LORD_HOWE = """timezone('Australia/Lord_Howe', CAST("at" AS TIMESTAMP))"""
HALF_YEARS = "CAST(\"at\" AS TIMESTAMP) AT TIME ZONE CASE WHEN shop = 'US' THEN 'America/New_York' ELSE 'Europe/Berlin' END"
SKIPPED = "the clock there skips this hour or has it twice"
STORED: list[tuple[str, str, datetime]] = [
    (BERLIN, "2024-03-31 01:59:59", datetime(2024, 3, 31, 0, 59, 59)),
    (BERLIN, "2024-03-31 03:00:00", datetime(2024, 3, 31, 1)),
    (BERLIN, "2024-10-27 01:59:59", datetime(2024, 10, 26, 23, 59, 59)),
    (BERLIN, "2024-10-27 03:00:00", datetime(2024, 10, 27, 2)),
    (LORD_HOWE, "2024-10-06 02:30:00", datetime(2024, 10, 5, 15, 30)),
    ('"at"::TIMESTAMPTZ', "2024-03-31 02:30:00+01:00", datetime(2024, 3, 31, 1, 30)),
    (
        "CAST(\"at\" AS TIMESTAMPTZ) AT TIME ZONE 'Europe/Berlin'",
        "2024-10-27 00:30:00Z",
        datetime(2024, 10, 27, 2, 30),
    ),
    ("strptime(\"at\", '%Y-%m-%d %H:%M %Z')", "2024-01-05 10:00 UTC", datetime(2024, 1, 5, 10)),
    ("strptime(\"at\", '%d.%m.%Y %H:%M %z')", "5.1.2024 10:00 +0200", datetime(2024, 1, 5, 8)),
    ("strptime(\"at\", '%d.%m.%y')", "5.1.24", datetime(2024, 1, 5)),
    ("strptime(\"at\", ['%m/%d/%Y', '%Y'])", "01/05/2024", datetime(2024, 1, 5)),
    ('to_timestamp("at"::BIGINT)', "1704448800", datetime(2024, 1, 5, 10)),
    ('epoch_ms("at"::BIGINT)', "1704448800000", datetime(2024, 1, 5, 10)),
    ("DATE '1899-12-30' + \"at\"::INT", "45296", datetime(2024, 1, 5)),
    (
        "CASE WHEN \"at\" LIKE '%Z' THEN \"at\"::TIMESTAMPTZ ELSE TIMESTAMPTZ '2024-01-01' END",
        "x",
        datetime(2024, 1, 1),
    ),
]
REFUSED: list[tuple[str, str, str]] = [
    (BERLIN, "2024-03-31 02:00:00", SKIPPED),
    (BERLIN, "2024-03-31 02:59:59.999999", SKIPPED),
    (BERLIN, "2024-10-27 02:00:00", SKIPPED),
    (BERLIN, "2024-10-27 02:59:59", SKIPPED),
    (BERLIN, "2024-10-27 02:30:00+01:00", "an offset that a cast would drop"),
    (LORD_HOWE, "2024-10-06 02:15:00", SKIPPED),
    (LORD_HOWE, "2024-04-07 01:45:00", SKIPPED),
    (
        "strptime(\"at\", '%d.%m.%Y %H:%M') AT TIME ZONE 'America/New_York'",
        "3.11.2024 01:30",
        SKIPPED,
    ),
    (
        "make_timestamptz(2024, 3, 31, length(\"at\"), 30, 0, 'Europe/Berlin')",
        "02",
        "guess a year or a zone",
    ),
    ("strptime(\"at\", '%Y-%m-%d %H:%M %Z')", "2024-01-05 10:00 IST", "a zone"),
    ("strptime(\"at\", '%Y-%m-%d %H:%M %Z')", "2024-03-31 02:30 Europe/Berlin", "a zone"),
    ("date_trunc('hour', " + BERLIN + ")", "2024-10-27 02:30:00", SKIPPED),
    ('"at"::TIMESTAMPTZ', "2024-01-05 10:00 BST", "guess a year or a zone"),
    ('"at"::TIMESTAMP', "2024-01-05 10:00:00+02:00", "drop an offset"),
    ('"at"::TIMESTAMP', "24-01-05", "guess a year"),
    ('"at"::DATE', "31/12/24", "guess a year"),
    ('TRY_CAST("at" AS TIMESTAMP)', "2024-01-05 10:00:00 PM", "guess"),
    ('to_timestamp("at"::BIGINT)', "1704448800.5", "or round"),
    ('to_timestamp("at"::BIGINT)', "1704448800000", "milliseconds taken for seconds"),
    ('epoch_ms("at"::BIGINT)', "1704448800", "seconds for milliseconds"),
    ('to_timestamp("at"::BIGINT)', "0", "of January 1970"),
    ('make_timestamp("at"::BIGINT)', "1704448800000", "of January 1970"),
    ("strptime(\"at\", '%d.%m.%Y')", "29.2.2023", "; correct the values"),
    ('"at"', "05.01.2024", "; correct the values"),
]
NAIVE, ZONED = "2024-01-05 10:00:00", "2024-01-05 10:00:00+02:00"


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened.execute(SESSION)


def derived(
    connection: duckdb.DuckDBPyConnection, expression: str, text: str, folder: Path
) -> list[tuple[object, ...]] | str:
    (folder / "t.csv").write_text(f"id,at,y,shop\n\n1,{text},1,DE\n", encoding="utf-8")
    case = contract({"when": "timestamp"}, time="when", derive={"when": expression})
    return read(connection, case, {"source": "csv", "path": str(folder / "t.csv")}, folder)


@pytest.mark.parametrize(("expression", "text", "expected"), STORED)
def test_a_derived_time(
    expression: str,
    text: str,
    expected: datetime,
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
) -> None:
    assert derived(connection, expression, text, tmp_path) == [(expected,)]


@pytest.mark.parametrize(("expression", "text", "expected"), REFUSED)
def test_a_derived_time_that_is_guessed(
    expression: str, text: str, expected: str, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    message = derived(connection, expression, text, tmp_path)
    where = rf"'when' \(derived from at\): expected a time .* found '{re.escape(text)}' in line 3"
    assert re.search(where + f".*{expected}", str(message)), message


def test_a_zone_that_is_none(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    expression = BERLIN.replace("Europe/Berlin", "Europe/Berln")
    message = derived(connection, expression, "2024-01-05", tmp_path)
    assert re.search(
        r"t\.csv: Unknown TimeZone 'Europe/Berln' in an expression of derive", str(message)
    )


def test_finer_than_a_microsecond(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Refused, and read with each of the two remedies."""
    nanoseconds = pa.array([1], pa.timestamp("ns"))
    texts = pa.array(["2024-01-05 10:00:00.123456789"])
    for values, remedy in (
        (nanoseconds, "date_trunc('microsecond', \"at\")"),
        (texts, 'left("at", 26)'),
    ):
        pq.write_table(pa.table({"id": [1], "at": values, "y": [1.0]}), tmp_path / "t.parquet")
        settings = {"source": "parquet", "path": str(tmp_path / "t.parquet")}
        message = read(connection, contract({"at": "timestamp"}), settings, tmp_path)
        assert re.search(
            r"in row 1; .*Finer than a microsecond: derive the column with date_trunc", str(message)
        )
        case = contract({"t": "timestamp"}, derive={"t": remedy})
        assert len(read(connection, case, settings, tmp_path)) == 1


def test_a_zone_from_a_column(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    assert derived(connection, HALF_YEARS, "2024-03-10 02:30:00", tmp_path) == [
        (datetime(2024, 3, 10, 1, 30),)
    ]
    message = derived(connection, HALF_YEARS, "2024-03-31 02:30:00", tmp_path)
    assert re.search(
        "found 'at=2024-03-31 02:30:00, shop=DE' in line 3.*skips this hour", str(message)
    )


@pytest.mark.parametrize("first", [NAIVE, "2024-01-05"])
def test_some_times_with_an_offset(
    first: str, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text(
        f"id,at,y\n1,{first},1\n2,,1\n3,{ZONED},1\n4,2024-01-05T10:00Z,1\n"
    )
    message = read(
        connection,
        contract({"at": "timestamp"}),
        {"source": "csv", "path": str(tmp_path / "t.csv")},
        tmp_path,
    )
    assert re.search(
        rf"t\.csv: column 'at': expected all times with an offset .* found '{first}' in line 2 without an offset and "
        r"'2024-01-05 10:00:00\+02:00' in line 4 with an offset\. Write the offset",
        str(message),
    ), message


@pytest.mark.parametrize("zoned", [pa.array([ZONED]), pa.array([datetime(2024, 1, 5, tzinfo=UTC)])])
@pytest.mark.parametrize(
    "naive", [pa.array([NAIVE]), pa.array([datetime(2024, 1, 5)]), pa.array([None], pa.string())]
)
def test_files_with_and_without_an_offset(
    naive: pa.Array, zoned: pa.Array, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    for name, times in (("a", naive), ("b", zoned)):
        pq.write_table(pa.table({"id": [1], "at": times, "y": [1.0]}), tmp_path / f"{name}.parquet")
    settings = {"source": "parquet", "path": str(tmp_path)}
    message = read(connection, contract({"at": "timestamp"}), settings, tmp_path / "scratch")
    if naive.null_count:
        assert len(message) == 2
    else:
        assert re.search(
            r"b\.parquet: .* found .* in row 1 with an offset and times of the other kind in .*a\.parquet",
            str(message),
        )
