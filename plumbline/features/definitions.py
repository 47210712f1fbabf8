"""Feast's definitions, made from a use case: entities, feature views, the model's feature service."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from plumbline.core.declarations import Entity
from plumbline.core.errors import SpecError
from plumbline.core.usecase import FeatureSet
from plumbline.features import catalog
from plumbline.features.catalog import FeatureView

TTL = timedelta(days=1)
EVERY = "[0-9]*"
LOST = "_y"
"""Feast's historical join drops every column with this ending."""


def build(usecase: FeatureSet, folder: Path, month: str = EVERY) -> list[Any]:
    """Feast's entities, feature views (TTL one day) and the model's feature service.

    The views read the snapshots' files in `folder`: all, or where there is one that of `month`.
    Raises SpecError for a feature name that Feast's join would lose.
    """
    from feast import FeatureService

    lost = [s.name for s in usecase.snapshots if s.name.endswith(LOST)]
    if lost:
        raise SpecError(
            f"usecases/{usecase.name}/features.py: '{lost[0]}' ends with '{LOST}', and Feast's join drops such "
            "columns; rename it."
        )
    entities = {
        v.entity: _entity(usecase, usecase.entity(v.entity)) for v in catalog.views(usecase)
    }
    files = {e: f"{e}-{month}.parquet" for e in entities}
    paths = {e: folder / f"{e}-{EVERY}.parquet" for e in entities}
    paths |= {e: folder / name for e, name in files.items() if (folder / name).exists()}
    views = [_view(usecase, v, entities[v.entity], paths[v.entity]) for v in catalog.views(usecase)]
    service = FeatureService(
        name=usecase.name,
        features=views,
        description=usecase.title,
        owner=usecase.owner,
        tags={"usecase": usecase.name, "problem": usecase.problem},
    )
    return [*entities.values(), *views, service]


def _entity(usecase: FeatureSet, entity: Entity) -> Any:
    from feast import Entity as FeastEntity
    from feast import ValueType

    kinds = {"int": ValueType.INT64, "string": ValueType.STRING, "bool": ValueType.BOOL}
    kind = usecase.column(entity.column).type
    if kind not in kinds:
        raise SpecError(
            f"usecases/{usecase.name}/features.py: the id of entity '{entity.name}' is of type {kind}; "
            f"expected one of {', '.join(kinds)}."
        )
    return FeastEntity(
        name=f"{usecase.name}_{entity.name}",
        join_keys=[entity.column],
        value_type=kinds[kind],
        description=entity.description,
        owner=usecase.owner,
        tags={"usecase": usecase.name},
    )


def _view(usecase: FeatureSet, view: FeatureView, entity: Any, path: Path) -> Any:
    from feast import FeatureView, Field, FileSource
    from feast.types import Float64

    specs = {s.name: s for s in usecase.snapshots}
    source = FileSource(
        name=view.name,
        path=path.as_posix(),
        timestamp_field="day",
        owner=usecase.owner,
    )
    schema = [
        Field(
            name=name,
            dtype=Float64,
            description=specs[name].description,
            tags={"aggregate": specs[name].aggregate, "days": str(specs[name].days)},
        )
        for name in view.features
    ]
    return FeatureView(
        name=view.name,
        entities=[entity],
        ttl=TTL,
        schema=schema,
        source=source,
        description=view.description,
        owner=usecase.owner,
        tags={"usecase": usecase.name, "label_delay_days": str(usecase.label_delay)},
    )
