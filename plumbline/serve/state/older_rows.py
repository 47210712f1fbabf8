"""Rows of the log that were served by other features: what they add to histories is computed again by this process's.

A derived event feature is kept with each row as the code of its day computed it. A process of newer or older code
would sum another thing under the same name, or miss one that was not there yet. So it computes them from the logged
event and the histories as they stand at that row, as it would have served it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from plumbline.core.usecase import FeatureSet
from plumbline.model import logged_definitions
from plumbline.serve.online.row_inputs import RowInputs, ScoringError
from plumbline.serve.protocols import LoggedEvent, LoggedOutcome
from plumbline.serve.single_event import RawEvent
from plumbline.serve.state.plan import HistoryPlan

log = logging.getLogger("plumbline")
Row = LoggedEvent | LoggedOutcome


class PlannedState(Protocol):
    """A state, wherever it is kept, and the plan that it was made by."""

    plan: HistoryPlan

    def values(self, event: RawEvent) -> list[float]:
        """The event's histories, in the order of `FeatureSet.aggregates`."""
        ...


def definitions(usecase: FeatureSet) -> str:
    """What a row's `definitions` says where it was served by these features."""
    return logged_definitions.of(usecase)


class Renewal:
    """Gives the rows of other features the derived features that a state's own features compute for them.

    `own`: what the `definitions` of its own rows say. `count`, `failed`: of the rows that were renewed.
    """

    def __init__(self, state: PlannedState, own: str | None = None) -> None:
        usecase = state.plan.usecase
        self._state, self.usecase = state, usecase
        self._own = own or (definitions(usecase) if usecase.derived else "")
        self._inputs = RowInputs(usecase)
        self.count = self.failed = 0

    def of(self, row: Row) -> Row:
        """The row as it is to be folded next."""
        if not self.usecase.derived or not isinstance(row, LoggedEvent):
            return row
        if row.mode != "live" or row.definitions == self._own:
            return row
        event = {column.name: row.event.get(column.name) for column in self.usecase.known}
        return replace(row, event=event, derived=self.derived(event, self._state.values(event)))

    def derived(self, event: RawEvent, histories: Sequence[float]) -> tuple[int | None, ...]:
        """The derived features of an event with these histories; nulls where they cannot be computed."""
        if not self.usecase.derived:
            return ()
        self.count += 1
        try:
            return self._inputs.compute([event], [histories]).derived[0]
        except ScoringError:
            self.failed += 1
            return (None,) * len(self.usecase.derived)


def renewed(state: PlannedState, rows: Iterable[Row]) -> Iterator[Row]:
    """The rows, each to be folded before the next is taken; those of other features with this use case's values."""
    renewal = Renewal(state)
    yield from (renewal.of(row) for row in rows)
    if renewal.count:
        log.info(
            "state: %d rows were served by other features: their derived features are computed again",
            renewal.count,
        )
    if renewal.failed:
        log.warning("state: %d of them cannot be, and count as null", renewal.failed)
