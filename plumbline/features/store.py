"""The edge to Feast: the registry, the historical join, the online store.

The registry and the online store are products: `apply` and `materialize` rebuild them from the
use case and its snapshots. Feast takes seconds to import; this module imports it when called.
"""

from __future__ import annotations

import importlib
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from plumbline.core.declarations import EVERY_EVENT, EVERY_ID
from plumbline.core.errors import PlumblineError, suggest
from plumbline.core.usecase import FeatureSet
from plumbline.features import batch, catalog, definitions, ibis_session, shared_views

REPOSITORY = Path("feature_store")
JOINED_AT_ONCE = 200_000
"""Rows from which Feast joins month by month: it pairs an event with every row of its entity."""


def apply(usecase: FeatureSet, repository: Path, folder: Path, *, alone: bool = False) -> list[str]:
    """Write the use case's entities, views and feature service to the registry; returns their names.

    `folder` holds the snapshots. What another use case keeps is compared with what that one registered, and
    not written again; `alone`: it is written, too, to a store that no other use case is in.
    Raises PlumblineError, as all here do, where the store's files are damaged or held by another process.
    """
    declared = definitions.build(usecase, folder)
    with _store_errors(repository):
        feast = opened(repository)
        if not alone:
            declared = shared_views.own(feast, usecase, declared)
        feast.apply(declared)
    return [d.name for d in declared]


def materialize(usecase: FeatureSet, as_of: date, repository: Path = REPOSITORY) -> None:
    """Bring the online store to the day `as_of`: each entity's last row up to its midnight.

    The snapshots close every history with a row of defaults, so no id keeps a value that has aged.
    """
    views = [view.name for view in catalog.views(usecase) if not view.kept_by]
    end = datetime.combine(as_of, datetime.min.time(), UTC)
    with _bounded(), _store_errors(repository):
        feast = _applied(repository, usecase)
        if views:
            feast.materialize(datetime(1970, 1, 2, tzinfo=UTC), end, views)


def online(
    usecase: FeatureSet, ids: Mapping[str, Sequence[Any]], repository: Path = REPOSITORY
) -> dict[str, list[float]]:
    """The snapshot and hourly features of n events from the online store, in the declared order.

    `ids` holds n ids for each entity column; an entity of all events needs none. An id that was never seen gets the declared defaults.
    The store is opened for this call, which takes far longer than the answer: see `read`.
    """
    with _store_errors(repository):
        return read(_applied(repository, usecase), usecase, ids)


def read(
    store: Any, usecase: FeatureSet, ids: Mapping[str, Sequence[Any]]
) -> dict[str, list[float]]:
    """As `online`, from a store of Feast's that stays open: for a process that answers requests."""
    ids = _with_every(usecase, ids)
    for view in catalog.views(usecase):
        if view.join_key not in ids:
            raise PlumblineError(
                f"online features of {usecase.name}: no ids for '{view.join_key}'; "
                f"{suggest(view.join_key, ids)}"
            )
    rows = [dict(zip(ids, row, strict=True)) for row in zip(*ids.values(), strict=True)]
    service = store.get_feature_service(usecase.name)
    values = store.get_online_features(features=service, entity_rows=rows).to_dict()
    return {
        spec.name: [spec.empty_value if v is None else v for v in values[spec.name]]
        for spec in usecase.stored
    }


def join_snapshots(usecase: FeatureSet, events: Any, folder: Path) -> Any:
    """`events` with the snapshot features as of each event, by Feast's point-in-time join.

    `folder` holds the snapshots' files. Equal to `batch.join_snapshots` on every row, and slower.
    """
    import pyarrow as pa

    keys = dict.fromkeys(view.join_key for view in catalog.views(usecase))
    rows = events.select(
        __key=events[usecase.key],
        event_timestamp=events[usecase.time].cast("timestamp('UTC', 6)"),
        **{name: _key(events, name) for name in keys},
    )
    with _bounded():
        parts = [_join(usecase, part, folder, month) for part, month in _months(rows)]
        right = ibis_session.lend(events.get_backend(), pa.concat_tables(parts))
    joined = events.left_join(right, events[usecase.key] == right["__key"]).drop("__key")
    return batch.fill(usecase.stored, joined)


def _with_every(
    usecase: FeatureSet, ids: Mapping[str, Sequence[Any]]
) -> Mapping[str, Sequence[Any]]:
    """`ids` with the one id of the history of all events, where it is declared."""
    if EVERY_EVENT not in {e.key for e in usecase.entities}:
        return ids
    count = max((len(values) for values in ids.values()), default=1)
    return {**ids, EVERY_EVENT: [EVERY_ID] * count}


def _key(events: Any, name: str) -> Any:
    import ibis

    return ibis.literal(EVERY_ID, "int64") if name == EVERY_EVENT else events[name]


def _months(rows: Any) -> Iterator[tuple[Any, str]]:
    """The rows as frames, and the files that each needs: all, or month by month where many."""
    if rows.count().to_pyarrow().as_py() < JOINED_AT_ONCE:
        yield _frame(rows), definitions.EVERY
        return
    month = rows.event_timestamp.strftime("%Y-%m")
    names = month.name("month").as_table().distinct().to_pyarrow().column("month").to_pylist()
    for name in sorted(names):
        yield _frame(rows.filter(month == name)), name


def _frame(rows: Any) -> Any:
    """A pandas frame whose integers stay integers beside nulls."""
    import pandas as pd
    import pyarrow as pa

    return rows.to_pyarrow().to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)


def _join(usecase: FeatureSet, rows: Any, folder: Path, month: str) -> Any:
    """One month's keys and snapshot features, as an Arrow table in no particular order."""
    with tempfile.TemporaryDirectory(prefix="plumbline-feast-") as scratch:
        store = library().FeatureStore(config=_embedded(Path(scratch)))
        store.apply(definitions.build(usecase, folder.resolve(), month))
        service = store.get_feature_service(usecase.name)
        joined = store.get_historical_features(entity_df=rows, features=service).to_arrow()
    return joined.select(["__key", *(s.name for s in usecase.stored)])


def library() -> Any:
    """The library; its import sets warning filters for the whole process, which end here.

    It rewrites its classes to check types at run time, which takes most of its import: not here.
    """
    typeguard: Any = importlib.import_module("typeguard")
    checked, typeguard.typechecked = typeguard.typechecked, lambda target: target
    try:
        with warnings.catch_warnings():
            import feast
    finally:
        typeguard.typechecked = checked
    return feast


def opened(repository: Path) -> Any:
    """Feast's store in a folder; PlumblineError where the folder has no feature_store.yaml."""
    if not (repository / "feature_store.yaml").is_file():
        raise PlumblineError(f"{repository}: no feature_store.yaml; run from the project's root")
    return library().FeatureStore(repo_path=str(repository))


def _applied(repository: Path, usecase: FeatureSet) -> Any:
    """The store, once the use case's definitions are in its registry."""
    store = opened(repository)
    if usecase.name not in [service.name for service in store.list_feature_services()]:
        raise PlumblineError(
            f"{repository}: the registry does not know '{usecase.name}'; "
            f"run `plumbline features apply {usecase.name}`"
        )
    return store


@contextmanager
def _store_errors(repository: Path) -> Iterator[None]:
    """Raise errors with the store's own files, which can be rebuilt, as one PlumblineError."""
    from google.protobuf.message import DecodeError

    try:
        yield
    except (DecodeError, sqlite3.DatabaseError) as error:
        raise PlumblineError(
            f"{repository}: the feature store's files cannot be used ({error}); if no other process "
            f"holds them, remove {repository}/*.db and run `plumbline features materialize`"
        ) from None


def _embedded(folder: Path) -> Any:
    """A store of its own for one join: nothing of it is kept."""
    from feast.repo_config import RepoConfig

    return RepoConfig(
        project="plumbline",
        provider="local",
        registry=str(folder / "registry.db"),
        online_store={"type": "sqlite", "path": str(folder / "online.db")},
        offline_store={"type": "duckdb"},
        entity_key_serialization_version=3,
        repo_path=str(folder),
    )


@contextmanager
def _bounded() -> Iterator[None]:
    """Feast's own queries in a DuckDB that keeps to the memory limit."""
    import ibis

    library()
    before = ibis.options.default_backend
    with ibis_session.connection() as backend:
        ibis.set_backend(backend)
        try:
            yield
        finally:
            ibis.options.default_backend = before
