"""A canary in a running service: its counts, its look each second, and what it does to the routes.

All in the event loop's thread. The champion scores the canary's events after the answer, and the challenger some of the
champion's, through the shadows' queue.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from plumbline.core.errors import PlumblineError
from plumbline.serve.online.scorer import Scored
from plumbline.serve.routes import canary, document
from plumbline.serve.routes.arm_inputs import ArmInputs
from plumbline.serve.routes.arms import LoadedBundle
from plumbline.serve.routes.canary import CanaryPlan, CanaryState
from plumbline.serve.routes.canary_stats import ArmCounter, CanaryStats, PairedCounter, Ranks
from plumbline.serve.routes.document import CHAMPION, Arm, CanaryMark, Routes
from plumbline.serve.routes.router import LoadedArm, Router, Routing
from plumbline.serve.routes.shadow import ShadowJob, ShadowQueue

CANARY, BASELINE = "canary", "baseline"
SPREAD = 10
"""Golden scores that must differ for their order to say something."""
PERIOD = 1.0
"""Seconds between looks."""
MORE, MICROS = 50, 50_000.0
"""Of the champion's events the challenger scores so many between looks, and for so long, at most."""
log = logging.getLogger("plumbline")


class CanaryWatch:
    """The canary of one use case, if there is one. `state`: of the last one."""

    def __init__(
        self, router: Router, shadows: ShadowQueue, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.state: CanaryState | None = None
        self._router, self._shadows, self._clock = router, shadows, clock
        self._arms: dict[str, ArmCounter] = {}
        self._paired: PairedCounter | None = None
        self._reference: LoadedArm | None = None
        self._challenger: LoadedArm | None = None
        self._more, self._micros = 0, 0.0
        router.on_change.append(self._changed)

    @property
    def running(self) -> bool:
        """Whether a canary is under way."""
        return self.state is not None and self.state.status == "running"

    def start(self, challenger: LoadedBundle, plan: CanaryPlan) -> None:
        """Begin; PlumblineError where a canary runs, or several bundles answer already."""
        routes = self._router.routes
        if self.running or routes.canary:
            raise PlumblineError(
                "a canary is under way; wait, or end it with `plumbline canary USECASE --stop`"
            )
        if routes.challenged:
            raise PlumblineError(
                "another bundle than the champion answers already; give the champion 100 % with `plumbline routes "
                "set`, or press the red button, first"
            )
        champion = self._router.current.loaded[routes.champion]
        self._arms = {name: ArmCounter() for name in (CANARY, BASELINE, CHAMPION)}
        ranks = Ranks(champion.scores)
        self._paired = PairedCounter(Ranks(challenger.scores), ranks)
        self.state = canary.begin(
            plan, challenger.md5, champion.md5, self._clock(), ordered=ranks.distinct >= SPREAD
        )
        self._reference = LoadedArm(CHAMPION, champion, routes.version)
        self._challenger = LoadedArm(CANARY, challenger, routes.version)
        self._router.switch(
            staged(routes, challenger.md5, self.state.percent),
            f"canary at {self.state.percent} %",
            {challenger.md5: challenger},
        )

    def stop(self) -> None:
        """End it; the champion answers all. PlumblineError where there is none."""
        if not self.running:
            raise PlumblineError("no canary is under way")
        self._router.red_button("canary stopped")

    def answered(
        self, arm: LoadedArm, inputs: ArmInputs, scored: Sequence[Scored], micros: float
    ) -> None:
        """Events that an arm answered in one request. Costs next to nothing while no canary runs."""
        if not self.running or not scored or arm.name not in self._arms:
            return
        self._arms[arm.name].answered(len(scored), micros)
        if arm.name == CANARY and self._reference is not None:
            done = self._compared(scored)
            self._shadows.offer(ShadowJob(self._reference, inputs, len(scored), done))
        elif self._challenger is not None and self._has_room(len(scored)):
            done = self._compared_too(scored)
            self._shadows.offer(ShadowJob(self._challenger, inputs, len(scored), done))

    def failed(self, arm: LoadedArm, events: int) -> None:
        """Events that an arm could not score."""
        if self.running and arm.name in self._arms:
            self._arms[arm.name].errors += events

    def refused(self, arm: LoadedArm, events: int) -> None:
        """Events that were refused after an arm was chosen."""
        if self.running and arm.name in self._arms:
            self._arms[arm.name].refused += events

    def tick(self) -> None:
        """Look at the counts, and do what follows."""
        before = self.state
        self._more, self._micros = 0, 0.0
        if before is None or not self.running:
            return
        after = canary.tick(before, self._clock(), self.stats())
        self.state = after
        if after.status == "running" and after.step == before.step:
            return
        routes = self._router.routes
        if after.status == "running":
            what = f"canary at {after.percent} %"
            self._router.switch(staged(routes, after.challenger, after.percent), what)
        else:
            winner = after.challenger if after.status == "passed" else after.champion
            what = f"canary {after.status}" + (f": {after.reason}" if after.reason else "")
            self._router.switch(document.to_bundle(routes, winner), what)
        log.info("%s", what)

    async def run(self) -> None:
        """Tick for the life of the service."""
        while True:
            await asyncio.sleep(PERIOD)
            self.tick()

    def stats(self) -> CanaryStats:
        """The counts as they are now."""
        names = (CANARY, BASELINE, CHAMPION)
        canary_arm, baseline, champion = (self._arms.get(n, ArmCounter()).counts() for n in names)
        paired = self._paired.counts() if self._paired else CanaryStats().paired
        return CanaryStats(canary_arm, baseline, champion, paired)

    def _compared(self, scored: Sequence[Scored]) -> Callable[[Sequence[Scored], float], None]:
        paired, reference = self._paired, self._arms[CHAMPION]

        def done(others: Sequence[Scored], micros: float) -> None:
            reference.timed(len(others), micros)
            for own, other in zip(scored, others, strict=True):
                if paired is not None:
                    paired.compare(own, other)

        return done

    def _has_room(self, events: int) -> bool:
        """Whether the challenger may score this request of the champion's, too."""
        room = self._more + events <= MORE and self._micros < MICROS
        self._more += events if room else 0
        return room

    def _compared_too(
        self, answered: Sequence[Scored]
    ) -> Callable[[Sequence[Scored], float], None]:
        """What the challenger says of the champion's events; how long it took is the canary's arm's to say."""
        paired = self._paired

        def done(scored: Sequence[Scored], micros: float) -> None:
            self._micros += micros
            for own, other in zip(scored, answered, strict=True):
                if paired is not None:
                    paired.compare(own, other, answered=False)

        return done

    def _changed(self, routing: Routing) -> None:
        """Another change of the routes ended the canary."""
        if self.running and routing.routes.canary is None and self.state is not None:
            update = {"status": "aborted", "reason": "the routes were changed by another command"}
            self.state = self.state.model_copy(update=update)


def staged(routes: Routes, challenger: str, percent: int) -> Routes:
    """The routes with the canary at this share, beside its baseline; what answers nobody stays."""
    weights = canary.weights(percent)
    bundles = {BASELINE: routes.champion, CHAMPION: routes.champion, CANARY: challenger}
    arms = [Arm(name=n, bundle=bundles[n], weight=weights[n]) for n in bundles]
    others = [a for a in routes.arms if a.name not in bundles and not a.weight]
    started = datetime.now(UTC).isoformat(timespec="seconds")
    mark = routes.canary or CanaryMark(challenger=challenger, started=started)
    return document.changed(routes, [*arms, *others], canary=mark)
