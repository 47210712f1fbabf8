"""The remedy that a message gives for a value works for that value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from plumbline.core.declarations import ColumnType
from plumbline.core.duckdb_session import SESSION
from plumbline.data.remedies import remedy
from tests.reading import contract, read

WORKING: list[tuple[ColumnType, str, str, object]] = [
    ("float", "NA", "CAST(nullif(x, 'NA') AS DOUBLE)", None),
    ("int", "NA", "CAST(nullif(x, 'NA') AS BIGINT)", None),
    ("bool", "NA", "nullif(x, 'NA')", None),
    ("float", "7.5%", "CAST(replace(x, '%', '') AS DOUBLE)", 7.5),
    ("float", '"1.234,5"', "CAST(replace(replace(x, '.', ''), ',', '.') AS DOUBLE)", 1234.5),
    ("float", '"7,5"', "CAST(replace(replace(x, '.', ''), ',', '.') AS DOUBLE)", 7.5),
    ("float", '"1,234.5"', "CAST(regexp_replace(x, '[^0-9.-]', '', 'g') AS DOUBLE)", 1234.5),
    ("float", "$7.5", "CAST(regexp_replace(x, '[^0-9.-]', '', 'g') AS DOUBLE)", 7.5),
    ("int", '"1.000"', "CAST(replace(x, '.', '') AS BIGINT)", 1000),
    ("bool", "oui", "x = 'oui'", True),
    ("timestamp", "1704448800", "to_timestamp(x::BIGINT)", datetime(2024, 1, 5, 10)),
    ("timestamp", "1704448800000", "epoch_ms(x::BIGINT)", datetime(2024, 1, 5, 10)),
    ("timestamp", "45296", "DATE '1899-12-30' + x::INT", datetime(2024, 1, 5)),
]
NAMED: list[tuple[ColumnType, str, str]] = [
    ("int", "007", "belong in a column of type string"),
    ("int", "9" * 20, "beyond 64 bits"),
    ("int", "1.23457E+12", "Excel has rounded it"),
    ("int", "7.5", "type float"),
    ("int", "x7", "Codes belong"),
    ("float", str(2**53 + 1), "declare an id as string"),
    ("float", "heavy", ""),
    ("bool", "-9", "a number that says more is of type int"),
    ("timestamp", "05.01.24", "strptime"),
    ("timestamp", "2024-01-05 10:00 IST", "write the offset"),
]
MEANT = [
    "nullif(x, 'NA')",
    "CASE WHEN x = 'NA' THEN NULL ELSE x END",
    "if(x <> 'NA', x, NULL)",
    "CASE WHEN x <> 'NA' THEN x ELSE NULL END",
]
NOT_MEANT = [
    "CASE WHEN x <> 'NA' THEN x END",
    "nullif(x, 'N/A')",
    "TRY_CAST(x AS DOUBLE)",
    "CASE WHEN x = 'n' THEN NULL ELSE x END",
]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened.execute(SESSION)


def stored(
    connection: duckdb.DuckDBPyConnection,
    kind: ColumnType,
    text: str,
    expression: str,
    folder: Path,
) -> list[tuple[object, ...]] | str:
    (folder / "t.csv").write_text(f"id,x,y\n1,{text},1\n")
    case = contract({"d": kind}, derive={"d": expression})
    return read(connection, case, {"source": "csv", "path": str(folder / "t.csv")}, folder)


@pytest.mark.parametrize(("kind", "text", "expression", "expected"), WORKING)
def test_a_remedy_works(
    kind: ColumnType,
    text: str,
    expression: str,
    expected: object,
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
) -> None:
    assert expression in remedy(kind, [text.strip('"')])
    assert "expected" in stored(connection, kind, text, "x", tmp_path)
    assert stored(connection, kind, text, expression, tmp_path) == [(expected,)]


@pytest.mark.parametrize(("kind", "text", "expected"), NAMED)
def test_a_remedy_fits_its_value(kind: ColumnType, text: str, expected: str) -> None:
    assert re.search(expected or "^$", remedy(kind, ["", None, text]))


@pytest.mark.parametrize("expression", MEANT)
def test_a_missing_value_that_is_meant(
    expression: str, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """What the expression names is null; a word that it does not name is refused, as any other is."""
    assert stored(connection, "float", "NA", expression, tmp_path) == [(None,)]
    assert stored(connection, "float", "5", f"CAST({expression} AS DOUBLE)", tmp_path) == [(5.0,)]
    message = stored(connection, "float", "heavy", f"CAST({expression} AS DOUBLE)", tmp_path)
    assert "(derived from x): expected a number, found 'heavy' in line 2" in message


@pytest.mark.parametrize("expression", NOT_MEANT)
def test_a_missing_value_that_is_not_meant(
    expression: str, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    assert "found 'NA' in line 2" in stored(connection, "float", "NA", expression, tmp_path)
