"""The live check of one use case: events are noted as they are answered, and judged beside the loop, a window at a time.

A window ends after a minute, once it has enough events. Its findings are false at most once in 200 days of minutes, all checks
together, where what comes is no further from the recorded than is tolerated.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from pydantic import Field

from plumbline.core.documents import Document
from plumbline.core.usecase import FeatureSet
from plumbline.serve.live_check import recorded
from plumbline.serve.live_check.distributions import exceeds, margin
from plumbline.serve.live_check.recorded import SCORE
from plumbline.serve.live_check.window import Baseline, Seen, Window

SECONDS = 60.0
"""Of a window, at least."""
FEWEST = 200
"""Events of a window, at least."""
MOST = 50_000
"""Events that wait to be looked at, at most: more are counted and not looked at."""
FALSE_DAYS = 200
"""Days in which one finding is false, at most."""
WINDOWS_A_DAY = 1440
REFUSED = 0.02
"""Share of refused events that is tolerated."""


class LiveFinding(Document):
    """`check`: refused, alarms, score or a column's name. `found`, `tolerated`: a share, or a distance from 0 to 1."""

    check: str
    found: float
    tolerated: float
    evidence: str


class LiveState(Document):
    """What the last whole window showed. `at`: its end, UTC; `unwatched`: columns that follow the clock or the calendar."""

    at: datetime | None = None
    bundle: str = ""
    events: int = 0
    shares: dict[str, float] = Field(default_factory=dict)
    distances: dict[str, float] = Field(default_factory=dict)
    findings: tuple[LiveFinding, ...] = ()
    unwatched: tuple[str, ...] = ()


class LiveCheck:
    """`champion`: gives the md5 of the bundle that answers; `baseline`: what a bundle recorded, slowly.

    `judged` takes each window's state, and whether its findings are others than those before. `seen` and `refused` are called in
    the loop, `turn` beside it.
    """

    def __init__(
        self,
        usecase: FeatureSet,
        champion: Callable[[], str],
        baseline: Callable[[str], Baseline],
        judged: Callable[[LiveState, bool], None] = lambda *_: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._columns, self._time = recorded.columns(usecase), usecase.time
        self._champion, self._baseline, self._judged = champion, baseline, judged
        self._clock = clock
        self._noted: list[Seen] = []
        self._refused = 0
        self._window: Window | None = None
        self._began = 0.0
        self.state = LiveState()

    def seen(self, events: Sequence[Seen]) -> None:
        """Note events that were answered."""
        if len(self._noted) < MOST:
            self._noted.extend(events)

    def refused(self, count: int) -> None:
        """Note events that were refused."""
        self._refused += count

    def turn(self) -> None:
        """Count what was noted, and judge the window where it is over."""
        noted, self._noted = self._noted, []
        refused, self._refused = self._refused, 0
        md5 = self._champion()
        if self._window is None or self._window.baseline.md5 != md5:
            self._begin(self._baseline(md5))
        assert self._window is not None
        self._window.add(noted, refused)
        over = self._clock() - self._began >= SECONDS
        if over and self._window.events + self._window.refused >= FEWEST:
            self._judge(self._window)
            self._begin(self._window.baseline)

    def _begin(self, baseline: Baseline) -> None:
        self._window, self._began = Window(baseline, self._columns, self._time), self._clock()

    def _judge(self, window: Window) -> None:
        before = {one.check for one in self.state.findings}
        watched = window.baseline.watched
        chance = 1 / (FALSE_DAYS * WINDOWS_A_DAY) / (len(watched) + 2)
        distances = {name: window.distance(name) for name in watched}
        findings = [*_shares(window, chance), *_distances(window, distances, chance)]
        self.state = LiveState(
            at=datetime.now(UTC).replace(tzinfo=None, microsecond=0),
            bundle=window.baseline.md5,
            events=window.events,
            shares={"refused": window.share_refused, "alarms": window.share_alarms},
            distances=distances,
            findings=tuple(findings),
            unwatched=tuple(sorted(window.baseline.distributions.keys() - watched)),
        )
        self._judged(self.state, before != {one.check for one in findings})


def _shares(window: Window, chance: float) -> list[LiveFinding]:
    found = []
    whole = window.events + window.refused
    if exceeds(window.refused, whole, REFUSED, chance):
        text = f"{window.share_refused:.1%} of {whole:,} events were refused, expected at most {REFUSED:.0%}"
        found.append(_finding("refused", window.share_refused, REFUSED, text))
    usual = window.baseline.alarms
    if usual is not None:
        tolerated = max(2 * usual, usual + 0.01)
        if exceeds(window.alarms, window.scored, tolerated, chance):
            text = f"{window.share_alarms:.1%} of {window.scored:,} events are alarms, expected about {usual:.1%}, as in validation"
            found.append(_finding("alarms", window.share_alarms, tolerated, text))
    return found


def _distances(window: Window, distances: Mapping[str, float], chance: float) -> list[LiveFinding]:
    found = []
    for name, distance in distances.items():
        tolerated = window.baseline.distributions[name].tolerated
        if distance > tolerated + margin(window.count(name), chance):
            what = "scores" if name == SCORE else f"values of {name}"
            text = (
                f"the {what} of {window.count(name):,} events are {distance:.2f} from those that the bundle recorded (0: the "
                f"same, 1: none in common), expected at most {tolerated:.2f}"
            )
            found.append(_finding(name, distance, tolerated, text))
    return found


def _finding(check: str, found: float, tolerated: float, evidence: str) -> LiveFinding:
    return LiveFinding(
        check=check, found=round(found, 4), tolerated=round(tolerated, 4), evidence=evidence
    )
