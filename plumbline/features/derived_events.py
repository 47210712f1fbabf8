"""Marks: row features kept with each event as they were at its time, for histories to count and sum.

A mark says of an event what its own columns do not, such as how far it lay above what was usual for
its entity. Made in two steps: histories of columns lead to the marks, and histories of marks follow.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pyarrow as pa

from plumbline.core import row_features, tables
from plumbline.core.usecase import UseCase
from plumbline.features import batch, engine


def kept(backend: Any, usecase: UseCase, events: Any, outcomes: Any, as_of: date) -> Any:
    """`events` with a column per mark, int64, null where the row feature is NaN; kept in the backend.

    Raises SpecError for a mark that is no whole number.
    """
    if not usecase.marks:
        return events
    case = usecase.marking
    made = {
        entity.name: engine.keep(
            backend,
            f"leading_{entity.name}",
            batch.snapshots(case, entity, events, outcomes, as_of),
        )
        for entity in case.entities
        if any(s.entity == entity.name for s in case.snapshots)
    }
    joined = batch.join_snapshots(case, batch.fresh(case, events), made)
    needed = joined.select(_inputs(case))
    found = pa.Table.from_batches(_made(backend, usecase, needed), _schema(needed, usecase))
    right = engine.lend(backend, found).rename({"__key": usecase.key})
    rows = events.left_join(right, events[usecase.key] == right["__key"]).drop("__key")
    return engine.keep(backend, "marked", rows)


def _made(backend: Any, usecase: UseCase, needed: Any) -> Iterator[Any]:
    """Arrow batches of keys and marks."""
    nullable = {c.name for c in usecase.columns if c.null}
    for rows in engine.batches(backend, needed, tables.CHUNK):
        plain = pa.Table.from_batches([rows])
        columns = {n: tables.numpy(plain[n], null=n in nullable) for n in plain.column_names}
        made = row_features.row_features(usecase.marking, columns)
        found = row_features.marks(usecase, columns | made)
        marks = [
            pa.array(v, pa.float64(), from_pandas=True).cast(pa.int64()) for v in found.values()
        ]
        yield pa.RecordBatch.from_arrays(
            [rows.column(usecase.key), *marks], schema=_schema(needed, usecase)
        )


def _schema(needed: Any, usecase: UseCase) -> Any:
    key = needed.schema().to_pyarrow().field(usecase.key)
    return pa.schema([key, *(pa.field(name, pa.int64()) for name in usecase.marks)])


def _inputs(case: UseCase) -> list[str]:
    made = {r.name for r in case.rows}
    read = (i for r in case.rows for i in r.inputs if i not in made)
    return list(dict.fromkeys([case.key, *read]))
