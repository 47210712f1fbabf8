"""POST /v1/USECASE/features: the features of events as they would be scored now. Nothing is counted."""

from __future__ import annotations

from typing import Any

import msgspec

from plumbline.serve.online import bodies
from plumbline.serve.requests.events import received
from plumbline.serve.requests.parts import Parts

_encode = msgspec.json.Encoder().encode


def features(parts: Parts, body: bytes) -> bytes:
    """Per event its key and every declared feature by name; null where it is no finite number."""
    raws = bodies.objects(body, "events", parts.settings.max_events)
    events = received(parts, raws, counted=False)
    values = [parts.state.values(one.event) for one in events]
    own = [one.event for one in events]
    routing = parts.live.router.current
    champion = routing.loaded[routing.routes.champion]  # all arms have these features
    computed = champion.compiled.rows.compute(own, values).features
    names = names_of(parts)
    key = parts.usecase.key
    rows: list[dict[str, Any]] = [
        {key: one.key, "features": dict(zip(names, (*joined, *rest), strict=True))}
        for one, joined, rest in zip(events, values, computed, strict=True)
    ]
    return _encode({"features": rows})


def names_of(parts: Parts) -> list[str]:
    """Histories, row features, category codes: the order in which the log keeps them."""
    usecase = parts.usecase
    parts_of = (usecase.aggregates, usecase.rows, usecase.categories)
    return [one.name for group in parts_of for one in group]
