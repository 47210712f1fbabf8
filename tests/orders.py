"""A small use case under validation, its months written from CSV, and a run of the stage over them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from plumbline.core.declarations import Column, Entity
from plumbline.core.usecase import UseCase
from tests import in_memory

BAD = Path(__file__).parent / "bad" / "validate"

COLUMNS = (
    Column("order_id", "int", "-", "number of the order", min=0),
    Column("ordered_at", "timestamp", "UTC", "when it was placed"),
    Column("buyer", "int", "-", "who buys", min=0),
    Column("amount_cents", "int", "cents", "what is paid", min=0, max=100_000),
    Column("weight", "float", "kg", "of the parcel", min=0, null=True),
    Column("channel", "string", "-", "where it was placed", allowed=("web", "shop", "phone")),
    Column("returned", "int", "0/1", "sent back", min=0, max=1, known=False),
)

ORDERS = UseCase(
    name="orders",
    title="Orders",
    owner="shop@example.com",
    problem="classification",
    key="order_id",
    time="ordered_at",
    label="returned",
    label_delay=2,
    entities=(Entity("buyer", "buyer", "who buys"),),
    columns=COLUMNS,
    features=("amount_cents",),
)

LIST = UseCase(
    name="orders",
    title="A plain list",
    owner="shop@example.com",
    problem="classification",
    key="order_id",
    label="returned",
    columns=tuple(c for c in COLUMNS if c.name != "ordered_at"),
    features=("amount_cents",),
)

TYPES = {"int": "BIGINT", "float": "DOUBLE", "string": "VARCHAR", "timestamp": "TIMESTAMP"}
MINUTES = "TIMESTAMP '2025-02-27' + to_minutes(12 * i::BIGINT)"
"""600 orders over five days."""
START, AS_OF = "2025-02-01", "2025-03-04"


@dataclass(frozen=True)
class Run:
    """Where a run of the stage reads and writes; `go` runs it."""

    path: Path

    def go(self, **validate: Any) -> None:
        """Run the stage with these params of its section."""
        from stages import validate as stage

        write_params(self.path / "params.yaml", validate)
        stage.main("orders", self.raw, self.accepted, *self.outs)

    @property
    def raw(self) -> Path:
        return self.path / "raw"

    @property
    def accepted(self) -> Path:
        return self.path / "accepted.json"

    @property
    def outs(self) -> list[Path]:
        names = ("valid", "quarantine", "profile.json", "docs", "metrics.json")
        return [self.path / name for name in names]

    def bytes(self) -> dict[str, bytes]:
        """Every byte of the outs, by path inside the run's folder."""
        files = [f for o in self.outs for f in ([o] if o.is_file() else sorted(o.rglob("*")))]
        return {str(f.relative_to(self.path)): f.read_bytes() for f in files}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A folder with no accepted profile, and the use case `orders` in reach."""
    return start(tmp_path, monkeypatch, ORDERS)


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run over 600 good orders, 120 a day; its profile is there to be accepted."""
    with pytest.MonkeyPatch.context() as patch:
        built = start(tmp_path_factory.mktemp("done"), patch, ORDERS)
        write_raw(built.raw, good(600, ordered_at=MINUTES))
        built.go()
    return built.path


def start(path: Path, monkeypatch: pytest.MonkeyPatch, usecase: UseCase) -> Run:
    """A run of `usecase` in `path`, which becomes the working folder."""
    in_memory.install(usecase, partial(monkeypatch.setitem, sys.modules), "orders")
    path.mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(path)
    built = Run(path)
    built.accepted.write_text("{}\n")
    return built


def write_params(path: Path, validate: Mapping[str, Any]) -> None:
    """A params.yaml for the use case `orders`."""
    data = {"source": "csv", "path": "x.csv", "start": START, "as_of": AS_OF}
    rest = {name: {} for name in ("features", "tune", "train", "evaluate", "monitor")}
    whole = {
        "usecases": ["orders"],
        "seed": 1,
        "orders": {"data": data, "validate": dict(validate), **rest},
    }
    path.write_text(yaml.safe_dump(whole))


def write_raw(folder: Path, query: str, usecase: UseCase = ORDERS, *, as_of: str = AS_OF) -> None:
    """Write the rows of `query` (all columns of the contract) as the data stage writes them."""
    folder.mkdir(parents=True, exist_ok=True)
    known = ", ".join(c.name for c in usecase.known)
    unknown = ", ".join(c.name for c in usecase.unknown)
    with duckdb.connect() as database:
        database.execute(f"CREATE TABLE rows AS {query}")
        if usecase.time is None:
            _write(database, f"SELECT {known} FROM rows", "order_id", folder / "events-all.parquet")
            outcomes = f"SELECT order_id, {unknown} FROM rows"
            _write(database, outcomes, "order_id", folder / "outcomes-all.parquet")
            return
        late = f"ordered_at + to_days({usecase.label_delay})"
        outcomes = f"SELECT order_id, ordered_at, {late} AS known_at, {unknown} FROM rows"
        _months(database, f"SELECT {known} FROM rows", "ordered_at", folder, "events")
        due = f"SELECT * FROM ({outcomes}) WHERE known_at < TIMESTAMP '{as_of}'"
        _months(database, due, "known_at", folder, "outcomes")


def write_csv(folder: Path, path: Path) -> None:
    """Write a CSV's rows as the data stage would if it let everything pass.

    A column that is not of its type stays text; rows keep the order of the CSV, which is in time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as database:
        database.execute(
            f"CREATE TABLE found AS SELECT * FROM read_csv('{path}', all_varchar=true, header=true)"
        )
        names = [row[0] for row in database.sql("DESCRIBE found").fetchall()]
        cast = {c.name: _cast(database, c) for c in COLUMNS if c.name in names}
        known = [n for n in names if n != "returned"]
        events = ", ".join(f"{cast.get(n, n)} AS {n}" for n in known)
        outcomes = (
            "order_id::BIGINT AS order_id, ordered_at::TIMESTAMP AS ordered_at, "
            "ordered_at::TIMESTAMP + to_days(2) AS known_at, returned::BIGINT AS returned"
        )
        files = {"events": ("ordered_at", events), "outcomes": ("known_at", outcomes)}
        for table, (time, columns) in files.items():
            rows = f"SELECT {columns} FROM found"
            if table == "outcomes":
                rows = f"SELECT * FROM ({rows}) WHERE known_at < TIMESTAMP '{AS_OF}'"
            _months(database, rows, time, folder, table, order=False)


def good(rows: int = 60, **replaced: str) -> str:
    """SQL for good orders, twelve a day from 2025-02-27 on; columns by their own SQL where `replaced`."""
    columns = {
        "order_id": "1000 + i",
        "ordered_at": "TIMESTAMP '2025-02-27' + to_minutes(120 * i::BIGINT)",
        "buyer": "(i * 7) % 20",
        "amount_cents": "200 + (i * 37) % 700",
        "weight": "0.5 + (i % 8) / 4",
        "channel": "['web', 'shop', 'phone'][1 + i % 3]",
        "returned": "(i % 9 = 0)::BIGINT",
        **replaced,
    }
    types = {c.name: TYPES[c.type] for c in COLUMNS}
    select = ", ".join(f"CAST({sql} AS {types[n]}) AS {n}" for n, sql in columns.items())
    return f"SELECT {select} FROM range({rows}) AS t(i)"


def _months(
    database: duckdb.DuckDBPyConnection,
    rows: str,
    time: str,
    folder: Path,
    table: str,
    order: bool = True,
) -> None:
    query = f"SELECT DISTINCT strftime({time}, '%Y-%m') FROM ({rows})"
    result = {m for (m,) in database.sql(query).fetchall() if m}
    if table == "events":
        result = result or {"2025-02"}
    for month in result:
        inside = f"coalesce(strftime({time}, '%Y-%m'), '{min(result)}') = '{month}'"
        by = f"{time}, order_id" if order else ""
        _write(
            database,
            f"SELECT * FROM ({rows}) WHERE {inside}",
            by,
            folder / f"{table}-{month}.parquet",
        )


def _write(database: duckdb.DuckDBPyConnection, rows: str, order: str, path: Path) -> None:
    by = f" ORDER BY {order}" if order else ""
    database.execute(f"COPY ({rows}{by}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")


def _cast(database: duckdb.DuckDBPyConnection, column: Column) -> str:
    wanted = f"TRY_CAST({column.name} AS {TYPES[column.type]})"
    lost = database.sql(
        f"SELECT count(*) FROM found WHERE {column.name} IS NOT NULL AND {wanted} IS NULL"
    ).fetchall()[0][0]
    return column.name if lost else wanted
