"""Which arm answers an entity: by a hash of the salt and its id, so that it stays with it. Pure."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from plumbline.core.usecase import FeatureSet
from plumbline.serve.routes.document import SLOTS, Arm, Routes
from plumbline.serve.single_event import RawEvent, id_of


def choice(routes: Routes, value: Any) -> Arm:
    """The live arm that answers the entity with this id."""
    return routes.arm(routes.owners[slot(routes.salt, value)])


def slot(salt: str, value: Any) -> int:
    """The slot of an id, from 0 to 99; equal for equal ids, evenly spread over different ones.

    >>> slot("a", 5) == slot("a", 5), 0 <= slot("a", None) < 100
    (True, True)
    """
    digest = blake2b(f"{salt}\0{value}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % SLOTS


def routed_by(usecase: FeatureSet, event: RawEvent, entity: str | None = None) -> Any:
    """What an event is routed by: the id of an entity, of the first declared without a name.

    The key of an event that has no such id, or where no entity is declared.
    """
    entities = [e for e in usecase.entities if e.column is not None]
    chosen = usecase.entity(entity) if entity else next(iter(entities), None)
    value = id_of(chosen, event) if chosen is not None and chosen.column is not None else None
    return event[usecase.key] if value is None else value
