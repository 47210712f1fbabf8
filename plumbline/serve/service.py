"""One use case being served, without HTTP: a body's bytes in, a status and bytes out, also where it is refused.

Everything happens in the caller's thread; the log's writer is the only other one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.serve import reply
from plumbline.serve.online import answers
from plumbline.serve.online.refusals import EventRefused
from plumbline.serve.online.row_inputs import ScoringError
from plumbline.serve.params import Serve
from plumbline.serve.protocols import LogError, StateError
from plumbline.serve.reply import Reply
from plumbline.serve.requests import (
    described,
    explain,
    features,
    outcomes,
    refused_events,
    score,
)
from plumbline.serve.requests.conflicts import ConflictError, StaleError, UnknownError
from plumbline.serve.requests.parts import Parts

REASONS: Mapping[type[PlumblineError], str] = {
    ConflictError: "conflict",
    UnknownError: "unknown",
    EventRefused: "contract",
    StaleError: "stale",
    ScoringError: "model",
    LogError: "log",
    StateError: "state",
}
"""What the metrics count a refusal by; the first that fits."""
AGAIN = ((b"retry-after", b"1"),)


class Service:
    """The requests of one use case."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    @property
    def name(self) -> str:
        """The use case's."""
        return self.parts.usecase.name

    @property
    def settings(self) -> Serve:
        """The use case's section of params.yaml."""
        return self.parts.settings

    def score(self, body: bytes, request_id: str) -> Reply:
        """Answers to events; each is counted and logged once, however often it is sent."""
        try:
            return Reply(200, score.score(self.parts, body, request_id))
        except EventRefused as refused:
            self._note(refused)
            return _refused(refused)
        except PlumblineError as error:
            return _refused(error)

    def _note(self, refused: EventRefused) -> None:
        """Count the events at fault, in the log and in the live check."""
        parts = self.parts
        counts = refused_events.counted(refused, parts.columns, parts.clock.now())
        parts.log.refuse(counts)
        if parts.live_check is not None:
            parts.live_check.refused(len(counts))

    def outcomes(self, body: bytes, request_id: str) -> Reply:
        """What became of events."""
        return _tried(lambda: outcomes.outcomes(self.parts, body, request_id))

    def features(self, body: bytes, _request_id: str = "") -> Reply:
        """The features of events; nothing is counted."""
        return _tried(lambda: features.features(self.parts, body))

    def explain(self, body: bytes, _request_id: str = "") -> Reply:
        """Why served events were scored so. Slow, as it reads the log: call it beside the loop."""
        return _tried(lambda: explain.explain(self.parts, body))

    async def settled(self, given: Reply) -> Reply:
        """The answer once its rows are on disk; 503 where that cannot be said."""
        try:
            await self.parts.log.durable()
        except LogError as error:
            return _refused(error)
        return given

    def model(self) -> Reply:
        """What answers here, in JSON."""
        return reply.of(self.described())

    def described(self) -> dict[str, Any]:
        """What answers here."""
        return {"usecase": self.name, **described.routes(self.parts.live.router)}

    def problem(self) -> str:
        """Why no event can be answered at the moment; "" where it can."""
        broken = self.parts.log.status.broken
        return (
            f"the prediction log is not written: {broken}"
            if broken and not self.settings.unlogged
            else ""
        )

    def stats(self) -> dict[str, Any]:
        """Figures for whoever looks after the service."""
        return {**described.figures(self.parts), "problem": self.problem(), **self.described()}


def _tried(work: Callable[[], bytes]) -> Reply:
    try:
        return Reply(200, work())
    except PlumblineError as error:
        return _refused(error)


def _refused(error: PlumblineError) -> Reply:
    status = getattr(error, "status", 503)
    reason = next((word for kind, word in REASONS.items() if isinstance(error, kind)), "other")
    headers = AGAIN if status == 503 else ()
    return Reply(status, answers.refusal(error, reason), headers=headers, reason=reason)
