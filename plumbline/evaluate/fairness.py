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

from plumbline.core.documents import finite, rounded
from plumbline.evaluate.evidence import Groups, LabelledWindow
from plumbline.evaluate.fairness_document import GroupFairness, GroupRate, GroupRates, WidestGap
from plumbline.metrics import bootstrap, metrics
from plumbline.metrics.bootstrap import MIN_UNITS, Array, Estimate, Resample, divide

MIN_ROWS = 20
"""A rate out of fewer rows than this is shown, but no gap is taken of it."""


@dataclass(frozen=True)
class Rate:
    """Mean of `value` (n,) over the rows in `among`, bool (n,)."""

    value: Array
    among: Array


def rates(window: LabelledWindow, score: Array, flagged: Array | None = None) -> dict[str, Rate]:
    """What is compared between groups, by name; `flagged` bool (n,): None, those at the threshold and above."""
    everywhere = np.ones(len(score), bool)
    if window.problem == "regression":
        error = score - window.label
        return {"mae": Rate(np.abs(error), everywhere), "bias": Rate(error, everywhere)}
    if flagged is None:
        flagged = metrics.alarms(score, 2.0 if window.threshold is None else window.threshold)
    alarm, case = flagged.astype(np.float64), window.label == 1
    return {"recall": Rate(alarm, case), "false_alarm_rate": Rate(alarm, ~case)}


def evidence(
    window: LabelledWindow,
    score: Array,
    pieces: Mapping[str, Groups],
    flagged: Array | None = None,
) -> dict[str, GroupFairness]:
    """By piece: each group's rates with intervals and counts, and per rate the widest gap.

    `flagged` bool (n,): what the declared decisions do not let through, in a classification.
    """
    sample = window.sample()
    result = rates(window, score)
    out = {name: _piece(window, result, groups, sample) for name, groups in pieces.items()}
    if flagged is None or window.problem == "regression":
        return out
    acted = rates(window, score, flagged)
    return {
        name: GroupFairness(
            groups=out[name].groups,
            gaps=out[name].gaps,
            decided={rate: gap(window, one, groups) for rate, one in acted.items()},
        )
        for name, groups in pieces.items()
    }


def _piece(
    window: LabelledWindow, result: Mapping[str, Rate], groups: Groups, sample: Resample
) -> GroupFairness:
    figures: dict[str, dict[str, GroupRate]] = {group: {} for group in groups}
    gaps = {}
    for name, rate in result.items():
        means = {
            group: _mean(rate.value, rows & rate.among, sample) for group, rows in groups.items()
        }
        for group, mean in means.items():
            of = int((groups[group] & rate.among).sum())
            figures[group][name] = GroupRate.from_estimate(window.estimate(mean, sample), of=of)
        gaps[name] = _gap(window, rate, groups, means, sample)
    section = {g: GroupRates(rows=int(rows.sum()), **figures[g]) for g, rows in groups.items()}
    return GroupFairness(groups=section, gaps=gaps)


def gap(window: LabelledWindow, rate: Rate, groups: Groups) -> WidestGap | None:
    """The widest gap in a rate between two groups; None where there are not two of enough rows."""
    sample = window.sample()
    means = {name: _mean(rate.value, rows & rate.among, sample) for name, rows in groups.items()}
    return _gap(window, rate, groups, means, sample)


def _gap(
    window: LabelledWindow,
    rate: Rate,
    groups: Groups,
    means: Mapping[str, Array],
    sample: Resample,
) -> WidestGap | None:
    few = [n for n, rows in groups.items() if int((rows & rate.among).sum()) < MIN_ROWS]
    drawn = {name: mean for name, mean in means.items() if name not in few}
    result = widest(drawn, window.level, sample.draws.shape[0])
    return result.model_copy(update={"small": few}) if result else None


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
    return WidestGap.from_estimate(
        result,
        higher=higher,
        lower=lower,
        pairs=len(pairs),
        word=word,
        at_least=_end(np.max(np.abs(value) - reach)),
        at_most=_end(np.max(np.abs(value) + reach)),
    )


def _end(value: float) -> float | None:
    """An end of an interval that no gap is below; None where there is none."""
    return finite(rounded(max(float(value), 0.0))) if np.isfinite(value) else None


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
