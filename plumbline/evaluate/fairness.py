"""Does the model treat groups alike? Gaps between them, with intervals that allow for all pairs. Pure.

For a classification the gaps are those of recall and of the false-alarm rate (equalised odds: Hardt,
Price & Srebro 2016); for a regression those of mean absolute error and bias. The largest of many gaps
is large by chance alone: the intervals of all pairs hold together (max-t over the bootstrap of days).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from plumbline.evaluate.evaluate_document import GroupFairness, GroupRate, GroupRates, WidestGap
from plumbline.evaluate.evidence import Groups, LabelledWindow
from plumbline.metrics import bootstrap, metrics
from plumbline.metrics.bootstrap import MIN_UNITS, Array, Estimate, Resample, divide

MIN_ROWS = 20
"""A rate out of fewer rows than this is shown, but no gap is taken of it."""


@dataclass(frozen=True)
class Rate:
    """Mean of `value` (n,) over the rows in `among`, bool (n,)."""

    value: Array
    among: Array


def rates(window: LabelledWindow, score: Array) -> dict[str, Rate]:
    """What is compared between groups, by name."""
    everywhere = np.ones(len(score), bool)
    if window.problem == "regression":
        error = score - window.label
        return {"mae": Rate(np.abs(error), everywhere), "bias": Rate(error, everywhere)}
    alarm = metrics.alarms(score, 2.0 if window.threshold is None else window.threshold)
    flagged = alarm.astype(np.float64)
    case = window.label == 1
    return {"recall": Rate(flagged, case), "false_alarm_rate": Rate(flagged, ~case)}


def evidence(
    window: LabelledWindow, score: Array, pieces: Mapping[str, Groups]
) -> dict[str, GroupFairness]:
    """By piece: each group's rates with intervals and counts, and per rate the widest gap."""
    sample = window.sample()
    result = rates(window, score)
    return {name: _piece(window, result, groups, sample) for name, groups in pieces.items()}


def _piece(
    window: LabelledWindow, result: Mapping[str, Rate], groups: Groups, sample: Resample
) -> GroupFairness:
    figures: dict[str, dict[str, GroupRate]] = {group: {} for group in groups}
    gaps = {}
    for name, rate in result.items():
        drawn = {}
        for group, rows in groups.items():
            inside = rows & rate.among
            mean, of = _mean(rate.value, inside, sample), int(inside.sum())
            figures[group][name] = GroupRate.from_estimate(window.estimate(mean, sample), of=of)
            if of >= MIN_ROWS:
                drawn[group] = mean
        gaps[name] = widest(drawn, window.level, sample.draws.shape[0])
    section = {g: GroupRates(rows=int(rows.sum()), **figures[g]) for g, rows in groups.items()}
    return GroupFairness(groups=section, gaps=gaps)


def _mean(value: Array, inside: Array, sample: Resample) -> Array:
    weight = inside.astype(np.float64)
    return divide(sample.total(value * weight), sample.total(weight))


def widest(drawn: Mapping[str, Array], level: float, units: int) -> WidestGap | None:
    """The widest gap between two groups' replicates (R,), its interval, whether it is beyond noise.

    The interval is simultaneous over all pairs; `units` days (or rows) were drawn. None where there are not two groups to compare, or
    where the replicates are too few.
    """
    pairs = list(combinations(drawn, 2))
    if not pairs:
        return None
    apart = np.array([drawn[a] - drawn[b] for a, b in pairs])
    value, others = apart[:, 0], apart[:, 1:]
    others = others[:, np.all(np.isfinite(others), axis=0)]
    first = int(np.argmax(np.abs(value)))
    reach = _reach(value, others, level, units)
    sign = 1.0 if value[first] >= 0 else -1.0
    gap = abs(float(value[first]))
    result = Estimate(gap, gap - reach[first], gap + reach[first])
    higher, lower = pairs[first] if sign > 0 else pairs[first][::-1]
    word = "beyond noise" if bootstrap.beyond_noise(result) else "within noise"
    return WidestGap.from_estimate(result, higher=higher, lower=lower, pairs=len(pairs), word=word)


def _reach(value: Array, others: Array, level: float, units: int) -> Array:
    """Half the width of each pair's interval, (P,): all P hold at once at `level`.

    The bootstrap takes the spread over so few days as known: it is widened, and the normal tail beyond
    the replicates' quantile taken for Student's.
    """
    from scipy.special import ndtr, stdtrit

    if others.shape[1] < MIN_UNITS or units < MIN_UNITS:
        return np.full(len(value), np.inf)
    spread = np.sqrt(np.mean((others - value[:, None]) ** 2, axis=1))
    scaled = np.abs(others - value[:, None]) / np.where(spread > 0, spread, 1.0)[:, None]
    tail = ndtr(-np.quantile(scaled.max(axis=0), level))
    return spread * np.sqrt(units / (units - 1)) * float(-stdtrit(units - 1, tail))
