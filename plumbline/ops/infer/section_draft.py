"""The params section: source, splits by the length of the data, search space by its size. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plumbline.ops.infer.event_time import EventTime, day_after
from plumbline.ops.infer.table_file import TableFile

SMALL, LARGE = 2_000, 50_000
"""Rows up to which a table is small, and from which it is large."""
SPACES: Mapping[str, Mapping[str, Any]] = {
    "small": {
        "eta": {"loguniform": [0.02, 0.1]},
        "max_depth": {"int": [2, 4]},
        "min_child_weight": {"loguniform": [1, 10]},
        "subsample": {"uniform": [0.6, 1.0]},
        "colsample_bytree": {"uniform": [0.4, 1.0]},
        "lambda": {"loguniform": [1, 50]},
    },
    "middle": {
        "eta": {"loguniform": [0.02, 0.1]},
        "max_depth": {"int": [3, 6]},
        "min_child_weight": {"loguniform": [5, 100]},
        "subsample": {"uniform": [0.5, 1.0]},
        "colsample_bytree": {"uniform": [0.3, 1.0]},
        "lambda": {"loguniform": [1, 100]},
    },
    "large": {
        "eta": {"loguniform": [0.05, 0.3]},
        "max_depth": {"int": [4, 9]},
        "min_child_weight": {"loguniform": [1, 30]},
        "colsample_bytree": {"uniform": [0.5, 1.0]},
    },
}
RARE = 0.02
"""Share of positives below which the booster's defaults cost quality."""


def section(
    file: TableFile,
    source: str,
    time: EventTime | None,
    delay: int,
    longest: int,
    problem: str,
    shape: float,
) -> dict[str, Any]:
    """`source`: the table's path; `longest`: days of the longest history; `shape`: the share of positives,
    or how far the label's mean lies from its median, in mean absolute deviations."""
    data: dict[str, Any] = {"source": file.kind, "path": source, **file.settings}
    if time:
        data["as_of"] = str(day_after(time))
    size = "small" if file.rows < SMALL else "middle" if file.rows < LARGE else "large"
    return {
        "data": data,
        "validate": {"max_quarantine": 0.01},
        "features": splits(time, delay, longest) if time else {},
        "tune": {
            "max_evals": 10,
            "rounds": 300,
            "early_stopping": 30,
            "params": _params(problem, shape),
            "space": dict(SPACES[size]),
        },
        "train": {"rounds": 1000, "early_stopping": 50},
        "evaluate": {"bootstrap": 500},
        "monitor": {"period_days": max(7, time.gap)} if time else {},
    }


def splits(time: EventTime, delay: int, longest: int) -> dict[str, int]:
    """Days of each window: a tenth of the span for current, a fifth to test, a seventh to validate."""
    span = time.span
    current = max(1, delay, round(0.1 * span))
    test, valid = max(1, round(0.2 * span)), max(1, round(0.15 * span))
    warmup = min(longest, round(0.1 * span))
    return {
        "warmup_days": warmup,
        "valid_days": valid,
        "test_days": test,
        "current_days": current,
    }


def comments(time: EventTime | None, problem: str, shape: float) -> dict[str, str]:
    """By dotted key, the evidence of the section's values."""
    notes = {
        "validate.max_quarantine": "share of rows that may be set aside",
        "tune.max_evals": "trials; 0 = no search",
        "tune.rounds": "boosting rounds at most, per trial",
        "tune.space": "by the number of rows: few rows, strong regularisation",
        "train.rounds": "boosting rounds at most",
        "evaluate.bootstrap": "replicates, for every interval",
    }
    if time:
        notes["data.as_of"] = f"the day after the last event, {time.last}"
        notes["features.warmup_days"] = "first days, used for histories only"
        notes["features.valid_days"] = f"of {time.span:,} days from {time.first.date()}"
        notes["monitor.period_days"] = "days that are judged together"
    if problem == "multiclass":
        return notes
    if problem == "classification":
        notes["tune.params"] = f"{100 * shape:.3g} % positives"
    else:
        notes["tune.params"] = f"the label's mean lies {shape:.2g} mean deviations from its median"
    return notes


def _params(problem: str, shape: float) -> dict[str, Any]:
    if problem == "multiclass":
        return {}
    if problem == "classification":
        return {"max_bin": 1024, "base_score": 0.5} if shape < RARE else {}
    return {"objective": "reg:absoluteerror" if abs(shape) < 0.25 else "reg:squarederror"}
