"""What the declared decisions cost on the test window, beside simpler ways to decide. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from plumbline.core.declarations import Columns
from plumbline.core.documents import rounded
from plumbline.core.usecase import UseCase
from plumbline.evaluate import fairness
from plumbline.evaluate.decision_document import (
    DecidedRows,
    DecidedSegment,
    DecisionEvidence,
    ReviewLoad,
)
from plumbline.evaluate.evidence import LabelledWindow, difference
from plumbline.evaluate.fairness_document import WidestGap
from plumbline.metrics import bootstrap
from plumbline.metrics.bootstrap import Array, Resample
from plumbline.metrics.cost_matrix import Costs
from plumbline.metrics.interval import Interval, PairedDifference
from plumbline.model import decision_fit, decision_params
from plumbline.model.decision_params import Decisions
from plumbline.model.decision_prices import prices
from plumbline.model.decisions import APPROVE, BLOCK, REVIEW, DecisionPolicy

SINGLE, NOTHING, SHARED, UNEQUAL = "single", "nothing", "shared", "unequal"
TITLES = {
    SINGLE: "one threshold without review",
    NOTHING: "every event let through",
    SHARED: "the same thresholds for all segments",
    UNEQUAL: "each segment's cheapest threshold",
}
"""The other ways for people, in the order of tables and pictures."""


def ordered(names: Iterable[str]) -> list[str]:
    """The other ways in the order of `TITLES`."""
    return sorted(names, key=list(TITLES).index)


@dataclass(frozen=True)
class Decided:
    """The test window as it is decided: `places` int (n,), `made` with reviews within capacity, both of 0 to 2."""

    places: Array
    made: Array
    positive: Array
    day: Array | None

    @property
    def days(self) -> int:
        return 1 if self.day is None else len(np.unique(self.day))


@dataclass(frozen=True)
class Declared:
    """What is declared, and the validation window, on which other ways are fitted: columns, score (m,)."""

    usecase: UseCase
    decisions: Decisions
    costs: Costs
    known: tuple[Columns, Array]

    def policy(self, other: Decisions) -> DecisionPolicy:
        """Another way to decide, fitted as train fits it."""
        return decision_fit.fit(self.usecase, *self.known, other, self.costs)


def within(day: Array | None, time: Array | None, places: Array, capacity: int | None) -> Array:
    """The places with the reviews that can be made: of each day the first `capacity`; the others are let through."""
    if capacity is None or day is None or time is None:
        return places
    rows = np.flatnonzero(places == REVIEW)
    order = rows[np.lexsort((rows, time[rows]))]
    days = day[order]
    turn = np.arange(len(order)) - np.searchsorted(days, days, side="left")
    out = places.copy()
    out[order[turn >= capacity]] = APPROVE
    return out


def evidence(
    declared: Declared,
    window: LabelledWindow,
    columns: Columns,
    score: Array,
    policy: DecisionPolicy,
) -> DecisionEvidence:
    """Decisions, their cost with interval, reviews beside their capacity, and paired differences.

    `columns`, `score` (n,): of the test window. Reviews beyond a day's capacity are priced as let through.
    """
    sample, time = window.sample(), declared.usecase.time
    positive = decision_params.positive(declared.decisions, window.label)
    real = prices(declared.decisions, declared.costs, columns, positive)
    others = _others(declared, window.threshold, columns, score)
    places = {"": policy.places(columns, score), **others}
    at = None if time is None else columns[time]
    made = {n: within(window.day, at, one, policy.capacity) for n, one in places.items()}
    totals = {name: sample.total(real.of(one)) for name, one in made.items()}
    decided = Decided(places[""], made[""], positive, window.day)
    return DecisionEvidence(
        unit=declared.costs.unit,
        days=decided.days,
        names=list(policy.names),
        column=policy.column,
        edges=list(policy.edges),
        equal=declared.decisions.equal,
        positive_from=policy.positive_from,
        decided=_decided(decided, policy),
        segments=_segments(decided, policy, columns),
        load=_load(decided, policy),
        cost=_interval(window, totals[""], sample),
        cost_a_day=_interval(window, totals[""] / decided.days, sample),
        others={n: _interval(window, totals[n] / decided.days, sample) for n in others},
        differences={n: _apart(window, totals[""], totals[n], sample) for n in others},
        gaps=_gaps(declared, window, policy, columns, positive, made),
    )


def _others(
    declared: Declared, threshold: float | None, columns: Columns, score: Array
) -> dict[str, Array]:
    """The places of simpler ways to decide, (n,) each."""
    decisions = declared.decisions
    if threshold is None:
        one = declared.policy(decision_fit.single(decisions)).places(columns, score)
    else:
        one = np.where(score >= threshold, BLOCK, APPROVE)
    out = {SINGLE: one, NOTHING: np.full(len(score), APPROVE)}
    if decisions.segment:
        shared = declared.policy(decision_fit.shared(decisions))
        out[SHARED] = shared.places(columns, score)
    if decisions.equal:
        unequal = declared.policy(decision_fit.unequal(decisions))
        out[UNEQUAL] = unequal.places(columns, score)
    return out


def _decided(decided: Decided, policy: DecisionPolicy) -> dict[str, DecidedRows]:
    out = {}
    for place, name in enumerate(policy.names):
        rows = decided.made == place
        share = float(bootstrap.divide(float(np.sum(rows & decided.positive)), float(rows.sum())))
        known = None if share != share else rounded(share)
        out[name] = DecidedRows(a_day=rounded(float(rows.sum()) / decided.days), positive=known)
    return out


def _segments(
    decided: Decided, policy: DecisionPolicy, columns: Columns
) -> dict[str, DecidedSegment]:
    """By segment as it is found on the test window; one of "all" where none is declared."""
    if policy.column is None:
        return {
            decision_params.ALL: _segment(decided, policy, None, np.ones(len(decided.made), bool))
        }
    named = policy.named(columns, len(decided.made))
    return {n: _segment(decided, policy, n, named == n) for n in sorted(set(named.tolist()))}


def _segment(
    decided: Decided, policy: DecisionPolicy, name: str | None, rows: Array
) -> DecidedSegment:
    cut = policy.segments.get(name, policy.otherwise) if name else policy.otherwise
    made, positive = decided.made[rows], decided.positive[rows]
    rates = [_share(made[kind] != APPROVE) for kind in (positive, ~positive)]
    return DecidedSegment(
        review=rounded(cut.review) if policy.review else None,
        block=rounded(cut.block),
        own=name in policy.segments,
        rows=int(rows.sum()),
        positives=int(positive.sum()),
        decided={n: int(np.sum(made == place)) for place, n in enumerate(policy.names)},
        recall=rates[0],
        false_alarm_rate=rates[1],
    )


def _share(flagged: Array) -> float | None:
    return rounded(float(np.mean(flagged))) if len(flagged) else None


def _load(decided: Decided, policy: DecisionPolicy) -> ReviewLoad | None:
    if policy.capacity is None or decided.day is None:
        return None
    days, place = np.unique(decided.day, return_inverse=True)
    wanted = np.bincount(place, decided.places == REVIEW, len(days)).astype(int)
    return ReviewLoad(
        capacity=policy.capacity,
        a_day=rounded(float(wanted.mean())),
        most=int(wanted.max()),
        days_over=int(np.sum(wanted > policy.capacity)),
        left_out=int(np.sum(decided.places != decided.made)),
        worth=policy.worth,
    )


def _gaps(
    declared: Declared,
    window: LabelledWindow,
    policy: DecisionPolicy,
    columns: Columns,
    positive: Array,
    made: Mapping[str, Array],
) -> dict[str, WidestGap | None]:
    """Where a rate is equalised, the widest gap in it between segments, by the way to decide."""
    measure = declared.decisions.equal
    if measure is None:
        return {}
    named = policy.named(columns, len(positive))
    groups = {n: named == n for n in sorted(set(named.tolist()))}
    among = positive if measure == "recall" else ~positive
    ways = {"decisions": made[""], SINGLE: made[SINGLE]}
    rates = {n: fairness.Rate((one != APPROVE).astype(float), among) for n, one in ways.items()}
    return {n: fairness.gap(window, rate, groups) for n, rate in rates.items()}


def _interval(window: LabelledWindow, replicates: Array, sample: Resample) -> Interval:
    return Interval.from_estimate(window.estimate(replicates, sample))


def _apart(window: LabelledWindow, own: Array, other: Array, sample: Resample) -> PairedDifference:
    estimate = window.estimate(own - other, sample)
    word = bootstrap.word(estimate, higher_is_better=False)
    return difference(estimate, float(other[0]), word)
