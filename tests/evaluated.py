"""The smallest evaluate.json, for tests of what reads it."""

from __future__ import annotations

from typing import Any

INTERVAL = {"value": 0.5, "low": 0.4, "high": 0.6}


def evaluated(**changed: Any) -> dict[str, Any]:
    """Plain values of an `EvaluateDocument`; `changed` are laid over."""
    return {
        "problem": "classification",
        "primary": "average_precision",
        "rows": {"test": 100},
        "metrics": {"average_precision": INTERVAL},
        "baselines": {},
        "differences": {},
        "slices": {},
        "floors": {},
        "behaviours": {},
        "fairness": {},
        "subgroups": {
            "columns": 0,
            "looked_at": 0,
            "tried": 0,
            "confirmed": 0,
            "level": 0.95,
            "found": [],
        },
        "costs": None,
        "settings": {"level": 0.95, "bootstrap": 60, "k": 5, "false_alarm_rate": 0.01},
        "training": {"seed": 7},
        "important": [],
        "data": {
            "source": "csv",
            "sha256": None,
            "span": None,
            "as_of": None,
            "rows": {},
            "quarantined": {},
            "windows": {},
            "md5": {},
        },
        "gate": {"verdict": "pass", "checks": {}, "reasons": ["fine"]},
        **changed,
    }
