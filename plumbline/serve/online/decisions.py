"""The decision about one event: `DecisionPolicy.decide` with its segments looked up in a dictionary. Pure."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any

from plumbline.core import conditions
from plumbline.model import segments
from plumbline.model.decisions import Cut, DecisionPolicy


class CompiledPolicy:
    """A bundle's decision policy, ready for one event's score and the value of its segment's column."""

    def __init__(self, policy: DecisionPolicy) -> None:
        self.column = policy.column if policy.segments else None
        self._names = policy.names
        self._otherwise = policy.otherwise
        self._cuts: Mapping[str, Cut] = policy.segments
        self._segment = _segment(policy)

    def decide(self, score: float, value: Any = None) -> str:
        """The decision's name; `value`: of `column`, None for null."""
        cut = self._otherwise
        if self.column is not None:
            cut = self._cuts.get(self._segment(value), cut)
        return self._names[(score >= cut.review) + (score >= cut.block)]


def _segment(policy: DecisionPolicy) -> Callable[[Any], str]:
    if policy.edges:
        edges, names = policy.edges, segments.intervals(policy.edges)
        return lambda value: _between(value, edges, names)
    if policy.decoded:
        decoded = (*policy.decoded, None)
        return lambda value: segments.text(decoded[int(value)])
    return segments.text


def _between(value: Any, edges: tuple[float, ...], names: list[str]) -> str:
    if conditions.is_null(value) or not math.isfinite(value):
        return segments.MISSING
    return names[bisect_right(edges, value)]
