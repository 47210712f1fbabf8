"""The decision policy of a bundle: what is done about an event, by its score and its segment. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from plumbline.core.declarations import Array, Columns
from plumbline.model import segments

APPROVE, REVIEW, BLOCK = 0, 1, 2
"""Places of the decisions, in rising order of the score."""


class Cut(BaseModel):
    """Review from this score on, block from that: fitted on so many rows and positives, or set by hand."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    review: float
    block: float
    rows: int = 0
    positives: int = 0

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not (math.isfinite(self.review) and math.isfinite(self.block)):
            raise ValueError("expected finite thresholds")
        if self.review > self.block:
            raise ValueError(f"review from {self.review:g} on lies above block from {self.block:g}")
        return self


class DecisionPolicy(BaseModel):
    """Thresholds by segment; events of no such segment take those in `otherwise`.

    `names`: of the three decisions. `column` is cut at `edges`, or taken by value; `decoded`: what its codes
    stand for. `review`: whether people look at events at all; `capacity`: how many a day at most. `worth`: what
    one more review a day would have saved a day on the validation window, in the costs' unit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    names: tuple[str, str, str]
    column: str | None = None
    edges: tuple[float, ...] = ()
    decoded: tuple[str | int, ...] = ()
    review: bool
    capacity: int | None = None
    worth: float = 0.0
    positive_from: float | None = None
    otherwise: Cut
    segments: dict[str, Cut] = Field(default_factory=dict)

    def places(self, columns: Columns, score: Array) -> Array:
        """The decision about each row as its place in `names`, int (n,)."""
        review, block = (self._limits(columns, len(score), kind) for kind in ("review", "block"))
        return (score >= review).astype(np.int64) + (score >= block)

    def decide(self, columns: Columns, score: Array) -> Array:
        """The name of the decision about each row, object (n,)."""
        return np.array(self.names, object)[self.places(columns, score)]

    def named(self, columns: Columns, rows: int) -> Array:
        """Each row's segment, object (n,), whether it has thresholds of its own or not."""
        if self.column is None:
            return np.full(rows, "", object)
        return segments.names(columns[self.column], self.edges, self.decoded)

    def _limits(self, columns: Columns, rows: int, kind: str) -> Array:
        cuts: Mapping[str, Cut] = self.segments
        limits = np.full(rows, getattr(self.otherwise, kind))
        if cuts:
            names = self.named(columns, rows)
            for name, cut in cuts.items():
                limits[names == name] = getattr(cut, kind)
        return limits
