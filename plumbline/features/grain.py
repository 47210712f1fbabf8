"""How long a tile of a history is: a day for snapshots, an hour for hourly features."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from plumbline.core.declarations import Entity, Hourly, Snapshot
from plumbline.core.usecase import FeatureSet


@dataclass(frozen=True)
class Grain:
    """One kind of stored history: its tile, its column of times, and how its files and views are named."""

    column: Literal["day", "hour"]  # of a row: from when its values hold
    unit: Literal["D", "h"]  # how Ibis calls the tile
    length: timedelta
    suffix: str  # of a file's name, after the entity's
    ending: str  # of a view's name in the feature store

    def specs(self, usecase: FeatureSet, entity: Entity) -> list[Snapshot | Hourly]:
        """The entity's features of this grain, as declared."""
        declared: Iterable[Snapshot | Hourly] = (
            usecase.snapshots if self is DAILY else usecase.hourly
        )
        return [s for s in declared if s.entity == entity.name]


DAILY = Grain("day", "D", timedelta(days=1), "", "")
HOURLY = Grain("hour", "h", timedelta(hours=1), ".hourly", "_hourly")


def stored(usecase: FeatureSet) -> Iterator[tuple[str, Entity, Grain]]:
    """Each stored history with features: the name of its files, its entity, its grain."""
    for entity in usecase.entities:
        for grain in (DAILY, HOURLY):
            if grain.specs(usecase, entity):
                yield f"{entity.name}{grain.suffix}", entity, grain


def named(usecase: FeatureSet, name: str) -> tuple[Entity, Grain]:
    """The entity and the grain of the stored history called `name`."""
    grain = HOURLY if name.endswith(HOURLY.suffix) else DAILY
    return usecase.entity(name.removesuffix(grain.suffix)), grain
