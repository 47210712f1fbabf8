"""The result of an SQL query as a source, by SQLAlchemy: read in batches, as text, typed later."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Any

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from plumbline.core.errors import SourceError
from plumbline.data.environment import expand
from plumbline.data.sources import EventSource, SourcePart

BATCH = 10_000  # rows


def query(address: str, words: str) -> EventSource:
    """The rows that `words` selects at `address`, in which `expand` fills in variables."""
    url = _url(address)
    name = _name(url)

    def chunks(connection: duckdb.DuckDBPyConnection) -> Generator[str]:
        with closing(_batches(url, words)) as batches:
            for batch in batches:
                connection.register("queried", batch)
                yield "queried"

    return EventSource(
        "sql", name, (SourcePart(name, chunks),), {"address": name, "query": words}, None
    )


def _url(address: str) -> sa.URL:
    try:
        url = sa.make_url(expand(address, "data.address"))
        url.get_dialect()
    except (sa.exc.ArgumentError, ValueError):
        raise SourceError(
            "data.address: not an SQLAlchemy address; expected dialect+driver://user:${PLUMBLINE_DATA_PASSWORD}@host/database"
        ) from None
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise SourceError(f"{_name(url)}: no such file; correct data.address")
    return url


def _name(url: sa.URL) -> str:
    """The database without user, password, host and folder."""
    return f"{url.get_backend_name()}:{PurePath(url.database or '').name}"


def _batches(url: sa.URL, words: str) -> Generator[pa.Table]:
    """The result, all columns as text; at least one table. Nothing that the query changes is kept."""
    engine = _engine(url)
    try:
        with (
            _connect(engine, url) as connection,
            closing(_execute(connection, url, words)) as result,
        ):
            names = list(result.keys())
            _check_names(url, names)
            yield _table(names, [])
            while rows := _fetch(result, url):
                yield _table(names, rows)
    finally:
        engine.dispose()


def _engine(url: sa.URL) -> sa.Engine:
    try:
        return sa.create_engine(url)
    except ModuleNotFoundError as error:
        raise SourceError(
            f"{_name(url)}: the driver '{error.name}' is not installed; install it, or name another in "
            "data.address (dialect+driver://)"
        ) from None


def _connect(engine: sa.Engine, url: sa.URL) -> sa.Connection:
    try:
        return engine.connect().execution_options(stream_results=True, yield_per=BATCH)
    except sa.exc.DBAPIError as error:
        raise SourceError(
            f"{_name(url)}: no connection: {_why(error, url)}; check data.address, and that the "
            "database is up"
        ) from None


def _execute(connection: sa.Connection, url: sa.URL, words: str) -> sa.CursorResult[Any]:
    try:
        result = connection.execute(sa.text(words.replace(":", r"\:")))
    except sa.exc.DBAPIError as error:
        raise _failed(error, url) from None
    if not result.returns_rows:
        raise SourceError(f"{_name(url)}: data.query gives no rows; expected a SELECT")
    return result


def _fetch(result: sa.CursorResult[Any], url: sa.URL) -> Sequence[Sequence[Any]]:
    try:
        return result.fetchmany(BATCH)
    except sa.exc.DBAPIError as error:  # some databases compute, and fail, only now
        raise _failed(error, url) from None


def _failed(error: sa.exc.DBAPIError, url: sa.URL) -> SourceError:
    return SourceError(f"{_name(url)}: data.query fails: {_why(error, url)}; correct it")


def _why(error: sa.exc.DBAPIError, url: sa.URL) -> str:
    line = str(error.orig).strip().splitlines()[0]
    return line.replace(str(url.password), "***") if url.password else line


def _check_names(url: sa.URL, names: list[str]) -> None:
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise SourceError(
            f"{_name(url)}: data.query gives two columns '{twice[0]}'; rename one with AS"
        )


def _table(names: list[str], rows: Sequence[Sequence[Any]]) -> pa.Table:
    columns = [pa.array([_text(row[i]) for row in rows], pa.string()) for i in range(len(names))]
    return pa.table(columns, names=names)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return str(int(value))
    return value.isoformat() if isinstance(value, date) else str(value)
