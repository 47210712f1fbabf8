"""How large a bundle is and how much it does for a row: counts that are the same on every machine. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from plumbline.core import row_features
from plumbline.core.declarations import Array, Columns
from plumbline.core.documents import Document, rounded

if TYPE_CHECKING:
    from plumbline.model.bundle import Bundle

NODE_BYTES = 36
"""What XGBoost holds in memory of a node: 20 bytes of split and children, 16 of its statistics."""
YARDSTICK_NODES = 100 * (2**7 - 1)
YARDSTICK_VISITS = 100 * 6
YARDSTICK_BYTES = YARDSTICK_NODES * 34
"""The yardstick is XGBoost's own default: 100 trees of depth 6 with every leaf, 34 bytes of a node on disk."""


class Footprint(Document):
    """Size and work of a bundle.

    `bytes` of the trees on disk, `node_bytes` in memory. `visits`: splits that a row passes through, mean over rows
    of the test window. `size`, `memory`, `work`: bytes, node bytes and visits over those of the yardstick.
    """

    bytes: int
    node_bytes: int
    trees: int
    nodes: int
    depth: int
    features: int
    used: int
    visits: float
    size: float
    memory: float
    work: float


def measure(scorer: Bundle, columns: Columns) -> Footprint:
    """The footprint of a bundle; `columns`, (n,) each, hold the features of rows that it scores."""
    trees = _trees(scorer.booster)
    depths = [_depths(tree) for tree in trees]
    nodes = sum(len(own) for own in depths)
    size = len(scorer.booster.save_raw("ubj"))
    visits = _visits(scorer, depths, columns)
    return Footprint(
        bytes=size,
        node_bytes=nodes * NODE_BYTES,
        trees=len(trees),
        nodes=nodes,
        depth=max((int(own.max()) for own in depths), default=0),
        features=len(scorer.features),
        used=len(scorer.booster.get_score(importance_type="weight")),
        visits=rounded(visits),
        size=rounded(size / YARDSTICK_BYTES),
        memory=rounded(nodes / YARDSTICK_NODES),
        work=rounded(visits / YARDSTICK_VISITS),
    )


def _trees(booster: Any) -> list[Mapping[str, Any]]:
    gradient = json.loads(bytes(booster.save_raw("json")))["learner"]["gradient_booster"]
    gradient = gradient.get("gbtree", gradient)  # dart keeps its trees one level below
    return list(gradient.get("model", {}).get("trees", []))


def _depths(tree: Mapping[str, Any]) -> Array:
    """How deep each node lies, int (nodes,)."""
    parents = np.asarray(tree["parents"], np.int64)
    depths = np.zeros(len(parents), np.int64)
    for place in range(1, len(parents)):  # a parent comes before its children
        depths[place] = depths[parents[place]] + 1
    return depths


def _visits(scorer: Bundle, depths: list[Array], columns: Columns) -> float:
    import xgboost

    x = row_features.matrix(scorer.features, columns)
    if not depths or not len(x):
        return 0.0
    types = scorer.booster.feature_types if "c" in (scorer.booster.feature_types or ()) else None
    data = xgboost.DMatrix(
        x,
        feature_names=list(scorer.features),
        feature_types=types,
        enable_categorical=types is not None,
    )
    leaves = scorer.booster.predict(data, pred_leaf=True).astype(np.int64).reshape(len(x), -1)
    whole = [own[leaves[:, place]] for place, own in enumerate(depths)]
    return float(np.sum(whole)) / len(x)
