"""What a service of one use case has of the routes: who answers, what follows the answer, the canary's watch."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter_ns
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.serve.online.scorer import Scored
from plumbline.serve.routes.canary_watch import CanaryWatch
from plumbline.serve.routes.choice import routed_by
from plumbline.serve.routes.router import LoadedArm, Router, Routing
from plumbline.serve.routes.shadow import ShadowJob, ShadowQueue
from plumbline.serve.single_event import RawEvent

log = logging.getLogger("plumbline")
Sink = Callable[[LoadedArm, Sequence[int], Sequence[Scored]], None]
"""Receives a shadow's answers: the arm, the places of the events in their request, the answers."""


@dataclass(frozen=True, slots=True)
class ArmAnswers:
    """The events of a request that one arm answered: their places, their features, their answers."""

    arm: LoadedArm
    places: Sequence[int]
    computed: Any
    scored: Sequence[Scored]


@dataclass(frozen=True, slots=True)
class RequestAnswers:
    """A request's answers, by arm, under the routes that it began with."""

    routing: Routing
    parts: Sequence[ArmAnswers]

    def ordered(self) -> list[tuple[LoadedArm, Scored]]:
        """Each event's arm and answer, in the request's order."""
        pairs = {
            place: (part.arm, one)
            for part in self.parts
            for place, one in zip(part.places, part.scored, strict=True)
        }
        return [pairs[place] for place in range(len(pairs))]


class LiveRoutes:
    """The router, the shadows' queue and the canary's watch of one use case.

    `later`: `loop.call_soon`. `route_by`: the entity by whose id an arm is chosen; None: the first declared.
    """

    def __init__(
        self,
        router: Router,
        later: Callable[[Callable[[], None]], object],
        route_by: str | None = None,
    ) -> None:
        self.router, self.route_by = router, route_by
        self.shadows = ShadowQueue(later)
        self.watch = CanaryWatch(router, self.shadows)
        router.settle()

    def close(self, seconds: float = 2.0) -> str:
        """At the service's end: score what waits, and write the routes; what could not be written."""
        self.shadows.finish()
        return self.router.writer.flush(seconds)

    def answer(
        self, events: Sequence[RawEvent], aggregates: Sequence[Sequence[float]]
    ) -> RequestAnswers:
        """Score checked events with their histories, each by the arm of its entity.

        The champion answers for an arm of another bundle that fails. Raises PlumblineError where it fails itself.
        """
        routing = self.router.current
        parts = [
            self._scored(routing, arm, places, events, aggregates)
            for arm, places in self._by_arm(routing, events)
        ]
        return RequestAnswers(routing, parts)

    def shadow(self, answers: RequestAnswers, sink: Sink) -> None:
        """Queue the shadows of a request, to be scored once its answer is out."""
        for arm in answers.routing.shadows:
            for part in answers.parts:
                done = partial(_sink, sink, arm, part.places)
                self.shadows.offer(ShadowJob(arm, part.computed, len(part.places), done))

    def _by_arm(
        self, routing: Routing, events: Sequence[RawEvent]
    ) -> list[tuple[LoadedArm, Sequence[int]]]:
        if routing.alone:
            return [(routing.alone, range(len(events)))]
        usecase = self.router.arms.usecase
        groups: dict[str, tuple[LoadedArm, list[int]]] = {}
        for place, event in enumerate(events):
            arm = routing.choose(routed_by(usecase, event, self.route_by))
            groups.setdefault(arm.name, (arm, []))[1].append(place)
        return list(groups.values())

    def _scored(
        self,
        routing: Routing,
        arm: LoadedArm,
        places: Sequence[int],
        events: Sequence[RawEvent],
        aggregates: Sequence[Sequence[float]],
    ) -> ArmAnswers:
        compiled = arm.loaded.compiled
        own = [events[p] for p in places], [aggregates[p] for p in places]
        computed = compiled.rows.compute(*own)
        start = perf_counter_ns()
        try:
            scored = compiled.of(computed)
        except (PlumblineError, ValueError, ArithmeticError) as error:  # XGBoost's is a ValueError
            self.watch.failed(arm, len(places))
            champion = routing.loaded[routing.routes.champion]
            if champion.md5 == arm.bundle:
                raise
            log.warning("arm %s failed, the champion answers: %s", arm.name, error)
            return _by_champion(routing, places, computed)
        self.watch.answered(arm, computed, scored, (perf_counter_ns() - start) / 1000)
        return ArmAnswers(arm, places, computed, scored)


def _by_champion(routing: Routing, places: Sequence[int], computed: Any) -> ArmAnswers:
    champion = LoadedArm(
        "champion", routing.loaded[routing.routes.champion], routing.routes.version
    )
    return ArmAnswers(champion, places, computed, champion.loaded.compiled.of(computed))


def _sink(
    sink: Sink, arm: LoadedArm, places: Sequence[int], scored: Sequence[Scored], _: float
) -> None:
    sink(arm, places, scored)
