"""A comparison's verdict, and a reason against merging, in one line of plain text. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plumbline.report.metric_titles import metric_title
from plumbline.report.numbers import figure

WORDS = {
    "yes": "May be merged",
    "no": "Not to be merged",
    "overridden": "May be merged by an override",
    "failed": "FAILED",
}


def verdict(comparison: Mapping[str, Any]) -> str:
    """The line that a report begins with."""
    gate = comparison["gate"]
    start = WORDS.get(gate["verdict"], str(gate["verdict"]))
    if gate["verdict"] == "failed":
        return f"{start}: {reason(gate['reasons'][0])}"
    if gate["verdict"] == "no":
        count = len(gate["reasons"])
        more = f" (and {count - 1} more)" if count > 1 else ""
        return f"{start}: {reason(gate['reasons'][0])}{more}"
    if gate["verdict"] == "overridden":
        return f"{start}: {'; '.join(f'{n}: {why}' for n, why in gate['overrides'].items())}"
    return f"{start}: {_results(comparison)}"


def reason(against: Mapping[str, Any]) -> str:
    """A reason, its use case first."""
    text = str(against["text"])
    return f"{against['usecase']}: {text}" if against.get("usecase") else text


def _results(comparison: Mapping[str, Any]) -> str:
    results = {name: _result(one) for name, one in comparison["usecases"].items()}
    if not results:
        return "no use case's outputs changed"
    return "; ".join(f"{name}: {text}" for name, text in results.items())


def _result(usecase: Mapping[str, Any]) -> str:
    result = usecase["base"].get("head")
    if not result:
        return "new, nothing to compare with"
    if result.get("same"):
        return "the same model"
    if not result["comparable"]:
        return "not comparable"
    primary = result["metrics"][usecase["primary"]]
    values = f"{figure(primary['base'])} → {figure(primary['head'])}"
    return f"{metric_title(usecase['primary'])} {primary['difference']['word']} ({values})"
