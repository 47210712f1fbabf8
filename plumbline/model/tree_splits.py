"""Where a booster's trees split: each feature's thresholds, and which features stand on one path. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plumbline.core.declarations import Array


@dataclass(frozen=True)
class TreeSplits:
    """By feature the distinct thresholds, sorted; per tree the sets of features that stand on one path."""

    thresholds: Mapping[str, Array]
    paths: Sequence[frozenset[frozenset[str]]]

    def between(self, feature: str, low: float, high: float) -> int:
        """How many distinct thresholds of the feature lie above `low` and up to `high`."""
        own = self.thresholds.get(feature, np.zeros(0))
        return int(np.count_nonzero((own > low) & (own <= high)))

    def together(self, one: str, other: str) -> int:
        """In how many trees a path splits on both features."""
        wanted = {one, other}
        return sum(any(wanted <= path for path in tree) for tree in self.paths)


def read(booster: Any) -> TreeSplits:
    """The splits of an XGBoost booster; none of a linear one."""
    gradient = json.loads(bytes(booster.save_raw("json")))["learner"]["gradient_booster"]
    gradient = gradient.get("gbtree", gradient)  # dart keeps its trees one level below
    trees = gradient.get("model", {}).get("trees", [])
    names = booster.feature_names or [f"f{place}" for place in range(booster.num_features())]
    thresholds: dict[str, set[float]] = {}
    paths = []
    for tree in trees:
        inner = [place for place, child in enumerate(tree["left_children"]) if child != -1]
        for place in inner:
            name = names[tree["split_indices"][place]]
            thresholds.setdefault(name, set()).add(float(tree["split_conditions"][place]))
        paths.append(_paths(tree, names))
    return TreeSplits({n: np.array(sorted(own)) for n, own in thresholds.items()}, paths)


def _paths(tree: Mapping[str, Any], names: Sequence[str]) -> frozenset[frozenset[str]]:
    """The features on the way to each leaf."""
    left, right, found = tree["left_children"], tree["right_children"], set()
    open_: list[tuple[int, frozenset[str]]] = [(0, frozenset())]
    while open_:
        place, before = open_.pop()
        if left[place] == -1:
            found.add(before)
            continue
        own = before | {names[tree["split_indices"][place]]}
        open_ += [(left[place], own), (right[place], own)]
    return frozenset(found)
