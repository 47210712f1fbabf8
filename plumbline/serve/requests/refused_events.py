"""What the log counts of a request that was refused: each event at fault once, by its first fault. Pure."""

from __future__ import annotations

from collections.abc import Collection

from plumbline.serve.log import refusal_counts
from plumbline.serve.log.refusal_counts import Refused
from plumbline.serve.online.refusals import EventRefused, Problem

CLOCK = ", which is at "
"""After this an expectation names the time of the request."""
FIELD = "no such field"


def counted(refused: EventRefused, columns: Collection[str], at: int) -> list[Refused]:
    """`columns`: of the contract; `at`: microseconds since 1970."""
    first: dict[int | None, Problem] = {}
    for problem in refused.problems:
        first.setdefault(problem.event, problem)
    return [refusal_counts.of(at, *_named(one, columns)) for one in first.values()]


def _named(problem: Problem, columns: Collection[str]) -> tuple[str, str]:
    """Column and problem; few of them, whatever names a client thinks of."""
    if problem.column and problem.column not in columns:
        return "", FIELD
    return problem.column, problem.expected.partition(CLOCK)[0]
