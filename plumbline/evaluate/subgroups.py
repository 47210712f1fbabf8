"""The worst subgroups that nobody declared: found on half the days, confirmed on the other half. Pure.

A subgroup is one condition or two on readable columns (SliceFinder: Chung et al. 2019). What is
compared is each row's excess loss: for a classification the log loss minus what the model's own
probability leads one to expect (zero on average where the probability is right), for a regression the
absolute error. The search looks at thousands of subgroups and may be fooled; what it finds is put to
days that it has not seen, with Holm's correction (1979) for the few that are put to them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from plumbline.core.documents import rounded
from plumbline.evaluate import baselines
from plumbline.evaluate.evidence import LabelledWindow, by_group
from plumbline.evaluate.subgroup_conditions import Coded, Condition
from plumbline.evaluate.subgroup_document import Subgroup, SubgroupReasons, SubgroupSearch
from plumbline.metrics import bootstrap
from plumbline.metrics.bootstrap import Array
from plumbline.metrics.interval import Interval
from plumbline.model import portable

SEARCHED = 2_000_000
"""Rows that are searched; what is found is confirmed on all of the other half."""
TRIED = 8
"""Subgroups put to the other half."""
ALIKE = 0.5
"""Two subgroups that share more than this of their rows (over both's) count as one."""
EDGE = 1e-7
DAYS = 5
"""Fewer days in a half than this confirm nothing."""


@dataclass(frozen=True)
class SearchHalves:
    """Each row's unit of drawing (n,), and which rows search and confirm, bool (n,)."""

    unit: Array
    search: Array
    confirm: Array


@dataclass(frozen=True)
class FoundSubgroup:
    """A subgroup: its conditions, and how much worse it was on the half that searched (t)."""

    rule: tuple[Condition, ...]
    rows: Array
    searched: float


def excess(problem: str, label: Array, score: Array) -> Array:
    """Each row's excess loss, (n,): nats beyond what was to be expected, or the absolute error."""
    if problem == "regression":
        return np.abs(score - label)
    if problem == "multiclass":
        return _excess_of_classes(label, score)
    p = np.clip(score, EDGE, 1 - EDGE)
    case, none = -portable.log(p), -portable.log(1 - p)
    return np.where(label == 1, case, none) - (p * case + (1 - p) * none)


def _excess_of_classes(label: Array, probability: Array) -> Array:
    loss, expected = -portable.log(np.clip(probability, EDGE, 1.0)), np.zeros(len(label))
    for column, own in zip(probability.T, loss.T, strict=True):
        expected = expected + column * own
    return np.asarray(loss[np.arange(len(label)), label.astype(np.int64)] - expected)


def halves(rows: int, day: Array | None) -> SearchHalves:
    """Every other day searches, the days between confirm; without days, every other row."""
    _, unit = bootstrap.places(bootstrap.units(rows, day))
    if day is None:
        unit = unit % 64  # groups of rows enough for a t-test
    return SearchHalves(unit, unit % 2 == 0, unit % 2 == 1)


def search(
    coded: Mapping[str, Coded], loss: Array, split: SearchHalves, least: int
) -> tuple[int, list[FoundSubgroup]]:
    """How many subgroups were looked at, and the `TRIED` worst that are not much alike.

    `loss` (n,): the excess loss. `least` rows must be in a subgroup on the searching half, of which at most
    `SEARCHED` rows, evenly spaced, are looked at.
    """
    rows = np.flatnonzero(split.search)
    least = max(1, least * min(len(rows), SEARCHED) // max(len(rows), 1))
    rows = rows[baselines.evenly(len(rows), SEARCHED)]
    centred = loss[rows] - np.mean(loss[rows])
    unit = np.unique(split.unit[rows], return_inverse=True)[1]
    pieces: list[tuple[str, ...]] = [(name,) for name in coded]
    pieces += combinations(coded, 2)
    looked = 0
    worst: list[tuple[float, tuple[str, ...], int]] = []
    for names in pieces:
        code, size = _codes(coded, names, rows)
        t, held = _statistics(code, size, centred, unit)
        fit = (held >= least) & (held <= len(rows) - least)
        looked += int(fit.sum())
        worst += [(round(float(t[c]), 9), names, int(c)) for c in np.flatnonzero(fit & (t > 0))]
    worst.sort(key=lambda one: (-one[0], one[1], one[2]))
    return looked, _apart(coded, worst)


def confirmed(
    result: list[FoundSubgroup], loss: Array, split: SearchHalves
) -> list[tuple[float, float]]:
    """Each subgroup's chance of being so much worse on the confirming half without being worse:
    alone, and corrected for all that were tried (Holm).
    """
    alone = [_chance(one.rows, loss, split) for one in result]
    order = np.argsort(alone, kind="stable")
    corrected, highest = np.ones(len(alone)), 0.0
    for place, which in enumerate(order):
        highest = max(highest, min(1.0, alone[which] * (len(alone) - place)))
        corrected[which] = highest
    return list(zip(alone, corrected.tolist(), strict=True))


Reasons = Callable[[FoundSubgroup, SearchHalves], SubgroupReasons]
"""Why the model may be worse on a subgroup."""


def evidence(
    window: LabelledWindow,
    score: Array,
    coded: Mapping[str, Coded],
    share: float,
    reasons: Reasons | None = None,
) -> SubgroupSearch:
    """What was looked at, what was tried, and which of it is confirmed, with the reasons for these."""
    loss = excess(window.problem, window.label, score)
    split = halves(len(loss), window.day)
    looked, result = search(coded, loss, split, max(1, int(share * split.search.sum())))
    chances = confirmed(result, loss, split)
    section = [_entry(window, score, loss, *one) for one in zip(result, chances, strict=True)]
    if reasons is not None:
        section = [
            entry.model_copy(update={"why": reasons(one, split)}) if entry.confirmed else entry
            for entry, one in zip(section, result, strict=True)
        ]
    return SubgroupSearch(
        columns=len(coded),
        looked_at=looked,
        tried=len(result),
        confirmed=sum(one.confirmed for one in section),
        level=window.level,
        found=section,
    )


def _entry(
    window: LabelledWindow,
    score: Array,
    loss: Array,
    result: FoundSubgroup,
    chance: tuple[float, float],
) -> Subgroup:
    rows = result.rows
    classes = window.problem == "classification"
    cases = {"positives": int(window.label[rows].sum())} if classes else {}
    expected = {"expected": rounded(float(np.sum(score[rows])), 4)} if classes else {}
    primary = {window.primary: _primary(window, score, rows)}
    return Subgroup(
        rule=" and ".join(c.text for c in result.rule),
        rows=int(rows.sum()),
        excess=rounded(float(np.mean(loss[rows]))),
        elsewhere=rounded(float(np.mean(loss[~rows]))),
        chance=rounded(chance[0], 3),
        corrected=rounded(chance[1], 3),
        confirmed=bool(chance[1] < 1 - window.level),
        **primary,  # type: ignore[arg-type]  # its name is a field's
        **cases,  # type: ignore[arg-type]
        **expected,  # type: ignore[arg-type]
    )


def _primary(window: LabelledWindow, score: Array, rows: Array) -> Interval:
    return Interval.from_estimate(by_group(window, score, {"": rows})[""])


def _codes(coded: Mapping[str, Coded], names: tuple[str, ...], rows: Array) -> tuple[Array, int]:
    code, size = np.zeros(len(rows), np.int64), 1
    for name in names:
        kinds = len(coded[name].conditions)
        code, size = code * kinds + coded[name].code[rows], size * kinds
    return code, size


def _statistics(code: Array, size: int, centred: Array, unit: Array) -> tuple[Array, Array]:
    """Per subgroup: t of its daily sums of the centred loss, and its rows, (size,) each."""
    days = int(unit.max()) + 1 if len(unit) else 0
    sums = np.bincount(code * days + unit, centred, size * days).reshape(size, days)
    return _t(sums), np.bincount(code, minlength=size)


def _t(sums: Array) -> Array:
    """t of the mean over the last axis; 0 where nothing varies."""
    days = sums.shape[-1]
    if days < 2:
        return np.zeros(sums.shape[:-1])
    spread = np.std(sums, axis=-1, ddof=1) / np.sqrt(days)
    return np.divide(np.mean(sums, axis=-1), spread, out=np.zeros_like(spread), where=spread > 0)


def _apart(
    coded: Mapping[str, Coded], worst: list[tuple[float, tuple[str, ...], int]]
) -> list[FoundSubgroup]:
    """The first `TRIED` of them, leaving out each that shares most of its rows with an earlier one."""
    kept: list[FoundSubgroup] = []
    for t, names, code in worst:
        if len(kept) == TRIED:
            break
        rule = _rule(coded, names, code)
        rows = np.logical_and.reduce([coded[c.column].code == c.code for c in rule])
        if all((rows & k.rows).sum() <= ALIKE * (rows | k.rows).sum() for k in kept):
            kept.append(FoundSubgroup(rule, rows, t))
    return kept


def _rule(coded: Mapping[str, Coded], names: tuple[str, ...], code: int) -> tuple[Condition, ...]:
    rule = []
    for name in reversed(names):
        code, own = divmod(code, len(coded[name].conditions))
        rule.append(coded[name].conditions[own])
    return tuple(reversed(rule))


def _chance(rows: Array, loss: Array, split: SearchHalves) -> float:
    """One-sided p of the subgroup's daily sums, the rest's mean taken off, by Student's t over days."""
    from scipy.special import stdtr

    inside, outside = rows & split.confirm, ~rows & split.confirm
    days = np.unique(split.unit[split.confirm], return_inverse=True)[1]
    if not inside.any() or not outside.any() or days.max() + 1 < DAYS:
        return 1.0
    apart = np.where(rows, loss - np.mean(loss[outside]), 0.0)[split.confirm]
    sums = np.bincount(days, apart)
    return float(stdtr(len(sums) - 1, -float(_t(sums[None, :])[0])))
