"""The edge to Spark: what `ibis_session` does by DuckDB, on a cluster, and the same bytes.

A table that is read again, or written, is computed by the workers into scratch Parquet; what becomes an out is read
from there in its order by DuckDB, whose writer is the one of both engines.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from plumbline.core import duckdb_session, spark_errors, spark_session
from plumbline.core.errors import PlumblineError
from plumbline.core.sql import literal, quote

NAME = "pyspark"
"""What Ibis calls the engine."""
ROW_GROUP = 122_880
MAPPED = 10_000
"""Rows of a batch that a worker hands to a function: Spark's own number."""
STAGED = "staged"
OPTIONAL = "CASE WHEN random() < 0 THEN NULL ELSE {0} END AS {0}"
"""A column that may hold a null, for all that DuckDB can know."""


@contextmanager
def connection(master: str) -> Iterator[Any]:
    """An Ibis connection to a session on the cluster of `master`, with scratch; all end with the block."""
    import ibis

    with ExitStack() as stack:
        session = stack.enter_context(spark_session.connect(master))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="plumbline-"))
        backend = ibis.pyspark.connect(session)
        backend.scratch, backend.never_null, backend.kept = Path(folder), {}, {}
        backend.writer = stack.enter_context(duckdb_session.connect(Path(folder)))
        yield backend


def read_parquet(backend: Any, folder: Path, pattern: str, name: str) -> Any:
    """The files of `folder` as the Ibis table `name`."""
    files = sorted(folder.resolve().glob(pattern))
    backend._session.read.parquet(*(f.as_uri() for f in files)).createOrReplaceTempView(name)
    backend.never_null[name] = _never_null(files) if len(files) == 1 else frozenset()
    return backend.table(name)


def keep(backend: Any, name: str, table: Any) -> Any:
    """`table` computed once, as the Ibis table `name`."""
    return _as_table(backend, _computed(backend, table), name)


def _as_table(backend: Any, folder: Path, name: str) -> Any:
    kept = read_parquet(backend, folder, "*.parquet", name)
    backend.never_null[name] = _never_null(folder.glob("*.parquet"))
    backend.kept[name] = folder
    return kept


def write_months(
    backend: Any, kept: str, column: str, folder: Path, name: str, until: date
) -> None:
    """The table kept as `kept`, in its order and without nulls, as `<name>-YYYY-MM.parquet` by the month of `column`;
    an empty file of the month of `until` where it has no rows."""
    rows, moment = _rows(backend.kept[kept]), quote(column)
    months = duckdb_session.rows(
        backend.writer,
        f"SELECT DISTINCT date_trunc('month', {moment})::DATE FROM ({rows}) ORDER BY 1",
    )
    for (first,) in months or [(until.replace(day=1),)]:
        after = (first + timedelta(days=31)).replace(day=1)
        inside = f"{moment} >= TIMESTAMP '{first}' AND {moment} < TIMESTAMP '{after}'"
        backend.writer.execute(
            f"CREATE OR REPLACE TABLE {STAGED} AS SELECT * FROM ({rows}) WHERE {inside}"
        )
        _write(backend.writer.sql(f"FROM {STAGED}"), folder / f"{name}-{first:%Y-%m}.parquet")


def lend(backend: Any, rows: Any, name: str) -> Any:
    """An Arrow table as the Ibis table `name`."""
    folder = backend.scratch / name
    folder.mkdir()
    pq.write_table(rows, folder / "rows.parquet", compression="zstd")
    return read_parquet(backend, folder, "*.parquet", name)


def batches(backend: Any, table: Any, size: int) -> Iterator[Any]:
    """`table`, computed by the workers, as Arrow record batches in the order that it says."""
    yield from stored_batches(backend, _computed(backend, table), size)


def map_batches(
    backend: Any, table: Any, schema: Any, function: Callable[[Any], Any], name: str = ""
) -> Any:
    """`function` of the Arrow batches of `table`, which the workers compute and hand it, in their order.

    `schema`: of the batches that it gives. Computed once: as the Ibis table `name`; without a name, the folder of it.
    """
    from pyspark.sql.pandas.types import from_arrow_schema

    def mapped(batches: Iterator[Any]) -> Iterator[Any]:
        return map(function, (b for b in batches if b.num_rows))

    spark_session.ship(backend._session, Path.cwd())
    frame = backend._session.sql(backend.compile(table))
    kinds = from_arrow_schema(schema, prefer_timestamp_ntz=True)
    try:
        folder = _written(backend, frame.mapInArrow(mapped, kinds))
    except spark_errors.failures() as error:
        for batch in batches(backend, table, MAPPED):
            function(batch)  # raises what it raises on one machine
        raise PlumblineError(f"engine: a job failed: {spark_errors.reason(error)}") from None
    return _as_table(backend, folder, name) if name else folder


def stored_batches(backend: Any, folder: Path, size: int) -> Iterator[Any]:
    """The rows of a folder that `map_batches` gave, in their order, as Arrow record batches."""
    yield from backend.writer.sql(_rows(folder)).to_arrow_reader(size)


def write(backend: Any, table: Any, path: Path, required: Collection[str]) -> None:
    """`table` as Parquet; the columns `required`, which hold no null, are declared so in the file.

    DuckDB declares a column so where it knows that it holds no null: of a table, not of many files.
    """
    rows, columns = _rows(_computed(backend, table)), table.columns
    shown = [quote(n) if n in required else OPTIONAL.format(quote(n)) for n in columns]
    if any(n in required for n in columns):
        backend.writer.execute(f"CREATE OR REPLACE TABLE {STAGED} AS {rows}")
        rows = f"FROM {STAGED}"
    _write(backend.writer.sql(f"SELECT {', '.join(shown)} FROM ({rows})"), path)


def _write(relation: Any, path: Path) -> None:
    relation.write_parquet(str(path), compression="zstd", row_group_size=ROW_GROUP)


def _rows(folder: Path) -> str:
    """SQL: the rows of the folder's files, in the order of their names."""
    files = [literal(str(file)) for file in sorted(folder.glob("*.parquet"))]
    return f"SELECT * FROM read_parquet([{', '.join(files)}])"


def _never_null(files: Iterable[Path]) -> frozenset[str]:
    """The columns in which no file has a null, by what the files say."""
    common: set[str] | None = None
    for file in files:
        full = _full(pq.read_metadata(file))
        common = full if common is None else common & full
    return frozenset(common or ())


def _full(metadata: Any) -> set[str]:
    names = set(metadata.schema.to_arrow_schema().names)
    for i in range(metadata.num_row_groups):
        group = metadata.row_group(i)
        for j in range(group.num_columns):
            column = group.column(j)
            counted = column.statistics
            if counted is None or not counted.has_null_count or counted.null_count:
                names.discard(column.path_in_schema)
    return names


def _computed(backend: Any, table: Any) -> Path:
    """A folder of Parquet files with the rows of `table`, in its order by their names."""
    return _written(backend, backend._session.sql(backend.compile(table)))


def _written(backend: Any, frame: Any) -> Path:
    """As `_computed`, of a frame. Raises PlumblineError where the workers wrote rows that this machine does not see."""
    from pyspark.sql import Observation
    from pyspark.sql import functions as spark

    folder: Path = backend.scratch / uuid.uuid4().hex
    written = Observation()
    frame = frame.observe(written, spark.count(spark.lit(1)).alias("rows"))
    frame.write.parquet(folder.as_uri(), compression="zstd")
    _check(folder, written.get["rows"])
    return folder


def _check(folder: Path, rows: int) -> None:
    seen = sum(pq.read_metadata(file).num_rows for file in folder.glob("*.parquet"))
    if seen != rows:
        raise PlumblineError(
            f"engine: expected {rows} rows of Spark's workers in {folder}, found {seen}; the workers must see the "
            "same folder: set TMPDIR to one on storage that all machines share"
        )
