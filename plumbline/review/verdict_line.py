"""A comparison's verdict, and a reason against merging, in one line of plain text. Pure."""

from __future__ import annotations

from plumbline.report.numbers import share
from plumbline.review.comparison import Comparison, Reason, UseCaseComparison
from plumbline.review.comparison_sections import NotComparable, SameModel
from plumbline.review.metric_change import change

WORDS = {
    "yes": "Nothing against merging",
    "no": "Do not merge",
    "overridden": "May be merged by an override",
    "failed": "Do not merge",
}


def verdict(comparison: Comparison) -> str:
    """The line that a report begins with."""
    gate = comparison.gate
    start = WORDS[gate.verdict]
    if gate.verdict == "failed":
        return f"{start}: {reason(gate.reasons[0])}"
    if gate.verdict == "no":
        count = len(gate.reasons) - 1
        more = f"; {count} more reason{'s' if count > 1 else ''} below" if count else ""
        return f"{start}: {reason(gate.reasons[0])}{more}"
    if gate.verdict == "overridden":
        given = (f"{n}: {why}" if n else why for n, why in gate.overrides.items())
        return f"{start} ({'; '.join(given)}): {_results(comparison)}"
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
        return "a new use case, with nothing to compare it with"
    if isinstance(result, SameModel):
        return "the model and its test table did not change"
    if isinstance(result, NotComparable):
        return f"the models cannot be compared: {result.reason}"
    moved = change(usecase.primary, result.metrics[usecase.primary], usecase.units)
    means = {
        "better": "better beyond noise",
        "worse": "worse beyond noise",
        "within noise": "no difference beyond noise",
        "within margin": f"by less than the {share(usecase.margin)} that count",
    }
    word = means[moved.paired.difference.word]
    return f"{moved.sentence}, {word} {moved.evidence(usecase.level)}"
