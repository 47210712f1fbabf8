"""Why the model may be worse on a subgroup: what its rows share, a missing interaction, coarse splits. Pure.

The model's error here is its residual, label minus answer: above zero where it answers too low. What is
held against the residuals is judged on the days that confirm the subgroup, not on those that found it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from plumbline.core.declarations import Columns
from plumbline.evaluate.evidence import LabelledWindow
from plumbline.evaluate.subgroup_conditions import Coded, Condition
from plumbline.evaluate.subgroup_document import (
    CoarseColumn,
    MissedInteraction,
    SharedTrait,
    SubgroupReasons,
)
from plumbline.metrics import bootstrap, small_sample
from plumbline.metrics.bootstrap import Array, Resample
from plumbline.metrics.interval import Interval
from plumbline.model.tree_splits import TreeSplits

TRAITS = 3
"""Traits that are named."""
Figure = Callable[[Resample, Array], Array]
"""From the draws and the rows, bool (n,), that they draw: the figure of each draw, (R,)."""
CAUSES = 3
"""Tests per subgroup: an interaction, and how finely each of two columns is split."""
DISTINCT = 0.2
"""A trait is at least this much more frequent in the subgroup than elsewhere, as a share of the rows."""


@dataclass(frozen=True)
class SubgroupScores:
    """What reasons are sought in: the window's columns (n,), each coded, the answers, and where the trees
    split (None: the bundle shows none). `codes`: the feature that stands for a column.
    """

    window: LabelledWindow
    columns: Columns
    coded: Mapping[str, Coded]
    score: Array
    splits: TreeSplits | None
    codes: Mapping[str, str]

    @property
    def residual(self) -> Array:
        """Label minus answer, (n,)."""
        return self.window.label - self.score

    def feature(self, column: str) -> str:
        """The feature that the model has of a column."""
        return self.codes.get(column, column)


def of(
    scores: SubgroupScores, rule: Sequence[Condition], rows: Array, confirm: Array
) -> SubgroupReasons:
    """The reasons for one subgroup: its conditions, and its rows, bool (n,); `confirm`: the rows whose
    days the search did not see."""
    residual, day = scores.residual, scores.window.day
    days = 1 if day is None else len(np.unique(day))
    return SubgroupReasons(
        share=float(np.mean(rows)),
        a_day=None if day is None else float(rows.sum() / days),
        residual=_on(scores, rows, lambda sample, kept: sample.mean(residual[kept])),
        elsewhere=float(np.mean(residual[~rows])) if not rows.all() else None,
        shared=list(_shared(scores.coded, rule, rows))[:TRAITS],
        interaction=_interaction(scores, rule, confirm) if len(rule) > 1 else None,
        coarse=[
            found for one in rule if (found := _coarse(scores, one, rows, confirm)) is not None
        ],
    )


def _shared(
    coded: Mapping[str, Coded], rule: Sequence[Condition], rows: Array
) -> Iterator[SharedTrait]:
    """Conditions that the rule does not name, which hold far more often in the subgroup, the first the most."""
    named = {one.column for one in rule}
    traits = []
    for name, one in coded.items():
        kinds = len(one.conditions)
        inside = np.bincount(one.code[rows], minlength=kinds) / max(int(rows.sum()), 1)
        outside = np.bincount(one.code[~rows], minlength=kinds) / max(int((~rows).sum()), 1)
        place = int(np.argmax(inside - outside))
        if name not in named and inside[place] - outside[place] >= DISTINCT:
            text = one.conditions[place].text
            traits.append(
                SharedTrait(
                    condition=text, inside=float(inside[place]), outside=float(outside[place])
                )
            )
    yield from sorted(traits, key=lambda one: (one.outside - one.inside, one.condition))


def _interaction(
    scores: SubgroupScores, rule: Sequence[Condition], confirm: Array
) -> MissedInteraction:
    """What both conditions together add to the residual beyond what each adds alone."""
    one, other = rule
    first, second = (scores.coded[c.column].code == c.code for c in (one, other))
    residual = scores.residual
    parts = (
        (first & second, 1),
        (first & ~second, -1),
        (~first & second, -1),
        (~first & ~second, 1),
    )

    def apart(sample: Resample, kept: Array) -> Array:
        total = np.zeros(sample.draws.shape[1])
        for rows, sign in parts:
            inside = rows[kept].astype(np.float64)
            own = sample.total(inside * residual[kept])
            total = total + sign * bootstrap.divide(own, sample.total(inside))
        return total

    figure = _on(scores, confirm, apart)
    names = [scores.feature(c.column) for c in rule]
    splits = scores.splits
    return MissedInteraction(
        **vars(figure),
        columns=[c.column for c in rule],
        trees=None if splits is None else splits.together(*names),
        of=None if splits is None else len(splits.paths),
        missed=bootstrap.beyond_noise(figure.estimate),
    )


def _coarse(
    scores: SubgroupScores, one: Condition, rows: Array, confirm: Array
) -> CoarseColumn | None:
    """How the residual still depends on the condition's column within the subgroup; None for a column
    of few values."""
    values = scores.columns[one.column]
    if values.dtype.kind not in "fiu":
        return None
    numbers = np.asarray(values, np.float64)
    held = numbers[rows & np.isfinite(numbers)]
    if len(np.unique(held)) < 3:
        return None
    middle = float(np.median(held))
    upper, lower = rows & (numbers > middle), rows & (numbers <= middle)
    residual, splits = scores.residual, scores.splits

    def apart(sample: Resample, kept: Array) -> Array:
        high, low = (
            bootstrap.divide(
                sample.total(part[kept] * residual[kept]),
                sample.total(part[kept].astype(np.float64)),
            )
            for part in (upper, lower)
        )
        return np.asarray(high - low)

    figure = _on(scores, confirm, apart)
    feature = scores.feature(one.column)
    low, high = float(held.min()), float(held.max())
    return CoarseColumn(
        **vars(figure),
        column=one.column,
        splits=None if splits is None else splits.between(feature, low, high),
        of=None if splits is None else len(splits.thresholds.get(feature, ())),
        coarse=bootstrap.beyond_noise(figure.estimate),
    )


def _on(scores: SubgroupScores, kept: Array, figure: Figure) -> Interval:
    """A figure of the residuals on the rows in `kept`, bool (n,), with an interval from their few days
    that allows for all causes that are tested."""
    window = scores.window
    sample = window.sample(kept)
    level = small_sample.level(1 - (1 - window.level) / CAUSES, len(sample.draws))
    return Interval.from_estimate(
        replace(window, level=level).estimate(figure(sample, kept), sample)
    )
