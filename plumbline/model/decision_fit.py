"""Fits a decision policy: the thresholds that cost least on the validation window, within a capacity. Pure.

Per segment the events from the highest score down are blocked, then reviewed, then let through; both cuts
together are the cheapest of all pairs. A capacity of review is met by a price per review, the same in all
segments and just so high that the reviews fit, so that each review goes where it saves most; what this leaves
of the capacity is given to the segments that save most by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from plumbline.core import documents
from plumbline.core.declarations import Array, Columns
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.metrics.cost_matrix import Costs
from plumbline.model import decision_params, segments
from plumbline.model.decision_ladder import (
    Ladder,
    Places,
    at_rate,
    ladder,
    one_cut,
    two_cuts,
    within,
)
from plumbline.model.decision_params import ALL, Decisions
from plumbline.model.decision_prices import Prices, Window, expected
from plumbline.model.decisions import REVIEW, Cut, DecisionPolicy

MOST_SEGMENTS = 50
LEVELS = 200
"""Rates that `equal` tries."""
OWN = "="
"""Before a segment's name among the parts: never the key of all events."""
HALVINGS = 50
"""Of the price of a review."""


def fit(
    usecase: FeatureSet, columns: Columns, score: Array, declared: Decisions, costs: Costs
) -> DecisionPolicy:
    """The policy that costs least on the validation window.

    `columns` holds the label, the costs' columns, the segment's and the time, (m,) as `score`.
    PlumblineError where a segment's column has too many values.
    """
    window = _window(usecase, columns, score, declared)
    empty = _without_thresholds(usecase, declared)
    named = empty.named(columns, len(score))
    parts = _parts(named, window.positive, declared, usecase.name)
    whole = expected(declared, costs, columns, window)
    ladders = {name: ladder(score[rows], whole.rows(rows)) for name, rows in parts.items()}
    fitting = Fitting(parts, ladders, whole, window, _fixed(declared))
    worth, cuts = _cuts(usecase.name, declared, fitting)
    nobody = np.zeros(len(score), bool)
    counted = {n: _counted(c, parts.get(n, nobody), window.positive) for n, c in cuts.items()}
    otherwise = counted.pop(ALL)
    own = {name.removeprefix(OWN): cut for name, cut in counted.items()}
    filled = {"otherwise": otherwise, "segments": own, "worth": documents.rounded(worth)}
    return empty.model_copy(update=filled)


def shared(declared: Decisions) -> Decisions:
    """The same decisions with one pair of thresholds for all events."""
    fixed = {name: cut for name, cut in declared.fixed.items() if name == ALL}
    return declared.model_copy(update={"segment": None, "equal": None, "fixed": fixed})


def unequal(declared: Decisions) -> Decisions:
    """The same segments, each with the thresholds that cost least."""
    return declared.model_copy(update={"equal": None})


def single(declared: Decisions) -> Decisions:
    """One threshold, above which events are blocked."""
    return shared(declared).model_copy(update={"review": None, "fixed": {}})


def _window(usecase: FeatureSet, columns: Columns, score: Array, declared: Decisions) -> Window:
    days = 1
    if usecase.time is not None:
        days = len(np.unique(columns[usecase.time].astype("datetime64[D]")))
    label = np.asarray(columns[usecase.label], np.float64)
    chance = score if usecase.problem == "classification" else None
    return Window(decision_params.positive(declared, label), score, days, chance)


def _without_thresholds(usecase: FeatureSet, declared: Decisions) -> DecisionPolicy:
    segment, review = declared.segment, declared.review
    return DecisionPolicy(
        names=(declared.names[0], declared.names[1], declared.names[2]),
        column=segment.column if segment else None,
        edges=segment.edges if segment else (),
        decoded=segments.decoded(usecase, segment.column) if segment else (),
        review=review is not None,
        capacity=review.capacity if review else None,
        positive_from=declared.positive_from,
        otherwise=Cut(review=0.0, block=0.0),
    )


def _fixed(declared: Decisions) -> dict[str, Cut]:
    """The cuts set by hand, by part."""
    return {
        name if name == ALL else OWN + name: Cut(review=one.review, block=one.block)
        for name, one in declared.fixed.items()
    }


def _parts(named: Array, positive: Array, declared: Decisions, usecase: str) -> dict[str, Array]:
    """The rows of all events, and of each segment that has enough of both kinds, bool (m,) each."""
    parts = {ALL: np.ones(len(named), bool)}
    if declared.segment is None:
        return parts
    kinds = np.unique(named.astype(str))
    if len(kinds) > MOST_SEGMENTS:
        raise PlumblineError(
            f"params.yaml, {usecase}.train.decisions.segment: '{declared.segment.column}' has {len(kinds):,} "
            f"values on the validation window, expected {MOST_SEGMENTS} at most; declare edges"
        )
    for name in map(str, kinds):
        rows = named == name
        cases = int(positive[rows].sum())
        enough = min(cases, int(rows.sum()) - cases) >= declared.segment.min_cases
        if enough or name in declared.fixed:
            parts[OWN + name] = rows
    return parts


@dataclass(frozen=True)
class Fitting:
    """What is fitted: the rows of each part, their ladders, what each decision costs, cuts set by hand."""

    parts: Mapping[str, Array]
    ladders: Mapping[str, Ladder]
    prices: Prices
    window: Window
    fixed: Mapping[str, Cut]

    @property
    def own(self) -> list[str]:
        """The parts whose cuts are free: the segments, or all events where there are none."""
        segments = [name for name in self.parts if name != ALL] or [ALL]
        return [name for name in segments if name not in self.fixed]

    def places(self, cuts: Mapping[str, Cut]) -> Array:
        """The decision about each row, by the cuts of its own segment, int (m,)."""
        score = self.window.score
        review, block = (np.full(len(score), getattr(cuts[ALL], k)) for k in ("review", "block"))
        for name, rows in self.parts.items():
            review[rows], block[rows] = cuts[name].review, cuts[name].block
        return (score >= review).astype(int) + (score >= block)

    def reviews(self, cuts: Mapping[str, Cut]) -> int:
        """How many rows are reviewed."""
        return int(np.count_nonzero(self.places(cuts) == REVIEW))

    def cost(self, cuts: Mapping[str, Cut]) -> float:
        """What the rows are expected to cost."""
        return float(np.sum(self.prices.of(self.places(cuts))))

    def cuts(self, found: Mapping[str, Places]) -> dict[str, Cut]:
        """The cuts at the places found, under those set by hand."""
        return {**{n: self.ladders[n].cut(one) for n, one in found.items()}, **self.fixed}


def _cuts(usecase: str, declared: Decisions, fitting: Fitting) -> tuple[float, dict[str, Cut]]:
    """What one more review a day would save a day, and the cuts by part."""
    ladders, review = fitting.ladders, declared.review
    if declared.equal:
        return 0.0, fitting.cuts(_equalised(declared.equal, fitting))
    if review is None:
        return 0.0, fitting.cuts({n: one_cut(one) for n, one in ladders.items()})
    if review.capacity is None:
        return 0.0, fitting.cuts({n: two_cuts(one) for n, one in ladders.items()})
    days = fitting.window.days
    cuts = fitting.cuts(_affordable(fitting, review.capacity * days))
    if fitting.reviews(cuts) > review.capacity * days:
        raise PlumblineError(
            f"params.yaml, {usecase}.train.decisions.fixed: these thresholds alone send more events to review "
            "on the validation window than review.capacity allows; raise one of them"
        )
    more = fitting.cuts(_affordable(fitting, (review.capacity + 1) * days))
    return max(fitting.cost(cuts) - fitting.cost(more), 0.0) / days, cuts


def _affordable(fitting: Fitting, most: int) -> dict[str, Places]:
    """The places of the cuts that cost least with at most so many reviews."""

    def at(extra: float) -> dict[str, Places]:
        return {n: two_cuts(one, extra) for n, one in fitting.ladders.items()}

    def fits(found: Mapping[str, Places]) -> bool:
        return fitting.reviews(fitting.cuts(found)) <= most

    found = at(0.0)
    if fits(found):
        return found
    spans = (np.ptp(v) for o in fitting.ladders.values() for v in (o.approve, o.review, o.block))
    low, high = 0.0, 1.0 + float(sum(spans))
    found = at(high)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        tried = at(middle)
        low, high, found = (low, middle, tried) if fits(tried) else (middle, high, found)
    return _filled(fitting, found, most)


def _filled(fitting: Fitting, found: dict[str, Places], most: int) -> dict[str, Places]:
    """The same with what is left of the reviews given to the segments that save most by it.

    A price per review alone leaves some over where many events are worth the same.
    """
    for _ in fitting.own:
        left = most - fitting.reviews(fitting.cuts(found))
        better = {}
        for name in fitting.own:
            one = fitting.ladders[name]
            places = within(one, one.reviews(found[name]) + max(left, 0))
            better[name] = one.cost(found[name]) - one.cost(places), places
        name = max(better, key=lambda n: better[n][0])
        if left <= 0 or better[name][0] <= 0:
            break
        found = {**found, name: better[name][1]}
    return found


def _equalised(measure: str, fitting: Fitting) -> dict[str, Places]:
    """The cuts with the same rate in every segment: of all levels, the one that costs least."""
    window, ladders = fitting.window, fitting.ladders
    among = window.positive if measure == "recall" else ~window.positive
    ranked = {n: np.sort(window.score[rows & among])[::-1] for n, rows in fitting.parts.items()}
    half = LEVELS // 2
    levels = np.unique(np.append(np.geomspace(1e-4, 1, half), np.linspace(0, 1, half)))
    tried = [{n: at_rate(one, ranked[n], v) for n, one in ladders.items()} for v in levels]
    return min(tried, key=lambda found: sum(ladders[n].cost(found[n]) for n in fitting.own))


def _counted(cut: Cut, rows: Array, positive: Array) -> Cut:
    return cut.model_copy(update={"rows": int(rows.sum()), "positives": int(positive[rows].sum())})
