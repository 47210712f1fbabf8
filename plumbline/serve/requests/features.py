"""POST /v1/USECASE/features: the features of events as they would be scored now. Nothing is counted."""

from __future__ import annotations

from typing import Any

import msgspec

from plumbline.core.usecase import FeatureSet
from plumbline.serve.online import bodies
from plumbline.serve.requests.events import received
from plumbline.serve.requests.parts import Parts

_encode = msgspec.json.Encoder().encode


def features(parts: Parts, body: bytes) -> bytes:
    """Per event its key and every feature that the champion's use case declares, by name; null where it is no finite number."""
    raws = bodies.objects(body, "events", parts.settings.max_events)
    events = received(parts, raws, counted=False)
    routing = parts.live.router.current
    champion = routing.loaded[routing.routes.champion]
    state = parts.state_of(champion.features)
    values = [state.values(one.event) for one in events]
    own = [one.event for one in events]
    computed = champion.compiled.rows.compute(own, values).features
    names = names_of(champion.scorer.usecase)
    key = parts.usecase.key
    rows: list[dict[str, Any]] = [
        {key: one.key, "features": dict(zip(names, (*joined, *rest), strict=True))}
        for one, joined, rest in zip(events, values, computed, strict=True)
    ]
    return _encode({"features": rows})


def names_of(usecase: FeatureSet) -> list[str]:
    """Histories, row features, category codes: the order in which the log keeps them."""
    parts_of = (usecase.aggregates, usecase.rows, usecase.categories)
    return [one.name for group in parts_of for one in group]
