"""Great Expectations on frames of a Spark cluster: whether any row of many files breaks a check.

The suite is the one of frames on this machine. The workers read the files by the query that this machine would run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from plumbline.core import duckdb_session, machine, spark_session
from plumbline.validate.check import ContractCheck
from plumbline.validate.expectations import Checker, CheckResult

ROWS = 65_536
"""Of an Arrow batch that a worker hands over."""


@contextmanager
def opened() -> Iterator[Checker]:
    """What runs checks: also on the cluster that the machine's engine names, if it does."""
    engine = machine.engine()
    if engine == machine.DUCKDB:
        yield Checker()
        return
    with spark_session.connect(engine) as session:  # before Great Expectations looks for pyspark
        spark_session.ship(session, Path.cwd())
        yield ClusterChecker(session)


class ClusterChecker(Checker):
    """Runs checks over frames of this machine, and over queries whose rows the workers read."""

    def __init__(self, session: Any) -> None:
        super().__init__()
        self._session = session
        source = self.context.data_sources.add_spark("files of a cluster")
        asset = source.add_dataframe_asset("rows of a cluster")
        self._cluster_batch = asset.add_batch_definition_whole_dataframe("all")

    def run_queries(
        self,
        connection: duckdb.DuckDBPyConnection,
        queries: Sequence[str],
        checks: Sequence[ContractCheck],
        rows: int,
    ) -> list[CheckResult]:
        """One result per check over the rows of all queries, so many `rows`; what it lists has no order.

        The queries have the same columns, one for each check's `shown`. `connection`: where their types are asked for.
        """
        frame = self._frame(connection, queries)
        batch = self._cluster_batch.get_batch({"dataframe": frame})
        return self.results(batch, checks, rows)

    def repeats(self, connection: duckdb.DuckDBPyConnection, queries: Sequence[str]) -> Any:
        """The values of the one column of all queries that stand there more than once, and how often, as Arrow."""
        from pyspark.sql import functions as spark

        frame = self._frame(connection, queries).toDF("key")
        counted = frame.groupBy("key").agg(spark.count(spark.lit(1)).alias("n"))
        return counted.where("key IS NOT NULL AND n > 1").toArrow()

    def _frame(self, connection: duckdb.DuckDBPyConnection, queries: Sequence[str]) -> Any:
        from pyspark.sql.pandas.types import from_arrow_schema

        schema = connection.sql(queries[0]).limit(0).to_arrow_table().schema
        numbered = self._session.sparkContext.parallelize([(q,) for q in queries], len(queries))
        kinds = from_arrow_schema(schema, prefer_timestamp_ntz=True)
        return numbered.toDF("query string").mapInArrow(_rows, kinds)


def _rows(batches: Iterable[Any]) -> Iterator[Any]:
    """On a worker: the rows of each query."""
    for batch in batches:
        for query in batch.column("query").to_pylist():
            with (
                tempfile.TemporaryDirectory(prefix="plumbline-") as scratch,
                duckdb_session.connect(Path(scratch), threads=1) as connection,
            ):
                relation = connection.sql(query)
                yield from relation.to_arrow_reader(ROWS)
