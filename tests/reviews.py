"""A comparison as `compare` writes it, small and by hand, for tests of the report and the gate."""

from __future__ import annotations

import copy
from typing import Any

from plumbline.review import merge_gate
from plumbline.review.comparison import Comparison, Evidence

PAIR = {"difference": {"value": 0.02, "low": 0.01, "high": 0.03, "relative": 0.1, "word": "better"}}
METRIC = {"base": 0.5, "head": 0.52, **PAIR}
WORSE = {
    "base": 0.5,
    "head": 0.4,
    "difference": {"value": -0.1, "low": -0.2, "high": -0.05, "relative": -0.2, "word": "worse"},
}
UNKNOWN = {
    "base": None,
    "head": None,
    "difference": dict.fromkeys(("value", "low", "high"), None) | {"word": "within noise"},
}
RESULT = {
    "comparable": True,
    "rows": 1000,
    "metrics": {"average_precision": METRIC, "brier": METRIC},
    "slices": {"size": {"small": {"rows": 10, **METRIC}, "large": {"rows": 3, **UNKNOWN}}},
}
CASE = {
    "problem": "classification",
    "primary": "average_precision",
    "level": 0.95,
    "margin": 0.01,
    "seeds": {"replicates": 6, "reason": None},
    "limits": {
        **{"max_loss": 0.05, "max_lost_rows": 0.01},
        **{"slice_loss": 0.25, "cost_growth": 0.1, "too_good": 0.5},
    },
    "override": None,
    "base": {"head": RESULT, "base": RESULT},
    "release": {"head": {"comparable": False, "reason": "another label"}},
    "params": [{"key": "shop.train.rounds", "base": 10, "head": [1, 2]}],
    "stages": [
        {
            "name": "train",
            "change": "changed",
            "command": True,
            "deps": [{"path": "a.py", "change": "added"}, {"path": "b.py", "change": "changed"}],
            "params": ["shop.train.rounds"],
            "outs": [{"path": "models/shop", "change": "changed"}],
        }
    ],
    "edges": [["features", "train"]],
    "data": {
        "rows": {"base": 1000, "head": 2000},
        "span": {"base": ["a", "b"], "head": ["a", "c"]},
        "as_of": {"base": "x", "head": "x"},
        "columns": [{"key": "weight", "base": None, "head": "int, g"}],
        "quarantine": [{"key": "events: weight.range", "base": 0, "head": 7}],
    },
    "features": {
        "added": ["new_one"],
        "removed": ["old_one"],
        "redefined": [{"name": "mean", "parts": ["window"]}],
        "joined": ["in"],
        "left": ["out"],
    },
    "drift": [
        {
            "column": "weight",
            "psi": 0.31,
            "noise": 0.01,
            "null_base": 0.0,
            "null_head": 0.02,
            "word": "drift",
        }
    ],
    "cost": [
        {"stage": "train", "base": None, "head": {"seconds": 12.5, "memory_mb": 640.0}},
    ],
    "monitor": {
        "level": "ok",
        "summary": "ok: nothing",
        "retrain": {"now": False, "why": "no need"},
        "findings": 0,
    },
    "evaluate": {"verdict": "pass", "reasons": ["all well"], "checks": {}, "below_floor": []},
    "blocked": 0,
    "lineage": {"base": {"model": {"models/shop": "1"}}, "head": {"model": {"models/shop": "2"}}},
}
LOCK = {"md5": "0", "checked": True, "stale": [], "unlocked": [], "bytes": []}
WHOLE = {
    "format": 1,
    "base": {"name": "main", "commit": "a" * 40},
    "head": {"name": "work tree", "commit": None},
    "release": {"name": "model-v1", "commit": "b" * 40},
    "failed": None,
    "lock": LOCK,
    "unchanged": ["other"],
    "removed": [],
    "usecases": {"shop": CASE},
}


def sections(case: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """The JSON without its gate, some keys replaced in it and in its one use case."""
    built = copy.deepcopy({**WHOLE, **changes})
    if "usecases" not in changes:
        built["usecases"]["shop"].update(copy.deepcopy(case or {}))
    return built


def comparison(case: dict[str, Any] | None = None, **changes: Any) -> Comparison:
    """The comparison with its gate, some keys replaced."""
    return merge_gate.judged(Evidence.model_validate(sections(case, **changes)))
