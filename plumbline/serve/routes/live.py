"""What a service of one use case has of the routes: who answers, what follows the answer, the canary's watch."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter_ns

from plumbline.core.errors import PlumblineError
from plumbline.serve.online.scorer import Scored
from plumbline.serve.routes.arm_inputs import HOME, ArmInputs, OtherHistories
from plumbline.serve.routes.arms import LoadedBundle
from plumbline.serve.routes.canary_watch import CanaryWatch
from plumbline.serve.routes.choice import routed_by
from plumbline.serve.routes.router import LoadedArm, Router, Routing
from plumbline.serve.routes.shadow import ShadowJob, ShadowQueue
from plumbline.serve.single_event import RawEvent

log = logging.getLogger("plumbline")
Join = Callable[[LoadedBundle], Awaitable[None]]
Sink = Callable[[LoadedArm, Sequence[int], Sequence[Scored]], None]
"""Receives a shadow's answers: the arm, the places of the events in their request, the answers."""


@dataclass(frozen=True, slots=True)
class ArmAnswers:
    """The events of a request that one arm answered: their places, their features, their answers."""

    arm: LoadedArm
    places: Sequence[int]
    inputs: ArmInputs
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

    `later`: `loop.call_soon`. `join`: makes sure that histories of a bundle's features are kept. `route_by`: the entity by whose id an arm is chosen; None: the first declared.
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
        self.join: Join = _joined
        router.settle()

    def close(self, seconds: float = 2.0) -> str:
        """At the service's end: score what waits, and write the routes; what could not be written."""
        self.shadows.finish()
        return self.router.writer.flush(seconds)

    def answer(
        self,
        events: Sequence[RawEvent],
        aggregates: Sequence[Sequence[float]],
        others: OtherHistories | None = None,
    ) -> RequestAnswers:
        """Score checked events with their histories, each by the arm of its entity.

        `others`: their histories by other features (`LoadedBundle.features`). The champion answers for an arm of another bundle that fails. Raises PlumblineError where it fails itself.
        """
        routing = self.router.current
        parts = [
            self._scored(routing, arm, places, _inputs(places, events, aggregates, others or {}))
            for arm, places in self._by_arm(routing, events)
        ]
        return RequestAnswers(routing, parts)

    def shadow(self, answers: RequestAnswers, sink: Sink) -> None:
        """Queue the shadows of a request, to be scored once its answer is out."""
        for arm in answers.routing.shadows:
            for part in answers.parts:
                done = partial(_sink, sink, arm, part.places)
                self.shadows.offer(ShadowJob(arm, part.inputs, len(part.places), done))

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
        inputs: ArmInputs,
    ) -> ArmAnswers:
        compiled = arm.loaded.compiled
        computed = inputs.of(arm.loaded)
        start = perf_counter_ns()
        try:
            scored = compiled.of(computed)
        except (PlumblineError, ValueError, ArithmeticError) as error:  # XGBoost's is a ValueError
            self.watch.failed(arm, len(places))
            champion = routing.loaded[routing.routes.champion]
            if champion.md5 == arm.bundle:
                raise
            log.warning("arm %s failed, the champion answers: %s", arm.name, error)
            return _by_champion(routing, places, inputs)
        self.watch.answered(arm, inputs, scored, (perf_counter_ns() - start) / 1000)
        return ArmAnswers(arm, places, inputs, scored)


def _inputs(
    places: Sequence[int],
    events: Sequence[RawEvent],
    aggregates: Sequence[Sequence[float]],
    others: OtherHistories,
) -> ArmInputs:
    """Those of the events at these places."""
    histories = {HOME: aggregates, **others}
    own = {name: [values[p] for p in places] for name, values in histories.items()}
    return ArmInputs([events[p] for p in places], own)


def _by_champion(routing: Routing, places: Sequence[int], inputs: ArmInputs) -> ArmAnswers:
    champion = LoadedArm(
        "champion", routing.loaded[routing.routes.champion], routing.routes.version
    )
    scored = champion.loaded.compiled.of(inputs.of(champion.loaded))
    return ArmAnswers(champion, places, inputs, scored)


async def _joined(loaded: LoadedBundle) -> None:
    """PlumblineError where a bundle is of other features: nobody keeps their histories here."""
    if loaded.features:
        raise PlumblineError(
            f"bundle {loaded.md5} has other features than the running process, which keeps none for them"
        )


def _sink(
    sink: Sink, arm: LoadedArm, places: Sequence[int], scored: Sequence[Scored], _: float
) -> None:
    sink(arm, places, scored)
