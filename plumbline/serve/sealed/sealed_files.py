"""The files of one day, from its rows. An edge: writes files.

Rows are kept beside in groups, because only the last row says which columns there are; then they are put together. The
bytes depend on the rows alone: not on the time zone, the language, or the number of processors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.core import arrow_columns, duckdb_session
from plumbline.core.sealed_days import KINDS, SealedKind
from plumbline.core.sql import PARQUET, literal, quote
from plumbline.serve.log import export
from plumbline.serve.log.description import LogDescription
from plumbline.serve.log.reader import AnyRow
from plumbline.serve.sealed import sealed_schemas

COMPRESSION = "zstd"
SPOOLED = ("events", "outcomes", "predictions")


@dataclass
class SpooledRows:
    """Rows of one kind, in groups of at most GROUP rows with the same columns, each in a file of `folder`."""

    kind: str
    folder: Path
    schemas: list[pa.Schema] = field(default_factory=list)
    waiting: list[dict[str, Any]] = field(default_factory=list)
    parts: list[Path] = field(default_factory=list)
    count: int = 0

    def begin(self, schema: pa.Schema) -> None:
        """Rows with these columns follow."""
        if not self.schemas or schema != self.schemas[-1]:
            self._spool()
            self.schemas.append(schema)

    def add(self, values: dict[str, Any]) -> None:
        """Take a row."""
        self.waiting.append(values)
        self.count += 1
        if len(self.waiting) == export.GROUP:
            self._spool()

    def write(self, path: Path) -> pa.Schema:
        """Put all groups together into a file."""
        self._spool()
        schema = arrow_columns.united(self.schemas)
        with pq.ParquetWriter(path, schema, compression=COMPRESSION) as writer:
            for part in self.parts:
                writer.write_table(arrow_columns.conformed(pq.read_table(part), schema))
        return schema

    def _spool(self) -> None:
        if self.waiting:
            path = self.folder / f"{self.kind}-{len(self.parts)}.parquet"
            pq.write_table(pa.Table.from_pylist(self.waiting, self.schemas[-1]), path)
            self.parts.append(path)
            self.waiting = []


def write(
    rows: Iterable[AnyRow], refused: Sequence[Mapping[str, Any]], folder: Path, scratch: Path
) -> dict[SealedKind, int]:
    """Write `KIND.parquet` of each kind into `folder`; how many rows each has.

    `refused`: counts of events that were not answered, by hour, column and problem.
    """
    spools = {kind: SpooledRows(kind, scratch) for kind in SPOOLED}
    described: LogDescription | None = None
    for one in rows:
        if one.description is not described:
            described = one.description
            for kind, schema in sealed_schemas.schemas(described).items():
                spools[kind].begin(schema)
        for kind, values in sealed_schemas.values(one):
            spools[kind].add(values)
    unsorted = scratch / "unsorted.parquet"
    columns = spools["events"].write(unsorted)
    _sort(unsorted, columns, described, folder / "events.parquet", scratch)
    for kind in ("outcomes", "predictions"):
        spools[kind].write(folder / f"{kind}.parquet")
    table = pa.Table.from_pylist(list(refused), pa.schema(list(sealed_schemas.REFUSED.items())))
    pq.write_table(table, folder / "refusals.parquet", compression=COMPRESSION)
    return {kind: spools[kind].count if kind in spools else table.num_rows for kind in KINDS}


def _sort(
    unsorted: Path, schema: pa.Schema, described: LogDescription | None, path: Path, scratch: Path
) -> None:
    """The events by time and key."""
    names = [name for name in schema.names if name != "__sequence"]
    if described is None:
        pq.write_table(pa.table({}), path)
        return
    by = [n for n in (described.time, described.key) if n] + ["__sequence"]
    rows = f"SELECT {', '.join(map(quote, names))} FROM read_parquet({literal(unsorted)})"
    order = ", ".join(f"{quote(n)} NULLS LAST" for n in by)
    with duckdb_session.connect(scratch) as connection:
        connection.execute(f"COPY ({rows} ORDER BY {order}) TO {literal(path)} ({PARQUET})")
