"""Derived event features: row features kept with each event, for histories to count and sum.

Such a feature says of an event what its own columns do not, for example how far an amount lies above
its entity's mean. It is computed from histories of columns; histories of derived features follow.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.core import row_features, tables
from plumbline.core.usecase import FeatureSet
from plumbline.features import batch, ibis_session, spark_tables
from plumbline.features import grain as grains


def with_derived(backend: Any, usecase: FeatureSet, events: Any, outcomes: Any, as_of: date) -> Any:
    """`events` with a column per derived feature, int64, null where it is NaN; kept in the backend.

    Raises SpecError for a value that is no whole number.
    """
    if not usecase.derived:
        return events
    derivation = usecase.derivation
    by_entity = {
        name: ibis_session.keep(
            backend,
            f"leading_{name}",
            batch.snapshots(derivation, entity, events, outcomes, as_of, grain),
        )
        for name, entity, grain in grains.stored(derivation)
    }
    joined = batch.join_snapshots(derivation, batch.fresh(derivation, events, outcomes), by_entity)
    if ibis_session.on_cluster(backend):
        return _on_workers(backend, usecase, joined)
    batches = _completed(backend, usecase, joined, [usecase.key])
    first = next(batches)
    derived = pa.Table.from_batches([first, *batches])
    right = ibis_session.lend(backend, derived).rename({"__key": usecase.key})
    rows = events.left_join(right, events[usecase.key] == right["__key"]).drop("__key")
    return ibis_session.keep(backend, "with_derived", rows)


def _on_workers(backend: Any, usecase: FeatureSet, joined: Any) -> Any:
    """As `with_derived`, on a cluster: the workers compute the features, batch by batch."""
    names, inputs = [c.name for c in usecase.known], _inputs(usecase.derivation)
    nullable = {c.name for c in usecase.columns if c.null}
    rows = joined.select(list(dict.fromkeys([*names, *inputs])))
    empty = pa.RecordBatch.from_pylist([], schema=rows.schema().to_pyarrow())
    schema = _with_columns(usecase, empty, names, inputs, nullable).schema

    def complete(batch: Any) -> Any:
        return _with_columns(usecase, batch, names, inputs, nullable)

    return spark_tables.map_batches(backend, rows, schema, complete, "with_derived")


def write(backend: Any, usecase: FeatureSet, joined: Any, path: Path) -> None:
    """Write events with a column per derived feature, as `with_derived` has them, to a file, in no order.

    `joined`: the events with the histories that the derived features are computed from.
    """
    batches = _completed(backend, usecase, joined, [c.name for c in usecase.known])
    first = next(batches)
    texts = [f.name for f in first.schema if pa.types.is_string(f.type)]
    with pq.ParquetWriter(path, first.schema, compression="snappy", use_dictionary=texts) as writer:
        writer.write_batch(first)
        for rows in batches:
            writer.write_batch(rows)


def _completed(
    backend: Any, usecase: FeatureSet, joined: Any, names: Sequence[str]
) -> Iterator[Any]:
    """Arrow batches of these columns and the derived features; where there is no row, one without."""
    inputs = _inputs(usecase.derivation)
    rows = joined.select(list(dict.fromkeys([*names, *inputs])))
    empty = pa.RecordBatch.from_pylist([], schema=rows.schema().to_pyarrow())
    nullable = {c.name for c in usecase.columns if c.null}
    seen = False
    for one in chain(ibis_session.batches(backend, rows, tables.CHUNK), [empty]):
        if one.num_rows or not seen:
            seen = True
            yield _with_columns(usecase, one, names, inputs, nullable)


def _with_columns(
    usecase: FeatureSet,
    rows: Any,
    names: Sequence[str],
    inputs: Sequence[str],
    nullable: Collection[str],
) -> Any:
    derived: Mapping[str, Any] = dict.fromkeys(usecase.derived, ())
    if rows.num_rows:
        plain = pa.Table.from_batches([rows])
        columns = {n: tables.numpy(plain[n], null=n in nullable) for n in inputs}
        computed = row_features.row_features(usecase.derivation, columns)
        derived = row_features.derived_features(usecase, columns | computed)
    arrays = [
        pa.array(v, pa.float64(), from_pandas=True).cast(pa.int64()) for v in derived.values()
    ]
    fields = [rows.schema.field(n) for n in names] + [pa.field(n, pa.int64()) for n in derived]
    return pa.RecordBatch.from_arrays(
        [*(rows.column(n) for n in names), *arrays], schema=pa.schema(fields)
    )


def _inputs(derivation: FeatureSet) -> list[str]:
    computed = {r.name for r in derivation.rows}
    read = (i for r in derivation.rows for i in r.inputs if i not in computed)
    return list(dict.fromkeys([derivation.key, *read]))
