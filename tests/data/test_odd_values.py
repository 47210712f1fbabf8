"""Values of every kind of source: one rule, stored as the source has them, or refused with the place."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.core.declarations import ColumnType
from plumbline.core.duckdb_session import SESSION
from plumbline.core.errors import SourceError
from plumbline.data import sql_values
from tests.reading import contract, read

NOON = datetime(2024, 1, 5, 12)
BIG = 2**53
NONE = "nothing"
WORDS: list[tuple[ColumnType, str, Any]] = [
    *[
        ("timestamp", t, NOON)
        for t in ("2024-01-05 12:00", "2024-01-05T12:00:00", "2024-01-05t12:00:00.000000000")
    ],
    *[
        ("timestamp", t, NOON)
        for t in ("2024-01-05T12:00:00Z", "2024-01-05t12:00:00z", "2024-01-05 12:00:00 UTC")
    ],
    *[
        ("timestamp", t, NOON)
        for t in ("2024-01-05 14:00:00+02", "2024-01-05 14:00 +0200", "2024-01-05 02:00-10:00")
    ],
    *[
        ("timestamp", t, NOON)
        for t in ("  2024-01-05 12:00:00 ", "2024/1/5 12:00:00", "2024-01-05 12:00:00 GMT")
    ],
    *[("timestamp", t, datetime(2024, 1, 6)) for t in ("2024-01-06", "2024-01-05 24:00:00")],
    ("timestamp", "2024-01-05 12:00:00.123456", NOON.replace(microsecond=123456)),
    ("timestamp", "2024-02-29", datetime(2024, 2, 29)),
    ("timestamp", "", None),
    *[
        ("timestamp", t, NONE)
        for t in ("2024-01-05 12:00 EST", "2024-01-05 12:00 BST", "2024-01-05 12:00:00 IST")
    ],
    *[
        ("timestamp", t, NONE)
        for t in (
            "2024-01-05 12:00 CET",
            "2024-01-05 12:00 Europe/Berlin",
            "2024-01-05 12:00 GMT+1",
        )
    ],
    *[
        ("timestamp", t, NONE)
        for t in ("2024-01-05 12:00:00+2", "2024-01-05 12:00:00+25:00", "2024-01-05+02:00")
    ],
    *[
        ("timestamp", t, NONE)
        for t in ("24-01-05", "05.01.2024", "01/05/2024", "5 Jan 2024", "Jan 5 2024 12:00 PM")
    ],
    *[
        ("timestamp", t, NONE)
        for t in ("2023-02-29", "2024-01-05 12:00:60", "2024-01-05 24:00:01", "2024-13-01")
    ],
    *[
        ("timestamp", t, NONE)
        for t in (
            "2024-01-05 12:00:00.123456789",
            "2024-01-05 12:00:00 PM",
            '"2024-01-05 12:00:00,5"',
        )
    ],
    *[
        ("timestamp", t, NONE)
        for t in ("2024-W01-5", "2024-005", "20240105", "1704448800", "1704448800000", "45296.5")
    ],
    *[
        ("timestamp", t, NONE)
        for t in ("0000-01-01", "0001-01-01", "-2024-01-05", "12024-01-05", "2024-01-05 (BC)")
    ],
    *[
        ("timestamp", t, NONE)
        for t in ("infinity", "-infinity", "epoch", "now", "today", "nan", "0", "00:00:00")
    ],
    *[
        ("timestamp", t, NONE)
        for t in ("2024-01-05\u00a012:00:00", "２０２４-01-05", "2024-01-05 12", "2024–01–05")
    ],
    *[("int", t, 7) for t in ("7", "+7", " 7 ", "7.0", "7.00", "7.0000")],
    *[
        ("int", t, NONE)
        for t in (
            "007",
            "7.000",
            "1_000",
            "0x1F",
            "0b11",
            "1e3",
            '"1,000"',
            "1 000",
            "1'000",
            "1\u202f000",
        )
    ],
    *[
        ("int", t, NONE)
        for t in ("7\u00a0", "−7", "٧", "7%", "$7", "7.5", "9" * 19, "true", "(7)", "7-")
    ],
    *[("float", t, 7.5) for t in ("7.5", "+7.50", " 7.5 ", "75e-1", "7.5E0")],
    *[
        ("float", t, NONE)
        for t in ('"7,5"', "1_000.5", '"1,000.5"', "1 000.5", "1'000.5", "7.5%", "7.5 kg", "€7.5")
    ],
    *[
        ("float", t, NONE)
        for t in ("−7.5", "7.5\u00a0", "1\u2009000", "٧", "0x1p3", "7.5.1", "N/A", "-", "(7.5)")
    ],
    *[("float", t, NONE) for t in (str(BIG + 1), "12345678901234567891", "1" * 45)],
    ("float", str(BIG), float(BIG)),
    *[("bool", t, True) for t in ("true", "TRUE", "True", "t", "yes", "Y", "1", "1.0", " true ")],
    *[("bool", t, False) for t in ("false", "F", "no", "N", "0", "0.0")],
    *[("bool", t, NONE) for t in ("oui", "ja", "on", "2", "-1", "0.5", "wahr", "unknown", "x")],
    *[
        ("string", t, t)
        for t in ("007", "7.0", " a ", "nan", "NULL", "1e5", "\u200ba", "e\u0301", "=1+1", "-0")
    ],
]
TYPED: list[tuple[ColumnType, pa.Array, Any]] = [
    *[("int", pa.array([7], t), 7) for t in (pa.int8(), pa.uint64(), pa.float16(), pa.float32())],
    ("int", pa.array([True]), 1),
    *[("int", pa.array([v], pa.uint64()), NONE) for v in (2**63, 2**64 - 1)],
    *[("int", pa.array([v]), NONE) for v in (7.5, float("inf"), float(2**54), 1e300)],
    *[("int", pa.array([v], pa.float32()), NONE) for v in (7.5, float(2**25))],
    *[("int", pa.array([Decimal(v)]), NONE) for v in ("7.50", "9007199254740992.5", "9" * 25)],
    *[(t, pa.array([float("nan")]), None) for t in ("int", "bool", "string", "float")],
    *[(t, pa.nulls(1), None) for t in ("int", "float", "bool", "string", "timestamp")],
    ("float", pa.array([BIG]), float(BIG)),
    *[
        ("float", pa.array([v]), NONE)
        for v in (BIG + 1, Decimal("9007199254740993"), Decimal("9007199254740992.5"))
    ],
    *[("float", pa.array([v]), 7.5) for v in (Decimal("7.50"), 7.5)],
    ("float", pa.array([7.5], pa.float16()), 7.5),
    ("float", pa.array([Decimal("1" * 45)]), NONE),
    ("float", pa.array([True]), 1.0),
    *[("bool", pa.array([v]), NONE) for v in (2, -9, 0.5, Decimal("0.5"))],
    *[("bool", pa.array([v]), True) for v in (1, 1.0, Decimal("1.00"), "yes")],
    *[("string", pa.array([v]), "5") for v in (5, 5.0, Decimal("5.00"), "5")],
    *[("string", pa.array([v]), "12.5") for v in (12.5, Decimal("12.50"))],
    *[
        ("string", pa.array([v], t), "2024-01-05")
        for v, t in ((date(2024, 1, 5), pa.date32()), (datetime(2024, 1, 5), pa.timestamp("ms")))
    ],
    ("string", pa.array([NOON]), "2024-01-05 12:00:00"),
    ("string", pa.array([-0.0]), "0"),
    ("string", pa.array([Decimal("100")], pa.decimal128(9, 3)), "100"),
    ("string", pa.array(["a"]).dictionary_encode(), "a"),
    ("string", pa.array(["a"], pa.large_string()), "a"),
    ("string", pa.array([True]), "true"),
    ("string", pa.array([time(9, 30)]), "09:30:00"),
    *[("string", pa.array([v]), NONE) for v in (b"a", ["a"], {"a": 1}, [], float("inf"))],
    ("string", pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())), NONE),
    ("string", pa.array([b"ab"], pa.binary(2)), NONE),
    ("string", pa.array([Decimal("1" * 45)]), NONE),
    *[(t, pa.array([timedelta(seconds=5)]), NONE) for t in ("int", "float", "string")],
    *[(t, pa.array([time(9, 30)]), NONE) for t in ("int", "float", "timestamp")],
    *[(t, pa.array([date(2024, 1, 5)]), NONE) for t in ("int", "float", "bool")],
    *[("timestamp", pa.array([NOON], pa.timestamp(u)), NOON) for u in ("s", "ms", "us", "ns")],
    *[("timestamp", pa.array([NOON], pa.timestamp(u, "Asia/Tokyo")), NOON) for u in ("us", "ns")],
    *[("timestamp", pa.array([1], pa.timestamp("ns", z)), NONE) for z in (None, "UTC")],
    ("timestamp", pa.array([date(2024, 1, 5)]), datetime(2024, 1, 5)),
    *[
        ("timestamp", pa.array([v]), NONE)
        for v in (1704448800, 1704448800.5, True, "BST", "24-01-05")
    ],
    *[("timestamp", pa.array([v], pa.timestamp("s")), NONE) for v in (10**12, -(10**12))],
]
VALUES: list[tuple[ColumnType, Any, Any]] = [
    *[("string", v, "5") for v in (5, 5.0, Decimal("5.00"), "5")],
    *[("string", v, "12.5") for v in (12.5, Decimal("12.50"))],
    *[("string", v, "2024-01-05") for v in (date(2024, 1, 5), datetime(2024, 1, 5))],
    ("string", UUID(int=5), str(UUID(int=5))),
    ("string", time(9, 30), "09:30:00"),
    ("string", Decimal("1E-7"), "0.0000001"),
    ("string", "", ""),
    *[
        ("string", v, NONE)
        for v in (b"a", memoryview(b"a"), bytearray(b"a"), ["a"], {"a": 1}, timedelta(1), (1,))
    ],
    *[
        (t, v, None)
        for t in ("int", "float", "string")
        for v in (float("nan"), Decimal("NaN"), None)
    ],
    *[("int", v, 7) for v in (7, 7.0, Decimal("7.00"), "7")],
    *[
        ("int", v, NONE)
        for v in (7.5, Decimal("7.5"), 2**63, Decimal("Infinity"), "7x", "007", float(2**54))
    ],
    *[("bool", v, True) for v in (True, 1, 1.0, "true")],
    *[("bool", v, NONE) for v in (2, "maybe", 0.5)],
    *[("timestamp", v, NOON) for v in (NOON, NOON.replace(tzinfo=UTC), "2024-01-05 12:00:00")],
    ("timestamp", NOON.replace(hour=14, tzinfo=timezone(timedelta(hours=2))), NOON),
    ("timestamp", date(2024, 1, 5), datetime(2024, 1, 5)),
    *[("timestamp", v, NONE) for v in (2460310.5, 1704448800, "now", date(1, 1, 1))],
    ("float", Decimal("7.50"), 7.5),
    ("float", 2**64, 2.0**64),
]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened.execute(SESSION)


def check(stored: Any, expected: Any, place: str) -> None:
    """One stored value, or a refusal that names column and place."""
    if expected == NONE:
        assert isinstance(stored, str), stored
        assert re.search(rf"t\.\w+: column 'x'.* expected .* found .* in {place}\b", stored), stored
        assert "\n" not in stored
    else:
        assert stored == [(expected,)]
        assert type(stored[0][0]) is type(expected)


@pytest.mark.parametrize(("kind", "text", "expected"), WORDS, ids=lambda v: str(v)[:40])
def test_a_text(
    kind: ColumnType,
    text: str,
    expected: Any,
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
) -> None:
    (tmp_path / "t.csv").write_text(f"id,x,y\n1,{text},1\n", encoding="utf-8")
    source = {"source": "csv", "path": str(tmp_path / "t.csv")}
    check(read(connection, contract({"x": kind}), source, tmp_path / "scratch"), expected, "line 2")


@pytest.mark.parametrize(("kind", "values", "expected"), TYPED, ids=lambda v: str(v)[:40])
def test_a_parquet_value(
    kind: ColumnType,
    values: pa.Array,
    expected: Any,
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
) -> None:
    pq.write_table(pa.table({"id": [1], "x": values, "y": [1.0]}), tmp_path / "t.parquet")
    source = {"source": "parquet", "path": str(tmp_path / "t.parquet")}
    check(read(connection, contract({"x": kind}), source, tmp_path / "scratch"), expected, "row 1")


@pytest.mark.parametrize(
    ("kind", "value", "expected"), VALUES, ids=lambda v: str(v)[:40].partition(" at 0x")[0]
)
def test_a_value_of_a_driver(
    kind: ColumnType,
    value: Any,
    expected: Any,
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
) -> None:
    """The same in a batch of its kind, and in one of several kinds."""
    other = "1" if kind != "timestamp" else "2024-01-05" + " 12:00Z" * ("+" in str(value))
    for others in ([], [other]):
        stored = of_driver(connection, kind, [value, *others], tmp_path)
        check(stored[:1] if isinstance(stored, list) else stored, expected, "row 1")


def of_driver(
    connection: duckdb.DuckDBPyConnection, kind: ColumnType, values: Sequence[Any], folder: Path
) -> list[tuple[Any, ...]] | str:
    """A batch as the SQL source makes it, in a Parquet file."""
    try:
        column = sql_values.array(values, "t.db", "x", 0)
    except SourceError as error:
        return str(error)
    count = range(len(values))
    pq.write_table(
        pa.table({"id": count, "x": column, "y": [1.0 for _ in count]}), folder / "t.parquet"
    )
    source = {"source": "parquet", "path": str(folder / "t.parquet")}
    return read(connection, contract({"x": kind}), source, folder / "scratch")


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("int", "'many'", "t\\.db: column 'x': expected a whole number, found 'many' in row 2"),
        (
            "string",
            "x'C3BC'",
            "column 'x': expected a text, .* found b'.*' \\(bytes\\) in row 2 of the result; convert it",
        ),
        ("timestamp", "2460310.5", "column 'x': expected a time like .*'2460310.5' in row 2"),
        ("int", "7.0", [(5,), (7,)]),
        ("string", "7.0", [("5",), ("7",)]),
        ("string", "'7'", [("5",), ("7",)]),
    ],
)
def test_loose_types(
    kind: ColumnType,
    value: str,
    expected: Any,
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
) -> None:
    """SQLite keeps any value in any column; bytes in a column that is not read do not matter."""
    first = "'2024-01-05'" if kind == "timestamp" else "5"
    with closing(sqlite3.connect(tmp_path / "t.db")) as database:
        database.execute("CREATE TABLE t (id INTEGER, x, y REAL, picture BLOB)")
        database.execute(f"INSERT INTO t VALUES (1, {first}, 1, x'00FF'), (2, {value}, 1, 'none')")
        database.commit()
    settings = {
        "source": "sql",
        "address": f"sqlite:///{tmp_path}/t.db",
        "query": "SELECT * FROM t ORDER BY id",
    }
    stored = read(connection, contract({"x": kind}), settings, tmp_path / "scratch")
    assert re.search(expected, stored) if isinstance(stored, str) else stored == expected


def test_a_name_of_parquet(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Names in other cases stay apart; what is not read may have any name and type."""
    names = ["id", "Size", "size", "SIZE_1", "y", "a.b", "_x", "list"]
    values = [[1], [2], [3], [4], [1.0], [b"x"], [None], [[1]]]
    table = pa.Table.from_arrays([pa.array(v) for v in values], names=names)
    pq.write_table(table, tmp_path / "t.parquet")
    source = {"source": "parquet", "path": str(tmp_path / "t.parquet")}
    case = contract({"size": "int", "SIZE_1": "int"})
    assert read(connection, case, source, tmp_path) == [(3, 4)]
    other = read(connection, contract({"SIZE": "int"}), source, tmp_path)
    assert "no column 'SIZE'" in other
    derived = contract({"d": "int"}, derive={"d": "size + 1"})
    assert "'Size' and 'size' differ in case only" in read(connection, derived, source, tmp_path)
    twice = pa.Table.from_arrays([pa.array([1])] * 3, names=["id", "y", "y"])
    pq.write_table(twice, tmp_path / "t.parquet")
    assert "two columns are called 'y'" in read(connection, case, source, tmp_path)


@pytest.mark.parametrize("text", ["1_000", "0x10", "1.5.2"])
@pytest.mark.parametrize("cast", ["DOUBLE", "DECIMAL(9,1)", "BIGINT", "INT"])
def test_a_derived_number(
    text: str, cast: str, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """DuckDB's own spellings of numbers are none in an expression, either."""
    (tmp_path / "t.csv").write_text(f"id,x,y\n1,{text},1\n", encoding="utf-8")
    case = contract({"d": "float"}, derive={"d": f"2 * CAST(x AS {cast})"})
    message = read(connection, case, {"source": "csv", "path": str(tmp_path / "t.csv")}, tmp_path)
    assert f"found '{text}' in line 2" in message


@pytest.mark.parametrize(
    ("value", "named"), [(b"abc", "BLOB"), (["a"], r"VARCHAR\[\]"), (timedelta(1), "INTERVAL")]
)
def test_a_type_that_has_no_text_is_named(
    value: Any, named: str, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    pq.write_table(pa.table({"id": [1], "x": [value], "y": [1.0]}), tmp_path / "t.parquet")
    source = {"source": "parquet", "path": str(tmp_path / "t.parquet")}
    message = read(connection, contract({"x": "string"}), source, tmp_path)
    assert re.search(rf"found '.*' in row 1, of type {named}; correct", str(message)), message
