"""The histories of a request's events by every set of features that a bundle of the routes has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plumbline.serve.protocols import Draft
from plumbline.serve.requests.parts import Parts
from plumbline.serve.routes.arm_inputs import HOME, OtherHistories
from plumbline.serve.single_event import RawEvent

Histories = Mapping[str, tuple[float, ...]]
"""Of one event, by features (`LoadedBundle.features`)."""
Drafts = Mapping[str, Draft]
"""The earlier events of a request, by features; none of a request of one event."""


def drafts(parts: Parts) -> Drafts:
    """Empty ones."""
    others = {name: other.state.draft() for name, other in parts.others.ready.items()}
    return {HOME: parts.state.draft(), **others}


def of(parts: Parts, event: RawEvent, given: Drafts) -> Histories:
    """The event's histories; those in the drafts count as well."""
    return {
        HOME: tuple(parts.state.values(event, given.get(HOME))),
        **parts.others.values(event, given),
    }


def others(histories: Sequence[Histories]) -> OtherHistories:
    """Those of features that are not the process's own."""
    names = histories[0].keys() - {HOME} if histories else ()
    return {name: [one[name] for one in histories] for name in names}


def add(
    parts: Parts,
    given: Drafts,
    event: RawEvent,
    histories: Histories,
    answered: tuple[str, Sequence[int | None]],
) -> None:
    """Count an event for those after it. `answered`: the features that it was answered by, and what these derived."""
    features, derived = answered
    for name, draft in given.items():
        usecase = parts.others.ready[name].usecase if name else parts.usecase
        values = derived
        if name != features and usecase.derived:
            renewal = parts.others.ready[name].renewal if name else parts.others.home
            values = renewal.derived(event, histories[name])
        draft.add_event({**event, **dict(zip(usecase.derived, values, strict=False))})
