"""The edge to the engine: a connection through Ibis, to DuckDB on this machine or to a Spark cluster.

What is written has the same bytes with either. DuckDB stays within a memory limit and spills to disk.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from plumbline.core import duckdb_session, machine
from plumbline.core.errors import SourceError, suggest
from plumbline.core.sql import literal, quote
from plumbline.core.usecase import FeatureSet
from plumbline.features import spark_tables


@contextmanager
def connection(threads: int | None = None) -> Iterator[Any]:
    """An Ibis connection to a DuckDB of its own, with its spill folder; both end with the block.

    To a Spark cluster where the machine's engine is one: see `plumbline.features.spark_tables`.
    """
    engine = machine.engine()
    if engine == machine.DUCKDB:
        with _duckdb(threads) as backend:
            yield backend
    else:
        with spark_tables.connection(engine) as backend:
            yield backend


@contextmanager
def _duckdb(threads: int | None) -> Iterator[Any]:
    import ibis

    with tempfile.TemporaryDirectory(prefix="plumbline-") as folder, quiet():
        backend = ibis.duckdb.connect(**duckdb_session.settings(Path(folder), threads))
        try:
            with duckdb_session.file_errors():
                backend.raw_sql(duckdb_session.SESSION)
                yield backend
        finally:
            backend.disconnect()


@contextmanager
def quiet() -> Iterator[None]:
    """Without Ibis 12's warning that it calls by its old name what DuckDB 2 renamed: no user can correct it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "fetch_arrow_table", DeprecationWarning)
        yield


def read(backend: Any, usecase: FeatureSet, folder: Path) -> tuple[Any, Any]:
    """The events and the outcomes in `folder` as Ibis tables.

    Raises SourceError naming folder and column where files or declared columns are missing.
    """
    known = [c.name for c in usecase.known]
    extra = [] if usecase.time is None else ["known_at"]
    unknown = [usecase.key, *extra, *(c.name for c in usecase.unknown)]
    return _read(backend, folder, "events", known), _read(backend, folder, "outcomes", unknown)


def keep(backend: Any, name: str, table: Any) -> Any:
    """`table` computed once and kept as `name`, so that what builds on it does not repeat it."""
    if on_cluster(backend):
        return spark_tables.keep(backend, name, table)
    return backend.create_table(name, table)


def drop(backend: Any, table: Any) -> None:
    """Forget a table that was kept."""
    if not on_cluster(backend):
        backend.raw_sql(f'DROP TABLE "{table.op().name}"')


def scratch(backend: Any, table: Any, path: Path) -> Any:
    """`table` computed once and kept in a file, in no order, so that nothing of it stays in memory: on one machine."""
    backend.to_parquet(table, path, compression="snappy")
    return scan(backend, [path])


def split(
    backend: Any, whole: Path, column: str, starts: Sequence[int | date], paths: Sequence[Path]
) -> None:
    """Take a scratch file apart: the rows of the i-th of `paths` are those from `starts[i]` up to the next start."""
    if len(paths) == 1:
        os.replace(whole, paths[0])
        return
    for place, path in enumerate(paths):
        limits = zip((">=", "<"), starts[place : place + 2], strict=False)
        inside = " AND ".join(f"{quote(column)} {sign} {_sql(start)}" for sign, start in limits)
        backend.raw_sql(
            f"COPY (SELECT * FROM read_parquet({literal(str(whole))}) WHERE {inside}) "
            f"TO {literal(str(path))} (FORMAT parquet, COMPRESSION snappy)"
        )
    whole.unlink()


def _sql(start: int | date) -> str:
    return f"TIMESTAMP '{start}'" if isinstance(start, date) else str(start)


def scan(backend: Any, paths: Sequence[Path]) -> Any:
    """Parquet files with the same columns as one Ibis table: on one machine."""
    import ibis

    return backend.read_parquet([str(p) for p in paths], table_name=ibis.util.gen_name("scan"))


def lend(backend: Any, rows: Any) -> Any:
    """An Arrow table as an Ibis table of the backend, not copied.

    Ibis 12's `create_table(temp=True)` ends in SQL that DuckDB 2 refuses.
    """
    import ibis

    name = ibis.util.gen_name("lent")
    if on_cluster(backend):
        return spark_tables.lend(backend, rows, name)
    backend.con.register(name, rows)
    return backend.table(name)


def write(backend: Any, table: Any, path: Path, required: Collection[str] = ()) -> None:
    """`table`, which says its order, as Parquet: the same bytes at any number of threads, and on a cluster.

    `required`: the columns that DuckDB knows to hold no null, which Parquet declares so; see `never_null`.
    """
    if on_cluster(backend):
        spark_tables.write(backend, table, path, required)
    else:
        backend.to_parquet(table, path, compression="zstd", row_group_size=spark_tables.ROW_GROUP)


def never_null(backend: Any, table: Any) -> Collection[str]:
    """On a cluster, the columns of a table that was read or kept which DuckDB would know to hold no null."""
    if not on_cluster(backend):
        return ()
    source = table.op()
    while not hasattr(source, "name"):
        source = source.parent
    return frozenset(backend.never_null.get(source.name, ()))


def batches(backend: Any, table: Any, size: int) -> Iterator[Any]:
    """`table` as Arrow record batches of at most `size` rows, computed as they are read.

    Ibis 12's own `to_pyarrow_batches` calls what DuckDB 2 no longer has.
    """
    if on_cluster(backend):
        yield from spark_tables.batches(backend, table, size)
        return
    yield from backend.con.sql(backend.compile(table)).to_arrow_reader(size)


def on_cluster(backend: Any) -> bool:
    """Whether workers of a cluster compute, and not this process."""
    return str(backend.name) == spark_tables.NAME


def _read(backend: Any, folder: Path, kind: str, columns: list[str]) -> Any:
    if not any(folder.glob(f"{kind}-*.parquet")):
        raise SourceError(
            f"{folder}: no {kind}-*.parquet; run `dvc repro` so that the stage before writes them."
        )
    if on_cluster(backend):
        table = spark_tables.read_parquet(backend, folder, f"{kind}-*.parquet", kind)
    else:
        table = backend.read_parquet(f"{folder}/{kind}-*.parquet", table_name=kind)
    for name in columns:
        if name not in table.columns:
            raise SourceError(
                f"{folder}/{kind}-*.parquet: no column '{name}', which the contract declares; "
                f"{suggest(name, table.columns)}"
            )
    return table
