"""The two use cases that are attacked, what they are made of, and the worse model that each attack brings."""

from __future__ import annotations

from typing import Any

from bench.attacks.edits import Edit, params

DELIVERIES, DIABETES = "deliveries", "diabetes"
BOTH = (DELIVERIES, DIABETES)
PAYLOAD: dict[str, Edit] = {
    DELIVERIES: params({f"{DELIVERIES}.train.rounds": 48}),
    DIABETES: params({f"{DIABETES}.train.rounds": 35}),
}
TRAIN: dict[str, Any] = {"rounds": 100, "params": {"eta": 0.1, "max_depth": 4}}
"""Of the patients, in base."""
CSV = {name: f"sources/{name}/{name}.csv" for name in BOTH}
KEY = {DELIVERIES: "delivery", DIABETES: "patient"}
LABEL = {DELIVERIES: "minutes", DIABETES: "progression"}
NAIVE = {DELIVERIES: "distance", DIABETES: "bmi"}
FEATURE = {DELIVERIES: '"hour", "rain"),', DIABETES: '"bmi_times_bp"),'}
"""How the list of features ends."""
FIRST_SLICE = {
    DELIVERIES: 'Slice("rain", "rain", "0 or 1"), ',
    DIABETES: 'Slice("sex", "sex", "as coded"), ',
}
LAST_SLICE = {DELIVERIES: "edges=(3,))", DIABETES: "edges=(50,))"}
REASON = "The first model of its kind."
"""Base's gate.override, which was written for another change."""


def part(name: str, module: str) -> str:
    """A module of a use case."""
    return f"usecases/{name}/{module}.py"
