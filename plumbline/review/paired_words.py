"""What a paired difference says in a word, from its values alone. Pure."""

from __future__ import annotations

import math
from typing import TypeVar

from plumbline.metrics import bootstrap, metrics
from plumbline.metrics.bootstrap import Estimate, PairedWord
from plumbline.review.comparison import Comparison, Evidence, UseCaseComparison
from plumbline.review.comparison_sections import (
    PairedFigure,
    PairedResult,
    Result,
    Windows,
)

AnyEvidence = TypeVar("AnyEvidence", Evidence, Comparison)
AnyFigure = TypeVar("AnyFigure", bound=PairedFigure)


def word(metric: str, result: Estimate, base: float, margin: float) -> PairedWord:
    """better or worse where the interval leaves out zero and the size exceeds `margin` of base's figure.

    Within noise is an interval that holds zero; within the margin one that does not, but is too small.

    >>> word("mae", Estimate(-1.0, -2.0, -0.5), 50.0, 0.01)
    'better'
    >>> word("mae", Estimate(-1.0, -2.0, -0.5), 50.0, 0.05)
    'within margin'
    """
    plain = bootstrap.word(result, metric in metrics.HIGHER_IS_BETTER)
    if plain != "within noise" and abs(result.value) <= margin * abs(base):
        return "within margin"
    return plain


def again(evidence: AnyEvidence) -> AnyEvidence:
    """The evidence with each word as its values give it."""
    usecases = {name: _usecase(one) for name, one in evidence.usecases.items()}
    return evidence.model_copy(update={"usecases": usecases})


def _usecase(usecase: UseCaseComparison) -> UseCaseComparison:
    margin = 0.0 if usecase.seeds.replicates > 1 else usecase.margin
    update = {
        side: _windows(windows, usecase.primary, margin)
        for side, windows in (("base", usecase.base), ("release", usecase.release))
    }
    return usecase.model_copy(update=update)


def _windows(windows: Windows, primary: str, margin: float) -> Windows:
    results = windows.results().items()
    return windows.model_copy(update={str(n): _result(one, primary, margin) for n, one in results})


def _result(result: Result, primary: str, margin: float) -> Result:
    if not isinstance(result, PairedResult):
        return result
    figures = {name: _figure(name, one, margin) for name, one in result.metrics.items()}
    slices = {
        name: {group: _figure(primary, one, margin) for group, one in groups.items()}
        for name, groups in result.slices.items()
    }
    return result.model_copy(update={"metrics": figures, "slices": slices})


def _figure(metric: str, paired: AnyFigure, margin: float) -> AnyFigure:
    change = paired.difference
    ends = (math.nan if v is None else v for v in (change.value, change.low, change.high))
    base = math.nan if paired.base is None else paired.base
    own = word(metric, Estimate(*ends), base, margin)
    return paired.model_copy(update={"difference": change.model_copy(update={"word": own})})
