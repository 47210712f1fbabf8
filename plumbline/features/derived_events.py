"""Derived event features: row features kept with each event, for histories to count and sum.

Such a feature says of an event what its own columns do not, for example how far an amount lies above
its entity's mean. It is computed from histories of columns; histories of derived features follow.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pyarrow as pa

from plumbline.core import row_features, tables
from plumbline.core.usecase import FeatureSet
from plumbline.features import batch, ibis_session
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
    needed = joined.select(_inputs(derivation))
    derived = pa.Table.from_batches(
        _derived_batches(backend, usecase, needed), _schema(needed, usecase)
    )
    right = ibis_session.lend(backend, derived).rename({"__key": usecase.key})
    rows = events.left_join(right, events[usecase.key] == right["__key"]).drop("__key")
    return ibis_session.keep(backend, "with_derived", rows)


def _derived_batches(backend: Any, usecase: FeatureSet, needed: Any) -> Iterator[Any]:
    """Arrow batches of keys and derived features."""
    nullable = {c.name for c in usecase.columns if c.null}
    for rows in ibis_session.batches(backend, needed, tables.CHUNK):
        plain = pa.Table.from_batches([rows])
        columns = {n: tables.numpy(plain[n], null=n in nullable) for n in plain.column_names}
        computed = row_features.row_features(usecase.derivation, columns)
        derived = row_features.derived_features(usecase, columns | computed)
        arrays = [
            pa.array(v, pa.float64(), from_pandas=True).cast(pa.int64()) for v in derived.values()
        ]
        yield pa.RecordBatch.from_arrays(
            [rows.column(usecase.key), *arrays], schema=_schema(needed, usecase)
        )


def _schema(needed: Any, usecase: FeatureSet) -> Any:
    key = needed.schema().to_pyarrow().field(usecase.key)
    return pa.schema([key, *(pa.field(name, pa.int64()) for name in usecase.derived)])


def _inputs(derivation: FeatureSet) -> list[str]:
    computed = {r.name for r in derivation.rows}
    read = (i for r in derivation.rows for i in r.inputs if i not in computed)
    return list(dict.fromkeys([derivation.key, *read]))
