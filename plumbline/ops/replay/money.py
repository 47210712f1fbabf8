"""What another way to answer would have saved or cost, paired event by event, with intervals. Pure.

Two causes of noise: which days or entities there happened to be (a bootstrap of clusters), and which withheld
labels happened to be let through. Their halves add as squares do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

from plumbline.core.declarations import Array
from plumbline.core.documents import finite, rounded
from plumbline.core.usecase import FeatureSet
from plumbline.metrics import bootstrap, weighted
from plumbline.metrics.bootstrap import MIN_UNITS, Estimate, Resample
from plumbline.metrics.interval import Interval
from plumbline.metrics.weighted import Drawing
from plumbline.metrics.withheld import DIGITS, Labelled
from plumbline.ops.replay import what_if
from plumbline.ops.replay.pricing import Pricing
from plumbline.ops.replay.replay_document import MoneyChanged
from plumbline.ops.replay.what_if import DecidedEvents

DAYS = 20
"""Days from which on days are drawn together; with fewer, entities are."""
FEWEST = 5
"""Changed events with a label, and events let through at random, below which nothing is said."""
COVERED = 0.5
"""Share of the changed events that are due and may have a label, of which one must be known."""
REPLICATES, SEED, LEVEL = 1000, 0, 0.95
UNKNOWN = Estimate(math.nan, math.nan, math.nan)
By = Literal["day", "entity", "event"]


@dataclass(frozen=True)
class Weighed:
    """Events that are due, and what each counts for: `weight` (n,), 0 where its label is not `known`.

    `chance` (n,): with which it was to be known.
    """

    events: DecidedEvents
    weight: Array
    known: Array
    chance: Array
    strata: Sequence[Array]

    def total(self, costs: Array) -> Array:
        """What each event adds to a total, float64 (n,): its cost by how it came out, weighed."""
        code = np.where(self.known, self.events.outcome, 0).astype(np.int64)
        own = np.take_along_axis(costs, code[:, None], axis=1)[:, 0]
        return np.where(self.known, self.weight * own, 0.0)

    def spread(self, costs: Array) -> Array:
        """The same total, with the mean of its stratum for each event where labels were withheld at random.

        So that which days there were counts apart from which labels are known.
        """
        each = self.total(costs)
        for stratum in self.strata:
            each[stratum] = each[stratum].sum() / len(stratum)
        return each


def changed(
    usecase: FeatureSet, events: DecidedEvents, pricing: Pricing, until: date, *, repriced: bool
) -> MoneyChanged:
    """The money of both ways over the events that are due, and the difference."""
    end = (until - date(1970, 1, 1)).days * 86_400 * what_if.SECOND
    whole = what_if.within(events, pricing.capacity)
    mature = whole.where(what_if.due(usecase, whole, end))
    rows = weighed(mature)
    by, unit_of = _clusters(usecase, mature)
    sample = bootstrap.resample(unit_of, REPLICATES, SEED) if len(mature) else None
    differs = mature.logged != mature.other
    why = _why(rows, differs, sample)
    everything = np.ones(len(mature), bool)
    logged, other = (
        UNKNOWN if why else _estimate(rows, costs, sample, everything)
        for costs in (mature.costs_logged, mature.costs_other)
    )
    apart = mature.costs_other - mature.costs_logged
    difference = UNKNOWN if why else _estimate(rows, apart, sample, differs)
    declared = float(rows.total(mature.costs_declared).sum())
    return MoneyChanged(
        unit=pricing.unit,
        until=str(until),
        matured=len(mature),
        labelled=int(rows.known.sum()),
        uncounted=int(len(mature) - round(rows.weight.sum())),
        explored=int(np.sum(rows.known & (mature.propensity < 1))),
        changed=int(differs.sum()),
        changed_labelled=int(np.sum(differs & rows.known)),
        by=by,
        clusters=0 if sample is None else sample.draws.shape[0],
        logged=_interval(logged),
        other=_interval(other),
        difference=_interval(difference),
        per_event=_interval(_scaled(difference, 1 / max(len(mature), 1))),
        verdict=_verdict(difference, differs, why),
        why=why,
        as_declared=finite(rounded(declared)) if repriced else None,
    )


def weighed(events: DecidedEvents) -> Weighed:
    """Each event that has a label counts for those of its stratum that have none.

    Strata: by the chance that the label was to be known, 1 where nothing is withheld; events that are decided alike
    and otherwise apart.
    """
    known = np.isfinite(events.outcome) & ~events.hidden
    chance = np.where(events.hidden, 1 - events.propensity, events.propensity).round(DIGITS)
    differs = events.logged != events.other
    weight, strata = np.zeros(len(events)), []
    for one in np.unique(chance):
        for side in (differs, ~differs):
            stratum = (chance == one) & side
            count = int(np.sum(stratum & known))
            if count:
                weight[stratum & known] = stratum.sum() / count
                strata += [np.flatnonzero(stratum)] if one < 1 else []
    return Weighed(events, weight, known, chance, strata)


def _clusters(usecase: FeatureSet, events: DecidedEvents) -> tuple[By, Array]:
    """What is drawn together: days where there are enough, else entities."""
    if usecase.time is not None and len(np.unique(events.day)) >= DAYS:
        return "day", events.day
    return ("entity" if usecase.entity_columns else "event"), events.group


def _why(rows: Weighed, differs: Array, sample: Resample | None) -> str:
    """Why nothing can be said of the money; "" where something can."""
    events, known = rows.events, rows.known
    if not differs.any():
        return "" if len(events) else "no event's label has had its delay"
    open_, labelled = differs & ~events.hidden, differs & known
    held = differs & events.hidden
    passed = int(np.sum(labelled & (events.propensity < 1)))
    if held.any() and passed < FEWEST:
        return (
            f"of {int(held.sum()):,} changed events the decision withheld the label, and {passed} like them were let "
            f"through at random; {FEWEST} are needed (serve.explore)"
        )
    if int(labelled.sum()) < FEWEST:
        return f"{int(labelled.sum())} changed events have a label; {FEWEST} are needed"
    if labelled.sum() < COVERED * open_.sum():
        return (
            f"{int(labelled.sum()):,} of {int(open_.sum()):,} changed events that are due have a label; half are needed "
            "(`plumbline outcomes`)"
        )
    if sample is None or sample.draws.shape[0] < MIN_UNITS:
        return f"fewer than {MIN_UNITS} days or entities to draw from"
    return ""


def _estimate(rows: Weighed, costs: Array, sample: Resample | None, chosen: Array) -> Estimate:
    """The sum of `costs` (n, k), 0 of events that are not `chosen`, with its interval."""
    each = rows.spread(costs)
    if sample is None or not len(each):
        return Estimate(float(each.sum()), math.nan, math.nan)
    drawn = bootstrap.estimate(sample.total(each), sample, LEVEL)
    below, above = _of_withheld(rows, costs, chosen)
    value = drawn.value
    low, high = math.hypot(value - drawn.low, below), math.hypot(drawn.high - value, above)
    return Estimate(value, value - low, value + high)


def _of_withheld(rows: Weighed, costs: Array, chosen: Array) -> tuple[float, float]:
    """By how much the sum may lie below and above, for the labels that were withheld and are not known."""
    counted = chosen & (rows.known | (rows.events.hidden & (rows.chance > 0)))
    if not np.any(counted & ~rows.known):
        return 0.0, 0.0
    outcome = np.where(rows.known, rows.events.outcome, math.nan)
    labelled = Labelled(outcome[counted], rows.chance[counted])
    total = weighted.total(labelled, costs[counted], Drawing(LEVEL, REPLICATES, SEED))
    return total.value - total.low, total.high - total.value


def _scaled(one: Estimate, times: float) -> Estimate:
    return Estimate(one.value * times, one.low * times, one.high * times)


def _interval(one: Estimate) -> Interval:
    return Interval(
        value=_figure(one.value),
        low=_figure(one.low),
        high=_figure(one.high),
    )


def _figure(value: float) -> float | None:
    return finite(rounded(value)) if math.isfinite(value) else None


def _verdict(
    difference: Estimate, differs: Array, why: str
) -> Literal["cheaper", "dearer", "no difference beyond noise", "the same", "cannot tell"]:
    if why:
        return "cannot tell"
    if not differs.any():
        return "the same"
    if not bootstrap.beyond_noise(difference):
        return "no difference beyond noise"
    return "cheaper" if difference.value < 0 else "dearer"
