"""Files of a source typed side by side by the workers of a cluster, each by the code that does it on one machine.

A worker writes a file's typed rows as Parquet; this machine puts them together in the source's order. Whatever a worker
or the whole refuses, this machine reads again by itself, so that the message is the one of one machine.
"""

from __future__ import annotations

import logging
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from plumbline.core import duckdb_session, machine, spark_session
from plumbline.core.sql import literal
from plumbline.core.usecase import Contract
from plumbline.data import ingest, sources
from plumbline.data.casts import ROW_NUMBER
from plumbline.data.params import EventTable
from plumbline.data.sources import EventSource

log = logging.getLogger("plumbline")


@dataclass(frozen=True)
class TypedPart:
    """One file's rows as a worker wrote them; the columns that it has, and those that are not used."""

    path: str
    columns: tuple[str, ...]
    unused: tuple[str, ...]


@dataclass(frozen=True)
class ClusterSource:
    """A source of events, and how it is opened: `data`, the `seed`, the use case's `folder`, `scratch`."""

    usecase: Contract
    data: EventTable
    source: EventSource
    seed: int
    folder: Path
    scratch: Path

    @property
    def fits(self) -> bool:
        """Whether the machine has a cluster, and the source is files that can be read one without the other."""
        if machine.engine() == machine.DUCKDB or len(self.source.parts) < 2:
            return False
        if any(ROW_NUMBER in expression for expression in self.usecase.derive.values()):
            return False
        return self.data.source in ("parquet", "csv")

    def load(self, connection: duckdb.DuckDBPyConnection) -> list[str]:
        """As `ingest.load`, side by side where that can be."""
        typed = self._typed() if self.fits else []
        if typed and len({part.columns for part in typed}) == 1:
            ingest.create(connection, self.usecase)
            files = ", ".join(literal(part.path) for part in typed)
            connection.execute(f"INSERT INTO events FROM read_parquet([{files}])")
            if not ingest.mixed_times(connection, self.usecase):
                return list(typed[0].unused)
            connection.execute("DROP TABLE events")
        return ingest.load(connection, self.usecase, self.source)

    def _typed(self) -> list[TypedPart]:
        """The parts in their order; none where a worker could not type one."""
        whole = self._placed()
        parts = [replace(whole, parts=(part,)) for part in whole.parts]
        usecase, scratch = self.usecase, self.scratch.resolve()
        with spark_session.connect(machine.engine()) as session, _python_errors() as failed:
            spark_session.ship(session, Path.cwd())
            numbered = session.sparkContext.parallelize(list(enumerate(parts)), len(parts))
            done = numbered.map(lambda one: (one[0], _write(usecase, one[1], scratch))).collect()
            return [part for _, part in sorted(done, key=lambda one: one[0])]
        log.info("data: a worker cannot read a file: %s; this machine reads them", failed[0])
        return []

    def _placed(self) -> EventSource:
        """The source by its absolute path: a worker's current folder is another one."""
        path = self.data.path or ""
        if "://" not in path and not self.data.manifest:  # whose root is absolute already
            path = os.path.abspath(path)
        data = self.data.model_copy(update={"path": path})
        return sources.open_source(self.usecase, data, self.seed, self.folder, self.scratch)


@contextmanager
def _python_errors() -> Iterator[list[str]]:
    """The error of a worker, in a list."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    failed: list[str] = []
    try:
        yield failed
    except (PySparkException, Py4JJavaError) as error:
        failed.append(str(error).strip().splitlines()[-1])


def _write(usecase: Contract, source: EventSource, scratch: Path) -> TypedPart:
    """On a worker: the rows of a source of one part."""
    target = scratch / f"{uuid.uuid4().hex}.parquet"
    with (
        tempfile.TemporaryDirectory(prefix="plumbline-") as own,
        duckdb_session.connect(Path(own), threads=1) as connection,
    ):
        unused = ingest.load(connection, usecase, source)
        columns = ingest.first_columns(connection, source)
        beside = target.with_suffix(".part")
        connection.execute(f"COPY events TO {literal(beside)} (FORMAT parquet, COMPRESSION zstd)")
        os.replace(beside, target)
    return TypedPart(str(target), tuple(sorted(columns)), tuple(unused))
