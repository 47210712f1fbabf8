"""The `train.decisions` section of params.yaml: what is done about an event, and what that costs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from plumbline.core.errors import ParamsError, suggest
from plumbline.core.params_base import Count, Section
from plumbline.core.usecase import FeatureSet
from plumbline.metrics import cost_matrix
from plumbline.metrics.cost_matrix import Amount, Costs
from plumbline.model import segments
from plumbline.model.reweighing import Reweigh

NEEDS_COSTS = (
    "expected `train.costs` beside it (unit, false_negative, false_positive), found none: without them no "
    "decision has a price"
)


def _refuse(text: str) -> None:
    """A message that begins where the key ends."""
    raise PydanticCustomError("grammar", "{text}", {"text": f": {text}"})


def _finite(value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        _refuse(f"got {value}, expected a finite number")
    return value


Number = Annotated[float, AfterValidator(_finite)]


class Review(Section):
    """A person looks at an event before it is let through: what that costs, and how much of it there is.

    A cost is a number, a column of the event, or a part of one, as in `costs`.
    """

    positive: Amount  # cost of a positive event that is looked at, e.g. {column: amount_cents, times: 0.1}
    negative: Amount  # cost of a negative event that is looked at
    # reviews a day, at most; thresholds keep the validation window's mean within it; None: no limit
    capacity: Annotated[int, Field(ge=0)] | None = None


class SegmentBy(Section):
    """Groups of events with thresholds of their own: by the values of a column, or by intervals of it."""

    column: Annotated[str, Field(min_length=1)]  # a known column, or a feature
    # limits of the intervals, rising; empty: one segment per value
    edges: Annotated[tuple[Number, ...], Field(strict=False)] = ()
    # positives, and negatives, on the validation window below which a segment takes the thresholds of all
    min_cases: Count = 20

    @model_validator(mode="after")
    def _rising(self) -> SegmentBy:
        if any(a >= b for a, b in pairwise(self.edges)):
            _refuse(f"got edges {list(self.edges)}, expected numbers that rise")
        return self


class FixedThresholds(Section):
    """Thresholds set by hand."""

    review: Number  # looked at from this score on
    block: Number  # blocked from this score on; at least `review`

    @model_validator(mode="after")
    def _in_order(self) -> FixedThresholds:
        if self.review > self.block:
            _refuse(
                f"review from {self.review:g} on lies above block from {self.block:g} on; expected "
                "review to be at most block"
            )
        return self


def _three(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(value) != 3 or len(set(value)) != 3 or not all(v.strip() for v in value):
        _refuse(
            f"got {list(value)}, expected three different names: let through, looked at, blocked"
        )
    return value


Names = Annotated[tuple[str, ...], Field(strict=False), AfterValidator(_three)]


class Decisions(Section):
    """What is done about an event, by its score: approve, review or block; fitted on the validation window.

    To block costs what `costs` says of an alarm, to approve what it says of none. The thresholds are those
    that cost least within the capacity of review.
    """

    names: Names = ("approve", "review", "block")  # of the decisions, in rising order of the score
    review: Review | None = None  # None: approve or block
    segment: SegmentBy | None = None  # None: one pair of thresholds for all events
    # a rate that must be the same in every segment, at the level that costs least; without a review
    equal: Literal["recall", "false_alarm_rate"] | None = None
    # by segment's name, thresholds set by hand in place of fitted ones; `all`: of every other event
    fixed: Mapping[str, FixedThresholds] = Field(default_factory=dict)
    # of a regression: the label from which on an event counts as positive
    positive_from: Number | None = None

    @model_validator(mode="after")
    def _possible(self) -> Decisions:
        if self.equal and (self.segment is None or self.review or self.fixed):
            _refuse("`equal` needs a segment, and knows neither review nor fixed thresholds")
        named = sorted(set(self.fixed) - {ALL})
        if named and self.segment is None:
            _refuse(f"fixed thresholds of the segment '{named[0]}', but no segment is declared")
        between = [n for n, cut in self.fixed.items() if cut.review < cut.block]
        if between and self.review is None:
            _refuse(
                f"fixed thresholds of '{between[0]}' leave scores to review, but `review`, with its costs, "
                "is not declared"
            )
        return self


ALL = "all"


def with_costs(decisions: Decisions | None, costs: Costs | None) -> None:
    """A validation error where decisions are declared and their costs are not."""
    if decisions is not None and costs is None:
        raise PydanticCustomError("grammar", "{text}", {"text": f".decisions: {NEEDS_COSTS}"})


def check(usecase: FeatureSet, decisions: Decisions | None) -> None:
    """ParamsError, with the nearest names, where the section does not fit the use case."""
    if decisions is None:
        return
    for key, problem in _problems(usecase, decisions):
        raise ParamsError(f"params.yaml, {usecase.name}.train.decisions{key}: {problem}")
    if review := decisions.review:
        for cell in ("positive", "negative"):
            where = f"{usecase.name}.train.decisions.review.{cell}"
            cost_matrix.check_amount(where, getattr(review, cell), usecase.available)


def _problems(usecase: FeatureSet, decisions: Decisions) -> Iterator[tuple[str, str]]:
    """Key and problem of each mistake."""
    if usecase.problem == "multiclass":
        yield (
            "",
            "of several classes, the class decided on is the decision; declare train.class_costs",
        )
        return
    if usecase.problem == "regression" and decisions.positive_from is None:
        yield (
            "",
            (
                "of a regression, expected `positive_from`: the label from which on an event counts as "
                "positive, e.g. 60"
            ),
        )
    if usecase.problem == "classification" and decisions.positive_from is not None:
        yield ".positive_from", "of a classification the label says what is positive; leave it out"
    if decisions.review and decisions.review.capacity is not None and usecase.time is None:
        yield ".review.capacity", "is per day, and the use case has no time; leave it out"
    if decisions.segment:
        yield from _of_segment(usecase, decisions.segment)
        yield from _of_fixed(usecase, decisions, decisions.segment)


def check_reweigh(usecase: FeatureSet, declared: Reweigh | None) -> None:
    """ParamsError where `train.reweigh` groups by a column that there is not, or that cannot be cut so."""
    if declared and usecase.problem == "multiclass":
        raise ParamsError(
            f"params.yaml, {usecase.name}.train.reweigh: of several classes its price cannot be shown; leave it out"
        )
    for key, problem in _of_segment(usecase, declared) if declared else ():
        where = key.removeprefix(".segment")
        raise ParamsError(f"params.yaml, {usecase.name}.train.reweigh{where}: {problem}")


def _of_segment(usecase: FeatureSet, segment: SegmentBy | Reweigh) -> Iterator[tuple[str, str]]:
    name = segment.column
    if name not in usecase.available:
        yield (
            ".segment.column",
            (
                f"'{name}' is no column or feature known at prediction time; "
                f"{suggest(name, usecase.available)}"
            ),
        )
        return
    kinds = {c.name: c.type for c in usecase.known}
    if kinds.get(name) == "timestamp":
        yield ".segment.column", f"'{name}' is a time; expected a column of values or numbers"
    coded = any(c.name == name for c in usecase.categories)
    if segment.edges and (kinds.get(name) == "string" or coded):
        yield ".segment.edges", f"'{name}' holds no numbers; leave the edges out"


def _of_fixed(
    usecase: FeatureSet, decisions: Decisions, segment: SegmentBy
) -> Iterator[tuple[str, str]]:
    """Fixed thresholds of a segment that cannot be, where the declarations say which can."""
    possible = segments.possible(usecase, segment.column, segment.edges)
    for name in decisions.fixed if possible else ():
        if name not in (ALL, *possible):
            yield f".fixed.{name}", f"no such segment; {suggest(name, [ALL, *possible])}"


def positive(decisions: Decisions, label: Any) -> Any:
    """The rows that count as positive, bool (n,)."""
    return label == 1 if decisions.positive_from is None else label >= decisions.positive_from


def columns(decisions: Decisions | None) -> list[str]:
    """The columns that the decisions read, beside those of `costs`."""
    if decisions is None:
        return []
    review, segment = decisions.review, decisions.segment
    amounts = [review.positive, review.negative] if review else []
    read = [cost_matrix.column_of(amount) for amount in amounts]
    read.append(segment.column if segment else None)
    return [name for name in dict.fromkeys(read) if name is not None]
