"""A comparison's verdict, and a reason against merging, in one line of plain text. Pure."""

from __future__ import annotations

from plumbline.report.metric_titles import metric_title
from plumbline.report.numbers import figure
from plumbline.review.comparison import Comparison, Reason, UseCaseComparison
from plumbline.review.comparison_sections import NotComparable, SameModel

WORDS = {
    "yes": "May be merged",
    "no": "Not to be merged",
    "overridden": "May be merged by an override",
    "failed": "FAILED",
}


def verdict(comparison: Comparison) -> str:
    """The line that a report begins with."""
    gate = comparison.gate
    start = WORDS[gate.verdict]
    if gate.verdict == "failed":
        return f"{start}: {reason(gate.reasons[0])}"
    if gate.verdict == "no":
        count = len(gate.reasons)
        more = f" (and {count - 1} more)" if count > 1 else ""
        return f"{start}: {reason(gate.reasons[0])}{more}"
    if gate.verdict == "overridden":
        return f"{start}: {'; '.join(f'{n}: {why}' for n, why in gate.overrides.items())}"
    return f"{start}: {_results(comparison)}"


def reason(against: Reason) -> str:
    """A reason, its use case first."""
    return f"{against.usecase}: {against.text}" if against.usecase else against.text


def _results(comparison: Comparison) -> str:
    results = {name: _result(usecase) for name, usecase in comparison.usecases.items()}
    if not results:
        return "no use case's outputs changed"
    return "; ".join(f"{name}: {text}" for name, text in results.items())


def _result(usecase: UseCaseComparison) -> str:
    result = usecase.base.head
    if result is None:
        return "new, nothing to compare with"
    if isinstance(result, SameModel):
        return "the same model"
    if isinstance(result, NotComparable):
        return "not comparable"
    primary = result.metrics[usecase.primary]
    values = f"{figure(primary.base)} → {figure(primary.head)}"
    return f"{metric_title(usecase.primary)} {primary.difference.word} ({values})"
