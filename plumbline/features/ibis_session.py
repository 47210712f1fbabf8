"""The edge to DuckDB: a connection through Ibis that stays within a memory limit and spills to disk."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plumbline.core import duckdb_session
from plumbline.core.errors import SourceError, suggest
from plumbline.core.usecase import FeatureSet


@contextmanager
def connection(threads: int | None = None) -> Iterator[Any]:
    """An Ibis connection to a DuckDB of its own, with its spill folder; both end with the block."""
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
    return backend.create_table(name, table)


def lend(backend: Any, rows: Any) -> Any:
    """An Arrow table as an Ibis table of the backend, not copied.

    Ibis 12's `create_table(temp=True)` ends in SQL that DuckDB 2 refuses.
    """
    import ibis

    name = ibis.util.gen_name("lent")
    backend.con.register(name, rows)
    return backend.table(name)


def write(backend: Any, table: Any, path: Path) -> None:
    """`table`, which says its order, as Parquet: the same bytes at any number of threads."""
    backend.to_parquet(table, path, compression="zstd", row_group_size=122_880)


def batches(backend: Any, table: Any, size: int) -> Iterator[Any]:
    """`table` as Arrow record batches of at most `size` rows, computed as they are read.

    Ibis 12's own `to_pyarrow_batches` calls what DuckDB 2 no longer has.
    """
    yield from backend.con.sql(backend.compile(table)).to_arrow_reader(size)


def _read(backend: Any, folder: Path, kind: str, columns: list[str]) -> Any:
    if not any(folder.glob(f"{kind}-*.parquet")):
        raise SourceError(
            f"{folder}: no {kind}-*.parquet; run `dvc repro` so that the stage before writes them."
        )
    table = backend.read_parquet(f"{folder}/{kind}-*.parquet", table_name=kind)
    for name in columns:
        if name not in table.columns:
            raise SourceError(
                f"{folder}/{kind}-*.parquet: no column '{name}', which the contract declares; "
                f"{suggest(name, table.columns)}"
            )
    return table
