"""Feast's definitions, made from a use case: entities, feature views, the model's feature service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plumbline.core.declarations import Entity, Hourly, Snapshot
from plumbline.core.errors import SpecError
from plumbline.core.usecase import FeatureSet
from plumbline.features import catalog, live_definitions
from plumbline.features import grain as grains
from plumbline.features.catalog_documents import FeatureView
from plumbline.features.definition_items import Definitions
from plumbline.features.grain import Grain

EVERY = "[0-9]*"
LOST = "_y"
"""Feast's historical join drops every column with this ending."""


def build(usecase: FeatureSet, folder: Path, month: str = EVERY) -> list[Any]:
    """Feast's entities, feature views (TTL one day, or one hour) and the model's feature service.

    The views read the snapshots' files in `folder`: all, or where there is one that of `month`.
    Raises SpecError for a feature name that Feast's join would lose.
    """
    from feast import FeatureService

    lost = [s.name for s in usecase.stored if s.name.endswith(LOST)]
    if lost:
        raise SpecError(
            f"usecases/{usecase.name}/features.py: '{lost[0]}' ends with '{LOST}', and Feast's join drops such "
            "columns; rename it."
        )
    items = live_definitions.of(usecase)
    stored = list(zip(catalog.versioned_views(usecase, items), grains.stored(usecase), strict=True))
    entities = {e.name: _entity(usecase, e) for _, (_, e, _) in stored}
    views = [
        _view(usecase, items, v, entities[e.name], _files(folder, name, month), grain)
        for v, (name, e, grain) in stored
    ]
    service = FeatureService(
        name=usecase.name,
        features=views,
        description=usecase.title,
        owner=usecase.owner,
        tags={
            **{"usecase": usecase.name, "problem": usecase.problem},
            "version": str(usecase.version),
        },
    )
    return [*entities.values(), *views, service]


def _entity(usecase: FeatureSet, entity: Entity) -> Any:
    from feast import Entity as FeastEntity
    from feast import ValueType

    kinds = {"int": ValueType.INT64, "string": ValueType.STRING, "bool": ValueType.BOOL}
    kind = "int" if entity.column is None else usecase.column(entity.column).type
    if kind not in kinds:
        raise SpecError(
            f"usecases/{usecase.name}/features.py: the id of entity '{entity.name}' is of type {kind}; "
            f"expected one of {', '.join(kinds)}."
        )
    return FeastEntity(
        name=f"{catalog.keeper(usecase, entity)}_{entity.name}",
        join_keys=[entity.key],
        value_type=kinds[kind],
        description=entity.description,
        owner=usecase.owner,
        tags={"usecase": catalog.keeper(usecase, entity)},
    )


def _files(folder: Path, name: str, month: str) -> Path:
    """The month's file where there is one, else all."""
    own = folder / f"{name}-{month}.parquet"
    return own if own.exists() else folder / f"{name}-{EVERY}.parquet"


def _view(
    usecase: FeatureSet,
    items: Definitions,
    view: FeatureView,
    entity: Any,
    path: Path,
    grain: Grain,
) -> Any:
    from feast import FeatureView, Field, FileSource
    from feast.types import Float64

    specs = {s.name: s for s in usecase.stored}
    source = FileSource(
        name=view.name,
        path=path.as_posix(),
        timestamp_field=grain.column,
        owner=usecase.owner,
    )
    schema = [
        Field(
            name=name,
            dtype=Float64,
            description=specs[name].description,
            tags={**_tags(specs[name]), **_versioned(items[name].version, items[name].digest)},
        )
        for name in view.features
    ]
    return FeatureView(
        name=view.name,
        entities=[entity],
        ttl=grain.length,
        schema=schema,
        source=source,
        description=view.description,
        owner=usecase.owner,
        tags={
            **{"usecase": view.kept_by or usecase.name},
            **{"label_delay_days": str(usecase.delay_days)},
            **_versioned(view.version, view.definition),
        },
    )


def _tags(spec: Snapshot | Hourly) -> dict[str, str]:
    unit = "days" if isinstance(spec, Snapshot) else "hours"
    lag = {"lag": str(spec.lag)} if spec.lag > 1 else {}
    return {"aggregate": spec.aggregate, unit: str(spec.length), **lag}


def _versioned(version: int | str, digest: str) -> dict[str, str]:
    return {"version": str(version), "definition": digest}
