"""The same events from every kind of source: the same bytes."""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.server
import json
import re
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from plumbline.core import duckdb_session
from plumbline.core.declarations import Column, ColumnType
from plumbline.core.errors import SourceError
from plumbline.data import database, unpacking
from tests import reading
from tests.sales import AS_OF, HEADER, ROWS, SALES, ingest, write_csv
from tests.servers import postgresql


def raw_bytes(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted((folder / "raw").iterdir())}


def sheet(folder: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    return result


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the plain CSV file gives."""
    folder = tmp_path_factory.mktemp("expected")
    with pytest.MonkeyPatch.context() as patch:
        write_csv(folder / "a.csv")
        ingest(patch, folder, {"source": "csv", "path": "a.csv", "as_of": AS_OF})
    return raw_bytes(folder)


def table() -> pa.Table:
    """The rows with types of their own: narrow integers, decimals, zoned nanoseconds."""
    text = "\n".join([HEADER, *ROWS]).encode()
    read = pa.csv.read_csv(pa.BufferReader(text))
    built = read.set_column(0, "sale_id", read["sale_id"].cast(pa.int32()))
    cents = read["price_cents"].cast(pa.decimal128(21, 2))
    zoned = pc.assume_timezone(read["sold_at"].cast(pa.timestamp("ns")), "UTC")
    built = built.set_column(3, "price_cents", cents)
    return built.set_column(1, "sold_at", zoned.cast(pa.timestamp("ns", "Asia/Tokyo")))


CSV_STYLES = {
    "a byte order mark": (b"\xef\xbb\xbf", ",", "utf-8"),
    "semicolons": (b"", ";", "utf-8"),
    "Latin": (b"", ",", "latin-1"),
    "two bytes": (b"", ",", "utf-16"),
}


@pytest.mark.parametrize("style", CSV_STYLES)
def test_csv_in_other_styles(
    style: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    mark, delimiter, encoding = CSV_STYLES[style]
    text = "\r\n".join([HEADER, *ROWS]).replace(",", delimiter).replace("north", '"north"')
    (tmp_path / "a.csv").write_bytes(mark + text.encode(encoding))
    settings = {"source": "csv", "path": "a.csv", "as_of": AS_OF}
    ingest(monkeypatch, tmp_path, {**settings, "delimiter": delimiter, "encoding": encoding})
    assert raw_bytes(tmp_path) == expected


@pytest.mark.parametrize("path", ["part", "part/*.csv*", "part/[ab].csv*"])
def test_csv_files_are_one_table(
    path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    write_csv(tmp_path / "part" / "b.csv", *ROWS[:1])
    turned = ",".join(reversed(HEADER.split(",")))
    rows = [",".join(reversed(row.split(","))) for row in ROWS[1:]]
    content = "\n".join([turned, *rows]).encode()
    (tmp_path / "part" / "a.csv.gz").write_bytes(gzip.compress(content))
    (tmp_path / "part" / "notes.md").write_text("not read", encoding="utf-8")
    ingest(monkeypatch, tmp_path, {"source": "csv", "path": path, "as_of": AS_OF})
    assert raw_bytes(tmp_path) == expected
    assert sheet(tmp_path)["source"]["files"] == 2


@pytest.mark.parametrize("path", ["part/a.parquet", "part", "p*/*.parquet"])
def test_parquet(
    path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    (tmp_path / "part").mkdir()
    pq.write_table(table(), tmp_path / "part" / "a.parquet")
    ingest(monkeypatch, tmp_path, {"source": "parquet", "path": path, "as_of": AS_OF})
    assert raw_bytes(tmp_path) == expected


def test_parquet_files_may_differ_in_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pq.write_table(table(), tmp_path / "a.parquet")
    half = table().set_column(7, "returned", pa.array(["0", "0.5", "0", "1"]))
    pq.write_table(half, tmp_path / "b.parquet")
    with pytest.raises(SourceError, match=r"b\.parquet: column 'returned': .* '0\.5' in row 2"):
        ingest(monkeypatch, tmp_path, {"source": "parquet", "path": ".", "as_of": AS_OF})


def test_a_value_of_another_kind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    times = table().set_column(0, "sale_id", table()["sold_at"])
    pq.write_table(times, tmp_path / "a.parquet")
    with pytest.raises(SourceError, match=r"'sale_id': expected a whole number, found '2025-01-03"):
        ingest(monkeypatch, tmp_path, {"source": "parquet", "path": "a.parquet", "as_of": AS_OF})


def test_an_offset_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", "1,2025-01-03T00:30:00+02:00,north,1,1,,,0")
    ingest(monkeypatch, tmp_path, {"source": "csv", "path": "a.csv", "as_of": AS_OF})
    assert sheet(tmp_path)["span"] == ["2025-01-02 22:30:00", "2025-01-02 22:30:00"]


def test_an_error_far_down_has_its_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", *[ROWS[0]] * 5_000)
    path.write_bytes(
        path.read_bytes() + "1,2025-01-03 10:00:00,süd,250,2,1.5,true,0".encode("latin-1")
    )
    with pytest.raises(SourceError, match=r"a\.csv, line 5002: the text is in another encoding"):
        ingest(monkeypatch, tmp_path, {"source": "csv", "path": "a.csv", "as_of": AS_OF})


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder to one who knows the password."""

    def do_GET(self) -> None:
        if self.headers.get("Authorization") == "Basic bWU6aHVzaCE=":  # me:hush!
            super().do_GET()
        else:
            self.send_error(401)

    def log_message(self, *words: object) -> None:
        """Nothing."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """Host and port of a server for tmp_path / "web"."""
    (tmp_path / "web").mkdir()
    handler = functools.partial(Quiet, directory=str(tmp_path / "web"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_url(
    name: str,
    served: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    expected: dict[str, bytes],
) -> None:
    pq.write_table(table(), tmp_path / "web" / "a.parquet")
    write_csv(tmp_path / "web" / "a.csv")
    digest = hashlib.sha256((tmp_path / "web" / name).read_bytes()).hexdigest()
    monkeypatch.setenv("PLUMBLINE_DATA_KEY", "hush%21")
    url = f"http://me:${{PLUMBLINE_DATA_KEY}}@{served}/{name}?token=${{PLUMBLINE_DATA_KEY}}"
    ingest(monkeypatch, tmp_path, {"source": "url", "url": url, "sha256": digest, "as_of": AS_OF})
    assert raw_bytes(tmp_path) == expected
    source = sheet(tmp_path)["source"]
    assert source == {"kind": "url", "url": f"http://{served}/{name}", "sha256": digest}


def test_a_local_url(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    path = write_csv(tmp_path / "a.csv")
    settings = {"source": "url", "url": path.as_uri(), "as_of": AS_OF}
    digest = hashlib.sha256(path.read_bytes()).hexdigest().upper()
    ingest(monkeypatch, tmp_path, {**settings, "sha256": digest})
    assert raw_bytes(tmp_path) == expected
    with pytest.raises(SourceError, match=r"file:a\.csv: SHA-256 is .*, expected beef\. It is not"):
        ingest(monkeypatch, tmp_path, {**settings, "sha256": "beef"})


@pytest.mark.parametrize(
    ("name", "user", "message"),
    [
        (
            "b.csv",
            "me:${PLUMBLINE_DATA_KEY}@",
            r"/b\.csv: the server answers 404 File not found; correct data\.url",
        ),
        ("a.csv", "", r"/a\.csv: the server answers 401 Unauthorized"),
        ("empty.csv", "me:${PLUMBLINE_DATA_KEY}@", r"/empty\.csv: the file is empty \(0 bytes\)"),
    ],
)
def test_a_url_that_fails(
    name: str,
    user: str,
    message: str,
    served: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    write_csv(tmp_path / "web" / "a.csv")
    (tmp_path / "web" / "empty.csv").touch()
    monkeypatch.setenv("PLUMBLINE_DATA_KEY", "hush!")
    settings = {"source": "url", "url": f"http://{user}{served}/{name}", "sha256": "0" * 64}
    with pytest.raises(SourceError, match=message) as error:
        ingest(monkeypatch, tmp_path, {**settings, "as_of": AS_OF})
    assert "hush" not in str(error.value)


QUERY = "SELECT * FROM sales WHERE '12:30' <> ':shop' AND sale_id % 100 <> 99 ORDER BY sale_id DESC"


def fill(address: str) -> None:
    """A table `sales` with the rows, typed by the database."""
    columns = {
        "sale_id": sa.BigInteger,
        "sold_at": sa.DateTime,
        "shop": sa.String,
        "price_cents": sa.Numeric(12, 2),
        "pieces": sa.Integer,
        "weight": sa.Float,
        "promo": sa.Boolean,
        "returned": sa.SmallInteger,
        "noted_on": sa.Date,
    }
    day = table()["sold_at"].cast(pa.timestamp("us")).cast(pa.date32())
    rows = table().append_column("noted_on", day).to_pylist()
    clean = [{**r, "sold_at": r["sold_at"].tz_convert(None).to_pydatetime()} for r in rows]
    engine = sa.create_engine(address)
    sales = sa.Table("sales", sa.MetaData(), *(sa.Column(n, t) for n, t in columns.items()))
    with closing(engine.raw_connection()):
        sales.create(engine)
    with engine.begin() as connection:
        connection.execute(sales.insert(), clean)
    engine.dispose()


@pytest.fixture(scope="module")
def filled() -> Iterator[str]:
    """A real PostgreSQL with the table."""
    with postgresql() as address:
        fill(address)
        yield address


@pytest.fixture
def server(filled: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Its address, with the password in a variable."""
    monkeypatch.setenv("PLUMBLINE_DATA_SHOP", "wallaby")
    return filled.replace("wallaby", "${PLUMBLINE_DATA_SHOP}")


def sql(address: str, query: str = QUERY) -> dict[str, str]:
    return {"source": "sql", "address": address, "query": query, "as_of": AS_OF}


def test_sqlite(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    monkeypatch.chdir(tmp_path)
    fill("sqlite:///shop.db")
    ingest(monkeypatch, tmp_path, sql("sqlite:///shop.db"))
    assert raw_bytes(tmp_path) == expected
    assert sheet(tmp_path)["source"]["address"] == "sqlite:shop.db"
    assert sheet(tmp_path)["ignored_columns"] == ["noted_on"]


def test_postgresql(
    server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    ingest(monkeypatch, tmp_path, sql(server))
    assert raw_bytes(tmp_path) == expected
    text = (tmp_path / "data.json").read_text(encoding="utf-8")
    assert "wallaby" not in text
    assert sheet(tmp_path)["source"]["address"] == "postgresql:postgres"


def test_the_hash_of_a_query_is_of_text_and_result(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    fill("sqlite:///shop.db")

    def digest(query: str) -> str:
        result: str = sheet(ingest(monkeypatch, tmp_path, sql("sqlite:///shop.db", query)))[
            "source"
        ]["sha256"]
        return result

    first = digest("SELECT * FROM sales")
    assert digest("SELECT * FROM sales") == first
    assert digest("SELECT  * FROM sales") != first
    engine = sa.create_engine("sqlite:///shop.db")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE sales SET shop = 'east' WHERE sale_id = 1"))
    engine.dispose()
    assert digest("SELECT * FROM sales") != first


SQLITE_MISTAKES = {
    "SELEC 1": r"sqlite:shop\.db: data\.query fails: near \"SELEC\": syntax error; correct it",
    "SELECT * FROM sale": r"data\.query fails: no such table: sale",
    "UPDATE sales SET shop = 'x'": r"data\.query gives no rows; expected a SELECT",
    "SELECT 1 AS a, 2 AS a": r"data\.query gives two columns 'a'; rename one with AS",
    "SELECT * FROM sales WHERE 1 = 0": r"sqlite:shop\.db: no rows; expected at least one",
    "SELECT *, abs(-9223372036854775807 - sale_id) FROM sales": r"data\.query fails: integer overflow",
}


@pytest.mark.parametrize("query", SQLITE_MISTAKES)
def test_a_bad_query(query: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    fill("sqlite:///shop.db")
    with pytest.raises(SourceError, match=SQLITE_MISTAKES[query]):
        ingest(monkeypatch, tmp_path, sql("sqlite:///shop.db", query))
    engine = sa.create_engine("sqlite:///shop.db")
    with engine.begin() as connection:
        assert not connection.execute(sa.text("SELECT 1 FROM sales WHERE shop = 'x'")).all()
    engine.dispose()


def test_a_bad_value_far_down_a_result(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(database, "BATCH", 2)
    fill("sqlite:///shop.db")
    query = "SELECT *, CASE sale_id WHEN 4 THEN 'x' ELSE weight END AS weight FROM sales ORDER BY 1"
    words = query.replace("*", "sale_id, sold_at, shop, price_cents, pieces, promo, returned")
    with pytest.raises(SourceError, match=r"'weight': expected a number, found 'x' in row 4;"):
        ingest(monkeypatch, tmp_path, sql("sqlite:///shop.db", words))


POSTGRESQL_MISTAKES = {
    "SELECT * FROM sale": r"postgresql:postgres: data\.query fails: relation \"sale\" does not exist",
    "SELECT *, 1 / (sale_id - 3) AS x FROM sales": r"data\.query fails: division by zero; correct it",
    "SELECT sale_id, 'x'::text AS sold_at FROM sales": r"no column 'shop', 'weight', 'promo', 'returned'; it has: sale_id, sold_at \(",
}


@pytest.mark.parametrize("query", POSTGRESQL_MISTAKES)
def test_a_bad_query_of_postgresql(
    query: str, server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match=POSTGRESQL_MISTAKES[query]):
        ingest(monkeypatch, tmp_path, sql(server, query))


POSTGRESQL_VALUES: list[tuple[ColumnType, str, object]] = [
    ("string", "5::numeric(9,2)", "5"),
    ("string", "'{00000000-0000-0000-0000-000000000005}'::uuid", str(UUID(int=5))),
    ("string", "DATE '2024-01-05'", "2024-01-05"),
    ("string", "'nan'::float8", None),
    ("string", r"'\x5a'::bytea", r"found b'Z' \(bytes\) in row 1 of the result; convert it"),
    ("string", "ARRAY['a']", r"found \['a'\] \(list\) in row 1"),
    ("string", "'{\"a\": 1}'::jsonb", r"found .*\(dict\) in row 1"),
    ("string", "INTERVAL '5 days'", r"found .*\(timedelta\) in row 1"),
    (
        "int",
        "9223372036854775808::numeric",
        "expected a whole number, found '9223372036854775808' in row 1",
    ),
    ("int", "'NaN'::numeric", None),
    ("int", "true", 1),
    ("timestamp", "TIMESTAMPTZ '2024-01-05 12:00+02'", datetime(2024, 1, 5, 10)),
    ("timestamp", "TIMESTAMP 'infinity'", "data.query fails: timestamp too large"),
    ("timestamp", "TIMESTAMP '0044-03-15 BC'", "data.query fails: timestamp too small"),
    ("timestamp", "DATE 'infinity'", "data.query fails: date too large"),
    ("timestamp", "TIME '12:00'", "expected a time like .* found '12:00:00' in row 1"),
]


@pytest.mark.parametrize(("kind", "value", "expected"), POSTGRESQL_VALUES)
def test_types_of_postgresql(
    kind: ColumnType, value: str, expected: object, server: str, tmp_path: Path
) -> None:
    settings = {
        "source": "sql",
        "address": server,
        "query": f"SELECT 1 AS id, {value} AS x, 1 AS y",
    }
    with duckdb_session.connect(tmp_path) as connection:
        stored = reading.read(connection, reading.contract({"x": kind}), settings, tmp_path)
    if isinstance(stored, str):
        assert re.search(str(expected), stored), stored
    else:
        assert stored == [(expected,)]


def test_a_wrong_password(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PLUMBLINE_DATA_SHOP", "dingo")
    with pytest.raises(
        SourceError, match=r"no connection: .*password authentication failed"
    ) as error:
        ingest(monkeypatch, tmp_path, sql(server))
    assert "dingo" not in str(error.value)


def test_a_broken_archive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n")[:12])
    with pytest.raises(SourceError, match=r"a\.csv\.gz: not a readable CSV file \(.*\); export"):
        ingest(monkeypatch, tmp_path, {"source": "csv", "path": "a.csv.gz", "as_of": AS_OF})


def test_an_archive_that_unpacks_to_too_much(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Refused before its rows, or a header without an end, are read; a param lets it pass."""
    monkeypatch.setattr(unpacking, "FREE", 10_000)
    rows = "".join(f"{i},2025-01-03 10:00:00,north,250,2,1.5,true,0\n" for i in range(5_000))
    source = {"source": "csv", "path": "a.csv.gz", "as_of": AS_OF}
    for content in (f"{HEADER}\n{rows}", "a" * 1_000_000):
        (tmp_path / "a.csv.gz").write_bytes(gzip.compress(content.encode()))
        with pytest.raises(SourceError, match=r"a\.csv\.gz: .* unpack to more than .*max_unpack"):
            ingest(monkeypatch, tmp_path, {**source, "max_unpacking": 3})
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(f"{HEADER}\n{rows}".encode()))
    ingest(monkeypatch, tmp_path, source)
    assert sheet(tmp_path)["rows"] == 5_000


def test_a_line_without_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", ROWS[0].replace("north", "n" * 40_000_000), *ROWS[1:])
    with pytest.raises(SourceError, match=r"a\.csv, line 2: .*correct the line, or export"):
        ingest(monkeypatch, tmp_path, {"source": "csv", "path": "a.csv", "as_of": AS_OF})
    (tmp_path / "a.csv").write_text("n" * 200_000, encoding="utf-8")
    with pytest.raises(SourceError, match=r"a\.csv: not a readable CSV file \(field larger than"):
        ingest(monkeypatch, tmp_path, {"source": "csv", "path": "a.csv", "as_of": AS_OF})


def test_rows_are_numbered_through_all_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    columns = (Column("number", "int", "-", "of the row"), *SALES.columns[1:])
    derive = {**SALES.derive, "number": "__row"}
    case = replace(SALES, key="number", columns=columns, derive=derive)
    write_csv(tmp_path / "part" / "a.csv", *ROWS[2:])
    write_csv(tmp_path / "part" / "b.csv", *ROWS[:2])
    ingest(monkeypatch, tmp_path, {"source": "csv", "path": "part", "as_of": AS_OF}, case)
    files = sorted((tmp_path / "raw").glob("events-*.parquet"))
    assert [pq.read_table(f)["number"].to_pylist() for f in files] == [[3, 4], [1, 2]]
