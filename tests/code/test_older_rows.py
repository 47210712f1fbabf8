"""Rows of the log that other features served: what they add to histories is computed by this process's features."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plumbline.serve.online.row_inputs import RowInputs
from plumbline.serve.protocols import LoggedEvent
from plumbline.serve.state import older_rows
from plumbline.serve.state.fold import fold
from plumbline.serve.state.memory import MemoryState
from plumbline.serve.state.plan import compiled
from tests.small import SMALL
from tests.states import event_row, stream


def served(rows: list[LoggedEvent]) -> list[LoggedEvent]:
    """The rows as this use case's own process logs them."""
    state, inputs, own = (
        MemoryState(compiled(SMALL), 8),
        RowInputs(SMALL),
        older_rows.definitions(SMALL),
    )
    result = []
    for row in rows:
        if isinstance(row, LoggedEvent):
            derived = inputs.compute([row.event], [state.values(row.event)]).derived[0]
            row = replace(row, derived=derived, definitions=own)
        result.append(row)
        fold(state, [row])
    return result


def histories(rows: list[LoggedEvent]) -> list[list[float]]:
    """What each event's histories are once all rows are folded as a start does it."""
    state = MemoryState(compiled(SMALL), 8)
    fold(state, older_rows.renewed(state, rows))
    return [state.values(row.event) for row in rows if isinstance(row, LoggedEvent)]


@pytest.mark.parametrize("derived", [(), (10**6,), (1, 2)], ids=["none", "another", "more"])
def test_they_count_as_if_this_process_had_served_them(derived: tuple[int, ...]):
    rows = served([row for _, some in stream(1, 60, 5) for row in some])
    half = len(rows) // 2
    old = [
        replace(r, derived=derived, definitions="older") if isinstance(r, LoggedEvent) else r
        for r in rows[:half]
    ]
    assert histories(old + rows[half:]) == histories(rows)
    assert any(any(values) for values in histories(rows))


def test_an_event_without_a_column_that_came_later_counts_as_null():
    (_, (row, *_)), *_ = stream(1, 1, 5)
    lacking = replace(
        row, event={n: v for n, v in row.event.items() if n != "grams"}, definitions="o"
    )
    state = MemoryState(compiled(SMALL), 8)
    (renewed,) = older_rows.renewed(state, [lacking])
    assert isinstance(renewed, LoggedEvent)
    assert renewed.event["grams"] is None


def test_a_row_of_these_features_is_left_as_it_is():
    (row,) = served([event_row({**dict.fromkeys(c.name for c in SMALL.known), **ONE}, 1)])
    assert list(older_rows.renewed(MemoryState(compiled(SMALL), 8), [row])) == [row]


ONE = next(stream(2, 1, 5))[0]
