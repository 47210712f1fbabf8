"""From served rows and outcomes to what an experiment compares: a value, a weight and a day per event. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np

from plumbline.core.declarations import Array
from plumbline.metrics.cost import cost
from plumbline.metrics.cost_matrix import Costs, money
from plumbline.model import decision_params
from plumbline.model.decision_params import Decisions
from plumbline.model.decision_prices import prices
from plumbline.ops.experiments import metric_names
from plumbline.ops.experiments.event_rows import EventRows, Outcome
from plumbline.ops.experiments.observations import NEVER, Observations, Observed

DAY = 86_400_000_000


@dataclass(frozen=True)
class Judgement:
    """What values are made with: the label and the late columns, the delay, prices, and whose labels are withheld."""

    label: str
    late: tuple[str, ...]
    delay: timedelta
    costs: Costs | None
    decisions: Decisions | None
    withholding: frozenset[str]


@dataclass(frozen=True)
class Labels:
    """Of n events: their outcomes' columns, float (n,), NaN where there is none; the day they count, what each counts for."""

    columns: Mapping[str, Array]
    known: Array
    weight: Array
    due: Array
    withheld: Array

    def rows(self, chosen: Array) -> Labels:
        """Some of the events."""
        columns = {name: values[chosen] for name, values in self.columns.items()}
        own = (self.known[chosen], self.weight[chosen], self.due[chosen], self.withheld[chosen])
        return Labels(columns, *own)


def labels(rows: EventRows, outcomes: Mapping[Any, Outcome], given: Judgement) -> Labels:
    """The outcome of each live row; it counts once the label is due, however early some come.

    One that was let through with a probability counts for as many as it stands for.
    """
    of_row = [outcomes.get(key) for key in rows.key]
    columns = {name: _late(of_row, name) for name in given.late}
    first = np.array([NEVER if one is None else one.first_known for one in of_row], np.int64)
    due = rows.time + given.delay // timedelta(microseconds=1)
    there = ~np.isnan(columns[given.label])
    withheld = np.isin(rows.action, list(given.withholding)) & ((rows.propensity < 1) | ~there)
    labelled = there & ~withheld
    known = np.where(labelled, np.maximum(first, due) // DAY, NEVER)
    weight = np.zeros(len(rows))
    weight[labelled] = 1 / rows.propensity[labelled]
    return Labels(columns, known, weight, due // DAY, withheld)


def observed(
    rows: EventRows,
    outcomes: Mapping[Any, Outcome],
    given: Judgement,
    metrics: Collection[str],
    until: int,
) -> Observations:
    """Of live rows of an A/B; `until`: the last day, by which labels may be due."""
    known = labels(rows, outcomes, given)
    values = {m: _observed(rows, known, given, m) for m in metrics}
    return Observations(
        unit=rows.by_unit(),
        arm=rows.arm,
        day=rows.day,
        metrics=values,
        **_left_out(known, given, metrics, until),
    )


def paired(
    rows: EventRows,
    outcomes: Mapping[Any, Outcome],
    given: Judgement,
    metrics: Collection[str],
    until: int,
) -> Observations:
    """Each shadow's value minus that of the answer to the same event; its arm is the shadow's."""
    live = np.flatnonzero(rows.mode == "live")
    place = {key: i for i, key in enumerate(rows.key[live])}
    shadow = np.flatnonzero(rows.mode == "shadow")
    partner = np.array([place.get(key, -1) for key in rows.key[shadow]], np.int64)
    answered, scored = rows.rows(live), rows.rows(shadow[partner >= 0])
    known, partner = labels(answered, outcomes, given), partner[partner >= 0]
    values = {}
    for metric in metrics:
        own = _observed(scored, known.rows(partner), given, metric)
        other = _observed(answered, known, given, metric).rows(partner)
        both = np.where(own.weight > 0, other.weight, 0.0)
        values[metric] = Observed(own.value - other.value, both, other.known)
    return Observations(
        unit=answered.by_unit()[partner],
        arm=scored.arm,
        day=answered.day[partner],
        metrics=values,
        unpaired=len(shadow) - len(partner),
        **_left_out(known, given, metrics, until),
    )


def nothing(metrics: Collection[str]) -> Observations:
    """No events."""
    none, days = np.zeros(0), np.zeros(0, np.int64)
    values = {metric: Observed(none, none, days) for metric in metrics}
    return Observations(unit=days, arm=np.zeros(0, object), day=days, metrics=values)


def _left_out(
    known: Labels, given: Judgement, metrics: Collection[str], until: int
) -> dict[str, int]:
    """Of events that are due: those that nothing can be known of, and those without feedback."""
    if not any(metric_names.needs_label(one, given.late) for one in metrics):
        return {}
    due = known.due <= until
    lost = not np.any(known.weight > 1)
    return {
        "withheld": int(np.sum(due & known.withheld)) if lost else 0,
        "unlabelled": int(np.sum(due & ~known.withheld & (known.known > until))),
    }


def _observed(rows: EventRows, known: Labels, given: Judgement, metric: str) -> Observed:
    value = _value(rows, known, given, metric)
    if metric_names.needs_label(metric, given.late):
        there = (known.known < NEVER) & ~np.isnan(value)
        return Observed(
            np.where(there, value, 0.0),
            np.where(there, known.weight, 0.0),
            np.where(there, known.known, NEVER),
        )
    there = ~np.isnan(value)
    return Observed(
        np.where(there, value, 0.0), there.astype(np.float64), np.where(there, rows.day, NEVER)
    )


def _value(rows: EventRows, known: Labels, given: Judgement, metric: str) -> Array:
    """The metric of each event, float64 (n,); NaN where it is not known."""
    if metric.startswith(metric_names.DECISION):
        return (rows.decision == metric.removeprefix(metric_names.DECISION)).astype(np.float64)
    if metric.startswith(metric_names.COLUMN):
        name = metric.removeprefix(metric_names.COLUMN)
        return known.columns[name] if name in known.columns else rows.columns[name]
    plain = {
        metric_names.ALARMS: rows.alarm,
        metric_names.SCORE: rows.score,
        metric_names.LATENCY: rows.micros,
        metric_names.FLAGGED: rows.flagged,
        metric_names.UNSCORED: (~rows.scored).astype(np.float64),
    }
    return plain[metric] if metric in plain else _labelled(rows, known, given, metric)


def _labelled(rows: EventRows, known: Labels, given: Judgement, metric: str) -> Array:
    label = known.columns[given.label]
    if metric == metric_names.BRIER:
        return np.asarray((rows.score - label) ** 2)
    if metric == metric_names.ERROR:
        return np.abs(rows.score - label)
    return label if metric == metric_names.LABEL else _cost(rows, label, given)


def _cost(rows: EventRows, label: Array, given: Judgement) -> Array:
    """What the decision, or the alarm, costs as it came out."""
    assert given.costs is not None
    there = ~np.isnan(label)
    if given.decisions is None:
        price = cost(label == 1, rows.alarm == 1, money(given.costs, rows.columns))
        return np.where(there & ~np.isnan(rows.alarm), price, np.nan)
    names = list(given.decisions.names)
    place = np.array([names.index(d) if d in names else -1 for d in rows.decision], np.int64)
    positive = decision_params.positive(given.decisions, np.where(there, label, 0.0))
    price = prices(given.decisions, given.costs, rows.columns, positive).of(place)
    return np.where(there & (place >= 0), price, np.nan)


def _late(outcomes: list[Outcome | None], name: str) -> Array:
    values = (None if one is None else one.values.get(name) for one in outcomes)
    return np.array([_number(value) for value in values], np.float64)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (bool, int, float)) else float("nan")
