"""What the monitor counts of each period: how every column is binned, and which histories are checked.

`fit_binning` makes it once, from the training window; `bin_counts` applies it to a window.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from typing import Any

import numpy as np

from plumbline.core.declarations import Array, Problem, Where
from plumbline.monitor.monitored_columns import ColumnKind

HOURS = 24
STEPS = 8
"""Bins per doubling of the fine grid, on which a factor is a shift."""
GRID_BINS = 641
"""Bins of the fine grid: zero, and 40 doublings in either direction."""
RARE = 0.002
"""Share of the training rows in the sparsest part of a fine grid: values there are out of range."""
MAX_HISTORY_DAYS = 7
"""Longest history, in days, that is checked against the summaries of the days before."""


@dataclass(frozen=True)
class ColumnSpec:
    """How one column is counted.

    `size` bins from `start` in a period's counts. `edges` ascending, inner (numeric); `vocabulary` the
    values seen in training or allowed (category). `order` float (size,): the bins' normal scores, by
    which a shift has a direction; None where bins have no order. `importance` is its share of the
    model's gain; `reach` includes the features that read it. `clock`: it is read from the event time
    alone. `rare` bool (GRID_BINS,), `common` values
    and the `factors` of other units are for raw numbers, `allowed` is the contract's range. `bounds` are
    the extremes of a number in training (outlier_counts.py).
    """

    name: str
    kind: ColumnKind
    raw: bool
    importance: float = 0.0
    reach: float = 0.0
    roots: tuple[str, ...] = ()
    clock: bool = False
    start: int = 0
    size: int = 0
    edges: Array = field(default_factory=lambda: np.zeros(0))
    vocabulary: tuple[Any, ...] = ()
    order: Array | None = None
    rare: Array | None = None
    common: Array = field(default_factory=lambda: np.zeros(0))
    factors: tuple[float, ...] = ()
    bounds: tuple[float, float] | None = None
    allowed: tuple[float, float] = (-inf, inf)

    @property
    def bin_range(self) -> slice:
        """Where its bins stand in a period's counts."""
        return slice(self.start, self.start + self.size)

    @cached_property
    def codes(self) -> dict[Any, int]:
        """The position of each value in the vocabulary."""
        return {value: position for position, value in enumerate(self.vocabulary)}


@dataclass(frozen=True)
class ConsistencyCheck:
    """A snapshot feature whose values the days before must confirm.

    It says how many rows of an entity, of those in `where`, the last `days` days had; with a `column`,
    what its values in them add up to.
    """

    name: str
    entity: str
    days: int
    where: tuple[Where, ...] = ()
    column: str | None = None


@dataclass(frozen=True)
class Binning:
    """How a use case's columns and its score (last in the counts, with those of `classes`) are binned.

    `training` int (bins,): the training window's counts, of `rows` in `days` (0 without time); `training_grids` of each raw number its fine
    grid there. `entities`: id columns, and the share of their ids whose rows are counted one by one;
    the `consistency_checks` compare histories with these counts.
    """

    problem: Problem
    key: str
    time: str | None
    label_delay: int
    period_days: int
    entities: Mapping[str, float]
    consistency_checks: tuple[ConsistencyCheck, ...]
    specs: tuple[ColumnSpec, ...]
    score: ColumnSpec
    training: Array
    training_grids: Mapping[str, Array]
    rows: int
    days: int = 0
    classes: tuple[str, ...] = ()
    class_scores: tuple[ColumnSpec, ...] = ()

    @property
    def scores(self) -> tuple[ColumnSpec, ...]:
        """The score and, of several classes, the probability of each."""
        return (self.score, *self.class_scores)

    @property
    def bins(self) -> int:
        """Length of a period's counts."""
        return self.scores[-1].start + self.scores[-1].size

    @cached_property
    def by_name(self) -> dict[str, ColumnSpec]:
        """The columns' specs by name."""
        return {spec.name: spec for spec in self.specs}
