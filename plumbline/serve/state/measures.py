"""What an event adds to the sum of a measure: one function per measure, made once. Pure.

The same rule as `single_event` has and `conditions.holds`, without looking the declaration up per event.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from plumbline.core import conditions
from plumbline.core.declarations import Measure, Where
from plumbline.core.usecase import FeatureSet
from plumbline.serve.single_event import RawEvent

Adder = Callable[[RawEvent], int | None]
"""What the event adds to the measure's sum; None where it does not count."""
Test = Callable[[RawEvent], bool]


def adder(usecase: FeatureSet, measure: Measure) -> Adder:
    """The measure as a function of an event's plain values."""
    value = _value(measure)
    tests = [_test(usecase, where) for where in measure.where]
    if not tests:
        return value
    if len(tests) == 1:
        return _conditional(value, tests[0])
    return _conditional(value, lambda event: all(test(event) for test in tests))


def _conditional(value: Adder, test: Test) -> Adder:
    return lambda event: value(event) if test(event) else None


def _value(measure: Measure) -> Adder:
    column, edges = measure.column, measure.edges
    if column is None:
        return lambda _: 1

    def plain(event: RawEvent) -> int | None:
        value = event[column]
        return None if value is None or value != value else int(value)

    def stepped(event: RawEvent) -> int | None:
        value = event[column]
        return None if value is None or value != value else bisect_right(edges, int(value))

    return stepped if edges else plain


def _test(usecase: FeatureSet, where: Where) -> Test:
    column, in_range = where.column, conditions.in_range
    times = {c.name for c in usecase.columns if c.type == "timestamp"}

    def hour(event: RawEvent) -> bool:
        value = event[column]
        return value is not None and bool(in_range(where, value.hour))

    def number(event: RawEvent) -> bool:
        value = event[column]
        return value is not None and value == value and bool(in_range(where, int(value)))

    return hour if column in times else number
