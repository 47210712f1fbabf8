"""What a feature costs: processor time per row of a batch, and per single request. An edge: the clock.

Times are of the processor, the least of several runs, and given beside a yardstick that is measured in
the same minute: so a busy machine, or another one, moves both.
"""

from __future__ import annotations

import sys
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import numpy as np

from plumbline.core import row_features
from plumbline.core.declarations import Columns
from plumbline.core.usecase import UseCase
from plumbline.serve import single_event

REPEATS = 5
REQUESTS = 200
PER_ROW = 400.0
"""The most that a feature may cost per row of a batch, in yardsticks (a square root of a float)."""
PER_REQUEST = 40.0
"""The most that a history may cost at a request, in yardsticks (finding a time among a thousand)."""


def least(work: Callable[[], object], per: int) -> float:
    """Microseconds of processor time, divided by `per`: the least of some runs.

    Who watches each line (a debugger, a coverage tool) looks away meanwhile: they would make plain
    plain Python slow and leave compiled code as it is.
    """
    spent = []
    watcher = sys.gettrace()
    sys.settrace(None)
    try:
        for _ in range(REPEATS):
            started = time.process_time_ns()
            work()
            spent.append(time.process_time_ns() - started)
    finally:
        sys.settrace(watcher)
    return min(spent) / per / 1000


def root(rows: int) -> float:
    """The yardstick of a batch: a square root per row, as NumPy takes it, microseconds."""
    values = np.random.default_rng(1).random(rows)
    return max(least(lambda: [np.sqrt(values) for _ in range(20)], 20 * rows), 1e-6)


def lookup() -> float:
    """The yardstick of a request: one place among a thousand times, microseconds."""
    start = datetime(2025, 1, 1)
    times = [start + timedelta(minutes=i) for i in range(1000)]
    return least(lambda: [bisect_left(times, times[i]) for i in range(1000)], 1000)


def batch(usecase: UseCase, columns: Columns) -> dict[str, float]:
    """Microseconds per row of each row feature and category code; those stored take none."""
    rows = len(columns[usecase.key])
    spent = {
        c.name: least(lambda c=c: row_features.codes(c, columns[c.column]), rows)  # type: ignore[misc]
        for c in usecase.categories
    }
    for row in usecase.rows:
        inputs = {name: columns[name] for name in row.inputs}
        spent[row.name] = least(lambda r=row, i=inputs: r.function(**i), rows)  # type: ignore[misc]
    return spent


def fetch(
    usecase: UseCase, histories: Mapping[str, single_event.History], at: datetime
) -> dict[str, float]:
    """Microseconds at a request to read each history of an event at `at`."""
    event = dict.fromkeys(usecase.entity_columns, 1) | {str(usecase.time): at}
    return {
        spec.name: least(
            lambda s=spec: [
                single_event.aggregate(usecase, s, event, histories) for _ in range(REQUESTS)
            ],  # type: ignore[misc]
            REQUESTS,
        )
        for spec in usecase.aggregates
    }
