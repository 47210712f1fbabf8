"""Feast's definitions, made from a use case: entities, feature views, the model's feature service."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from plumbline.core.errors import SpecError
from plumbline.core.usecase import Entity, UseCase
from plumbline.features import catalog

TTL = timedelta(days=1)
EVERY = "[0-9]*"
LOST = "_y"
"""Feast's historical join drops every column with this ending."""


def build(case: UseCase, folder: Path, month: str = EVERY) -> list[Any]:
    """Feast's entities, feature views (TTL one day) and the model's feature service.

    The views read the snapshots' files in `folder`: all, or where there is one that of `month`.
    Raises SpecError for a feature name that Feast's join would lose.
    """
    from feast import FeatureService

    lost = [s.name for s in case.snapshots if s.name.endswith(LOST)]
    if lost:
        raise SpecError(
            f"usecases/{case.name}.py: '{lost[0]}' ends with '{LOST}', and Feast's join drops such "
            "columns; rename it."
        )
    entities = {v["entity"]: _entity(case, case.entity(v["entity"])) for v in catalog.views(case)}
    files = {e: f"{e}-{month}.parquet" for e in entities}
    paths = {e: folder / f"{e}-{EVERY}.parquet" for e in entities}
    paths |= {e: folder / name for e, name in files.items() if (folder / name).exists()}
    views = [_view(case, v, entities[v["entity"]], paths[v["entity"]]) for v in catalog.views(case)]
    service = FeatureService(
        name=case.name,
        features=views,
        description=case.title,
        owner=case.owner,
        tags={"usecase": case.name, "problem": case.problem},
    )
    return [*entities.values(), *views, service]


def _entity(case: UseCase, entity: Entity) -> Any:
    from feast import Entity as FeastEntity
    from feast import ValueType

    kinds = {"int": ValueType.INT64, "string": ValueType.STRING, "bool": ValueType.BOOL}
    kind = case.column(entity.column).type
    if kind not in kinds:
        raise SpecError(
            f"usecases/{case.name}.py: the id of entity '{entity.name}' is of type {kind}; "
            f"expected one of {', '.join(kinds)}."
        )
    return FeastEntity(
        name=f"{case.name}_{entity.name}",
        join_keys=[entity.column],
        value_type=kinds[kind],
        description=entity.description,
        owner=case.owner,
        tags={"usecase": case.name},
    )


def _view(case: UseCase, view: Mapping[str, Any], entity: Any, path: Path) -> Any:
    from feast import FeatureView, Field, FileSource
    from feast.types import Float64

    specs = {s.name: s for s in case.snapshots}
    source = FileSource(
        name=view["name"],
        path=path.as_posix(),
        timestamp_field="day",
        owner=case.owner,
    )
    schema = [
        Field(
            name=name,
            dtype=Float64,
            description=specs[name].description,
            tags={"aggregate": specs[name].aggregate, "days": str(specs[name].days)},
        )
        for name in view["features"]
    ]
    return FeatureView(
        name=view["name"],
        entities=[entity],
        ttl=TTL,
        schema=schema,
        source=source,
        description=view["description"],
        owner=case.owner,
        tags={"usecase": case.name, "label_delay_days": str(case.label_delay)},
    )
