"""The result of an SQL query as a source, by SQLAlchemy: read in batches, a column of one kind of value typed,
of several as text, so that all sources are judged by one rule."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from plumbline.core.errors import SourceError
from plumbline.core.usecase import Contract
from plumbline.data import headers, sql_values
from plumbline.data.environment import expand
from plumbline.data.sources import EventSource, SourcePart

BATCH = 10_000  # rows


@dataclass(frozen=True)
class Query:
    """A SELECT at an address, and the columns of its result that the use case reads."""

    url: sa.URL
    words: str
    usecase: Contract

    @property
    def name(self) -> str:
        """The database without user, password, host and folder."""
        return _name(self.url)


def query(address: str, words: str, usecase: Contract) -> EventSource:
    """The rows that `words` selects at `address`, in which `expand` fills in variables."""
    wanted = Query(_url(address), words, usecase)

    def chunks(connection: duckdb.DuckDBPyConnection) -> Generator[str]:
        with closing(_batches(wanted)) as batches:
            for batch in batches:
                connection.register("queried", batch)
                yield "queried"

    name = wanted.name
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


def _batches(wanted: Query) -> Generator[pa.Table]:
    """The result; at least one table. Nothing that the query changes is kept."""
    engine = _engine(wanted.url)
    try:
        with (
            _connect(engine, wanted.url) as connection,
            closing(_execute(connection, wanted.url, wanted.words)) as result,
        ):
            names = list(result.keys())
            _check_names(wanted.url, names)
            usable = headers.usable(wanted.name, names, wanted.usecase)
            used = headers.used(wanted.usecase, names)
            before = 0
            yield pa.table({n: pa.array([], pa.string()) for n in usable})
            while rows := _fetch(result, wanted.url):
                values = [[r[i] for r in rows] for i in range(len(names))]
                yield pa.table(
                    {
                        shown: sql_values.array(values[i], wanted.name, n, before)
                        if n in used
                        else pa.nulls(len(rows), pa.string())
                        for i, (n, shown) in enumerate(zip(names, usable, strict=True))
                    }
                )
                before += len(rows)
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
