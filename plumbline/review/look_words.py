"""What a report says of the looks at a test window: how many, and the interval that allows for them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import NormalDist

from plumbline.metrics.bootstrap import Estimate
from plumbline.report.numbers import fixed
from plumbline.review import paired_words
from plumbline.review.comparison import UseCaseComparison
from plumbline.review.comparison_sections import Difference, Looks, PairedFigure, PairedResult
from plumbline.review.metric_change import change

CUT = (
    "How many results were seen on this test window cannot be counted: this clone's history is cut off. Fetch all of "
    "it: `fetch-depth: 0` in the workflow, or `git fetch --unshallow`."
)


def lines(usecase: UseCaseComparison) -> Iterator[str]:
    """The number of looks, and a warning where they are more than base allows."""
    looks, limit = usecase.looks, usecase.limits.get("max_looks")
    if looks is None:
        return
    yield sentence(looks)
    if limit is not None and not looks.cut and looks.count > limit:
        yield _warning(usecase, looks, limit)


def sentence(looks: Looks | None) -> str:
    """How many results there were on which window.

    >>> sentence(Looks(count=3, window="2025-05-01 to 2025-06-01, 800 rows", cut=False))
    'Looks at the test window (2025-05-01 to 2025-06-01, 800 rows): 3 results so far, this one among them.'
    """
    if looks is None:
        return "no result of `evaluate` is recorded; run `dvc repro`."
    if looks.cut:
        return CUT
    seen = (
        "this is the first result"
        if looks.count == 1
        else f"{looks.count} results so far, this one among them"
    )
    return f"Looks at the test window ({looks.window}): {seen}."


def _warning(usecase: UseCaseComparison, looks: Looks, limit: float) -> str:
    once = 1 / (1 - usecase.level)
    text = (
        f"Warning: that is more than {limit:.0f} looks (gate.max_looks). Of changes without effect one in "
        f"{once:.0f} differs beyond noise by chance"
    )
    result = usecase.base.head
    paired = result.metrics.get(usecase.primary) if isinstance(result, PairedResult) else None
    if paired is None or paired.difference.low is None:
        return f"{text}; judge on newer days: move data.as_of."
    level = shared(usecase.level, looks.count)
    wider = widened(usecase.primary, paired, usecase.level, level)
    moved = change(usecase.primary, wider, usecase.units)
    return (
        f"{text}; allowing for {looks.count} looks (Bonferroni, {fixed(100 * level, 2)}%) the difference is "
        f"{moved.interval}: {wider.difference.word}. Judge on newer days: move data.as_of."
    )


def shared(level: float, count: int) -> float:
    """The level of one interval of so many, if all are to hold at `level` (Bonferroni).

    >>> round(shared(0.95, 25), 6)
    0.998
    """
    return 1 - (1 - level) / max(count, 1)


def widened(metric: str, paired: PairedFigure, level: float, wider: float) -> PairedFigure:
    """The paired difference at a higher level: each end as far away as a normal distribution's.

    The bootstrap's own replicates are too few for their outermost ones to tell.
    """
    far, near = (NormalDist().inv_cdf((1 + one) / 2) for one in (wider, level))
    apart = paired.difference
    if apart.value is None or apart.low is None or apart.high is None:
        return paired
    low, high = (apart.value + (end - apart.value) * far / near for end in (apart.low, apart.high))
    word = paired_words.word(metric, Estimate(apart.value, low, high), paired.base or 0.0, 0.0)
    difference = Difference(
        value=apart.value, low=low, high=high, relative=apart.relative, word=word
    )
    return paired.model_copy(update={"difference": difference})
