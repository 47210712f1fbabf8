"""A session on a cluster: what it computes with, and what is missing where there is none."""

from __future__ import annotations

import importlib.util
import socket
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from bench.spark_cluster import Cluster
from plumbline.core import duckdb_session, spark_session
from plumbline.core.errors import PlumblineError
from plumbline.features import spark_tables

ROOT = Path(__file__).resolve().parents[2]


def test_times_are_utc_and_overflow_is_an_error(session: Any) -> None:
    from pyspark.errors import ArithmeticException

    row = session.sql("SELECT current_timezone() zone, TIMESTAMP '1969-12-31 23:59:59.999999' t")
    assert row.toArrow().to_pylist()[0]["zone"] == "UTC"
    assert row.toArrow().schema.field("t").type.tz is None
    with pytest.raises(ArithmeticException, match="overflow"):
        session.sql("SELECT 9223372036854775807L + id FROM range(3)").collect()


def test_both_workers_take_part_with_this_python_and_the_projects_code(session: Any) -> None:
    def where(_: int) -> tuple[str, str, str]:
        import os
        import time

        import usecases.card_fraud.contract as contract
        from plumbline.core import machine

        time.sleep(0.5)
        return os.environ["SPARK_EXECUTOR_DIRS"], sys.executable, machine.DUCKDB + contract.__name__

    spark_session.ship(session, ROOT)
    parts = session.sparkContext.parallelize(range(4), 4).map(where).collect()
    assert len({executor for executor, _, _ in parts}) == 2
    assert {python for _, python, _ in parts} == {sys.executable}
    assert {code for _, _, code in parts} == {"duckdbusecases.card_fraud.contract"}


def test_an_error_of_a_function_on_workers(tmp_path: Path, session: Any) -> None:
    """It is raised here as on one machine: in its own words."""
    import ibis

    backend = ibis.pyspark.connect(session)
    with duckdb_session.connect(tmp_path) as backend.writer:
        backend.scratch, backend.never_null, backend.kept = tmp_path, {}, {}
        rows = pa.table({"n": [1, 2, 3]})
        table = spark_tables.lend(backend, rows, "numbers")

        def refuse(batch: Any) -> Any:
            if "number" not in batch.column_names:
                raise PlumblineError(f"{batch.num_rows} rows, expected numbers")
            return batch

        with pytest.raises(PlumblineError, match=r"^3 rows, expected numbers$"):
            spark_tables.map_batches(backend, table, rows.schema, refuse)


def test_no_worker_is_left(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job would wait for ever; here for half a second."""
    from py4j.protocol import Py4JError

    monkeypatch.setattr(spark_session, "WORKERS", 0.5)
    monkeypatch.setattr(spark_session, "_executors", lambda session: 0)
    cancelled = threading.Event()
    session = SimpleNamespace(sparkContext=SimpleNamespace(cancelAllJobs=cancelled.set))

    def job() -> None:
        with (
            spark_session._failures("spark://m:1"),
            spark_session._watched(session, "spark://m:1"),
        ):
            cancelled.wait()
            raise Py4JError("job cancelled")

    with pytest.raises(
        PlumblineError, match=r"no worker of spark://m:1 is left since 0\.5 s; start"
    ):
        job()


def test_a_job_that_fails(cluster: Cluster) -> None:
    from py4j.protocol import Py4JError

    with (
        pytest.raises(
            PlumblineError, match=r"a job on spark://m:1 failed: disk full; see the logs"
        ),
        spark_session._failures("spark://m:1"),
    ):
        raise Py4JError("disk full")


def test_a_master_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"spark://127.0.0.1:{closed.getsockname()[1]}"
    with (
        pytest.raises(PlumblineError, match=rf"expected a Spark master at {address}, found none"),
        spark_session.connect(address),
    ):
        pass


def test_without_pyspark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PlumblineError, match=r"expected pyspark .*; run `make install-spark`"):
        spark_session.home()


@pytest.mark.parametrize(
    ("version", "result"), [("11.0.2", r"Java 11 \("), ("1.8.0_292", "Java 8")]
)
def test_an_old_java(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, result: str
) -> None:
    program = tmp_path / "bin" / "java"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    program.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(PlumblineError, match=f"expected Java 17 or newer .* found {result}"):
        spark_session.java()


def test_without_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PlumblineError, match=r"expected Java 17 or newer .* found none; install"):
        spark_session.java()
