"""Requests that are refused although each of their events keeps the contract."""

from __future__ import annotations

from plumbline.core.errors import PlumblineError
from plumbline.serve.online.refusals import EventRefused, Problem, shown
from plumbline.serve.protocols import Key


class ConflictError(EventRefused):
    """A key that was answered before, with another event. The first answer stands."""

    status = 409

    def __init__(self, index: int, column: str, key: Key) -> None:
        expected = "the event that this key was answered with, or a new key"
        super().__init__([Problem(index, column, f"another event with key {shown(key)}", expected)])


class StaleError(PlumblineError):
    """The state misses days of events, and `serve.stale` says to refuse then."""

    status = 503

    def __init__(self, days: int, most: int) -> None:
        super().__init__(
            f"the histories are stale: nothing was received on {days} whole days before the event, expected at most "
            f"{most} (serve.max_age); send the missing events, or run `dvc repro` and serve the new tiles"
        )


class UnknownError(PlumblineError):
    """Nothing that is logged, or loaded, has this name."""

    status = 404

    def __init__(self, name: str, value: object) -> None:
        where = (
            "not loaded any more; `plumbline explain` loads it"
            if name == "bundle"
            else "not in the log"
        )
        super().__init__(f"{name} {shown(value)}: {where}")
