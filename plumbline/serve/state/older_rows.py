"""Rows of the log that were served by other features: what they add to histories is computed again by this process's.

A derived event feature is kept with each row as the code of its day computed it. A process of newer or older code
would sum another thing under the same name, or miss one that was not there yet. So it computes them from the logged
event and the histories as they stand at that row, as it would have served it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
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


def renewed(state: PlannedState, rows: Iterable[Row]) -> Iterator[Row]:
    """The rows, each to be folded before the next is taken; those of other features with this use case's values."""
    usecase = state.plan.usecase
    own = definitions(usecase) if usecase.derived else ""
    inputs, failed, count = RowInputs(usecase), 0, 0
    for row in rows:
        if (
            not own
            or not isinstance(row, LoggedEvent)
            or row.mode != "live"
            or row.definitions == own
        ):
            yield row
            continue
        count += 1
        event = {column.name: row.event.get(column.name) for column in usecase.known}
        try:
            derived = inputs.compute([event], [state.values(event)]).derived[0]
        except ScoringError:
            failed, derived = failed + 1, (None,) * len(usecase.derived)
        yield replace(row, event=event, derived=derived)
    if count:
        log.info(
            "state: %d rows were served by other features: their derived features are computed again",
            count,
        )
    if failed:
        log.warning("state: %d of them cannot be, and count as null", failed)
