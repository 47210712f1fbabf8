"""What it costs to act on the model, beside other ways to act: each policy in money, paired. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from plumbline.core.documents import rounded
from plumbline.evaluate.evaluate_document import PairedDifference, PolicyEvidence, PolicyFigures
from plumbline.evaluate.evidence import LabelledWindow, difference
from plumbline.metrics import bootstrap, metrics
from plumbline.metrics.bootstrap import Array, Resample
from plumbline.metrics.cost import Money
from plumbline.metrics.interval import Interval
from plumbline.model import threshold as decision

MODEL = "model"
LIMITED = "capacity"
VARIANTS = (LIMITED, "capacity_threshold")
"""Policies that do with few alarms: what a limit costs, not rivals."""
ORDER = (MODEL, *VARIANTS, "nothing", "best_rule", "plain_rule", "half")
"""As tables and pictures show them."""
TITLES = {"nothing": "no alarms", "half": "score over 0.5"}
"""Names for people that are not the key with spaces."""
NO_ALARM = 2.0
"""A threshold above every probability: no alarm at all."""


@dataclass(frozen=True)
class Policy:
    """`alarm` bool (n,): where it raises alarm; at `threshold` of its own score and above, if it has one."""

    name: str
    description: str
    alarm: Array
    threshold: float | None = None


@dataclass(frozen=True)
class Known:
    """The validation window, where rules are chosen: label, score and naive answer (m,), days in it."""

    label: Array
    score: Array
    naive: Array | None
    days: int
    money: Money


def policies(
    window: LabelledWindow,
    score: Array,
    raw: Array,
    naive: Array | None,
    known: Known,
    rule: float | None,
    named: str = "the naive answer",
) -> list[Policy]:
    """The model's policy first, its variants of few alarms, then the rivals.

    `score`, `raw`, `naive` (n,): the probability, what it was before calibration, the naive answer,
    which is called `named`.
    """
    threshold = NO_ALARM if window.threshold is None else window.threshold
    alarm = metrics.alarms(score, threshold)
    out = [Policy(MODEL, "the model, at its threshold", alarm, threshold)]
    if window.day is not None:
        out += _limited(window.day, score, alarm, window.settings.k, known)
    out.append(Policy("nothing", "no alarm at all", np.zeros(len(score), bool)))
    if naive is not None:
        out += _rules(naive, known, rule, named)
    half = metrics.alarms(raw, 0.5)
    return [*out, Policy("half", "the uncalibrated score at 0.5", half, 0.5)]


def top(day: Array, score: Array, alarm: Array, k: int) -> Array:
    """The k highest scores of each day among those in `alarm`, bool (n,); of equals the first rows."""
    rows = np.flatnonzero(alarm)
    order = rows[np.lexsort((rows, -score[rows], day[rows]))]
    days = day[order]
    place = np.arange(len(order)) - np.searchsorted(days, days, side="left")
    out = np.zeros(len(score), bool)
    out[order[place < k]] = True
    return out


def at_most(score: Array, alarms: int) -> float:
    """The lowest threshold that raises at most so many alarms on `score` (m,)."""
    ranked = np.sort(score)[::-1]
    if alarms >= len(ranked):
        return 0.0
    above = ranked[ranked > ranked[alarms]]
    return float(above[-1] + ranked[alarms]) / 2 if len(above) else NO_ALARM


def evidence(
    window: LabelledWindow, money: Money, unit: str, result: Sequence[Policy]
) -> PolicyEvidence:
    """Each policy's alarms and cost with interval; paired differences: the model's cost minus each
    other's, and under `limited` that of the k alarms a day minus each rival's.
    """
    sample = window.sample()
    days = len(np.unique(window.day)) if window.day is not None else 1
    costs = {p.name: sample.total(metrics.cost(window.label, p.alarm, money)) for p in result}
    apart = _differences(window, costs, MODEL, [n for n in costs if n != MODEL], sample)
    others = [n for n in costs if n != MODEL and n not in VARIANTS]
    limited = _differences(window, costs, LIMITED, others, sample) if LIMITED in costs else {}
    section = {p.name: _policy(window, p, costs[p.name], sample, days) for p in result}
    return PolicyEvidence(
        unit=unit, days=days, policies=section, differences=apart, limited=limited
    )


def ordered(names: Iterable[str]) -> list[str]:
    """Policies' names in the order of `ORDER`."""
    return sorted(names, key=ORDER.index)


def title(name: str) -> str:
    """A policy's name for people.

    >>> title("best_rule"), title("nothing")
    ('best rule', 'no alarms')
    """
    return TITLES.get(name, name.replace("_", " "))


def rivals(section: PolicyEvidence) -> dict[str, bootstrap.Word]:
    """What each paired difference says: the model against the policies that are no variants of it."""
    return {name: d.word for name, d in section.differences.items() if name not in VARIANTS}


def _limited(day: Array, score: Array, alarm: Array, k: int, known: Known) -> list[Policy]:
    floor = max(at_most(known.score, k * known.days), 0.0)
    few = metrics.alarms(score, floor) & alarm
    return [
        Policy(
            LIMITED,
            f"of each day the {k} highest scores, where the model alarms",
            top(day, score, alarm, k),
        ),
        Policy(
            "capacity_threshold",
            f"a threshold for {k} alarms a day, as validation had them",
            few,
            floor,
        ),
    ]


def _rules(naive: Array, known: Known, rule: float | None, named: str) -> list[Policy]:
    """The naive answer over a fixed value: the cheapest one on validation, and a plain one."""
    out = []
    if known.naive is not None:
        best = decision.cheapest(known.label, known.naive, known.money)
        value = best.value if best.alarms else math.inf
        description = f"{named} over the value that was cheapest on validation"
        out.append(Policy("best_rule", description, naive >= value, value))
    if rule is not None:
        description = f"{named} from {rule:,.0f} on"
        out.append(Policy("plain_rule", description, naive >= rule, rule))
    return out


def _policy(
    window: LabelledWindow, policy: Policy, cost: Array, sample: Resample, days: int
) -> PolicyFigures:
    alarms = float(np.sum(policy.alarm))
    hits = float(np.sum(policy.alarm * window.label))
    threshold = policy.threshold
    return PolicyFigures(
        description=policy.description,
        threshold=None if threshold is None else rounded(threshold),
        alarms_a_day=rounded(alarms / days),
        precision=_share(hits, alarms),
        recall=_share(hits, float(np.sum(window.label))),
        cost=Interval.from_estimate(window.estimate(cost, sample)),
        cost_a_day=Interval.from_estimate(window.estimate(cost / days, sample)),
    )


def _share(part: float, whole: float) -> float | None:
    return rounded(part / whole) if whole else None


def _differences(
    window: LabelledWindow,
    costs: Mapping[str, Array],
    own: str,
    others: Iterable[str],
    sample: Resample,
) -> dict[str, PairedDifference]:
    return {name: _apart(window, costs[own], costs[name], sample) for name in others}


def _apart(window: LabelledWindow, own: Array, other: Array, sample: Resample) -> PairedDifference:
    result = window.estimate(own - other, sample)
    word = bootstrap.word(result, higher_is_better=False)
    return difference(result, float(other[0]), word)
