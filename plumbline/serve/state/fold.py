"""Fold rows of the log into a state."""

from __future__ import annotations

from collections.abc import Iterable

from plumbline.serve.protocols import LoggedEvent, LoggedOutcome, State


def fold(state: State, rows: Iterable[LoggedEvent | LoggedOutcome]) -> int:
    """Fold the rows, in the order given; how many there were."""
    count = 0
    for row in rows:
        count += 1
        if isinstance(row, LoggedEvent):
            state.add_event(row)
        else:
            state.add_outcome(row)
    return count
