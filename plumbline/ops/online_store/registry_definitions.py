"""A use case's definitions in Feast's registry: read, kept as bytes, and brought to another state."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from plumbline.ops.online_store.values_file import StoreTable

TAG = "usecase"


@dataclass(frozen=True)
class Definitions:
    """Entities, feature views and feature services of some use cases, as Feast's objects."""

    entities: tuple[Any, ...]
    views: tuple[Any, ...]
    services: tuple[Any, ...]

    def to_bytes(self) -> bytes:
        """As one registry of Feast's format."""
        from feast.protos.feast.core.Registry_pb2 import Registry

        registry = Registry()
        registry.entities.extend(one.to_proto() for one in self.entities)
        registry.feature_views.extend(one.to_proto() for one in self.views)
        registry.feature_services.extend(one.to_proto() for one in self.services)
        return bytes(registry.SerializeToString())


def from_bytes(data: bytes) -> Definitions:
    """What `to_bytes` wrote."""
    from feast import Entity, FeatureService, FeatureView
    from feast.protos.feast.core.Registry_pb2 import Registry

    registry = Registry.FromString(data)
    return Definitions(
        tuple(map(Entity.from_proto, registry.entities)),
        tuple(map(FeatureView.from_proto, registry.feature_views)),
        tuple(map(FeatureService.from_proto, registry.feature_services)),
    )


def read(store: Any, usecases: Collection[str]) -> Definitions:
    """Those of the use cases in a store's registry."""

    def own(listed: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(one for one in listed if dict(one.tags).get(TAG) in usecases)

    return Definitions(
        own(store.list_entities()),
        own(store.list_feature_views()),
        own(store.list_feature_services()),
    )


def apply(store: Any, wanted: Definitions) -> None:
    """Write them to a store's registry, and make the tables that its online store needs."""
    if wanted.views or wanted.services:
        store.apply([*wanted.entities, *wanted.views, *wanted.services])


def drop(store: Any, wanted: Definitions, usecases: Collection[str]) -> None:
    """Remove the use cases' definitions that are not wanted. Their online values are not touched."""
    held, registry, project = read(store, usecases), store.registry, store.project
    for service in _others(held.services, wanted.services):
        registry.delete_feature_service(service.name, project)
    for view in _others(held.views, wanted.views):
        registry.delete_feature_view(view.name, project)
        registry.delete_data_source(view.batch_source.name, project)
    for entity in _others(held.entities, wanted.entities):
        registry.delete_entity(entity.name, project)
    store.refresh_registry()


def tables(*states: Definitions) -> list[StoreTable]:
    """The views of several states, each with every feature that it has in one of them."""
    keys, names = {}, dict[str, dict[str, None]]()
    for view in (view for state in states for view in state.views):
        (keys[view.name],) = view.join_keys
        names.setdefault(view.name, {}).update({field.name: None for field in view.features})
    return [StoreTable(view, keys[view], tuple(names[view])) for view in sorted(keys)]


def _others(held: Sequence[Any], wanted: Sequence[Any]) -> list[Any]:
    names = {one.name for one in wanted}
    return [one for one in held if one.name not in names]
