"""The events of one request, in groups that can be scored at once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from plumbline.core.usecase import FeatureSet
from plumbline.serve.single_event import RawEvent, id_of


def waves(usecase: FeatureSet, events: Sequence[RawEvent]) -> list[list[int]]:
    """The places of the events in groups: one that shares an entity with an earlier event comes in a later group.

    So that the histories of each see the earlier ones of the same request, and one call of the model
    serves a group.
    """
    latest: dict[tuple[str, object], int] = {}
    groups: list[list[int]] = []
    for place, event in enumerate(events):
        ids = list(_ids(usecase, event))
        own = max((latest.get(one, -1) for one in ids), default=-1) + 1
        latest.update(dict.fromkeys(ids, own))
        if own == len(groups):
            groups.append([])
        groups[own].append(place)
    return groups


def _ids(usecase: FeatureSet, event: RawEvent) -> Iterable[tuple[str, object]]:
    for entity in usecase.entities:
        value = id_of(entity, event)
        if value is not None:
            yield entity.name, value
