"""How a prediction log stands, for whoever looks after the service."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogStatus:
    """How a log stands. `broken`: why it is not written; None where it is.

    Counts are of rows since the start; `waiting`: those that are not in the file of their day yet.
    """

    broken: str | None
    appended: int
    waiting: int
    unlogged_requests: int
