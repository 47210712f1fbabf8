"""The names of the columns that hold, in a model table, how old each entity's newest history is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from plumbline.core.declarations import Entity, Slice
from plumbline.core.errors import SpecError
from plumbline.core.usecase import FeatureSet

SUFFIX = "_history_age"
EDGES = (1.0, 24.0, 168.0)
"""Hours, between the groups that are judged."""


def entities(usecase: FeatureSet) -> Iterator[Entity]:
    """The entities with histories, but for the one that is all events."""
    named = {spec.entity for spec in usecase.aggregates}
    return (e for e in usecase.entities if e.name in named and e.column is not None)


def column(entity: Entity) -> str:
    """The column that holds the ages of an entity's histories, hours."""
    return f"{entity.name}{SUFFIX}"


def columns(usecase: FeatureSet) -> list[str]:
    """Those of all entities."""
    return [column(entity) for entity in entities(usecase)]


def wanted(usecase: FeatureSet) -> list[str]:
    """Those of all entities; SpecError where the use case has given such a name to something else."""
    for name in columns(usecase):
        if name in usecase.available or name in {c.name for c in usecase.columns}:
            raise SpecError(
                f"usecases/{usecase.name}/features.py: '{name}' is the column that features.history_age adds; "
                "rename yours, or set features.history_age to false in params.yaml"
            )
    return columns(usecase)


def slices(usecase: FeatureSet, there: Iterable[str]) -> tuple[Slice, ...]:
    """A slice by age for each entity whose ages are among the columns `there`."""
    found = set(there)
    return tuple(
        Slice(column(e), column(e), f"hours since the {e.name}'s newest history", EDGES)
        for e in entities(usecase)
        if column(e) in found - usecase.available
    )
