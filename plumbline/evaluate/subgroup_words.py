"""Why the model may be worse on a subgroup, in sentences. Pure: figures in, text out."""

from __future__ import annotations

from collections.abc import Iterator

from plumbline.evaluate.subgroup_document import (
    CoarseColumn,
    MissedInteraction,
    SubgroupReasons,
)
from plumbline.report.numbers import figure, interval, share, signed


def line(rule: str, why: SubgroupReasons) -> str:
    """How many predictions the subgroup concerns, what its rows share, and what the model misses there."""
    return " ".join([f"`{rule}`: {_concerns(why)}; {_answers(why)}.", *_shared(why), *_causes(why)])


def _shared(why: SubgroupReasons) -> Iterator[str]:
    if why.shared:
        traits = (
            f"{t.condition} ({share(t.inside)}, elsewhere {share(t.outside)})" for t in why.shared
        )
        yield f"Its rows have in common: {', '.join(traits)}."


def _causes(why: SubgroupReasons) -> Iterator[str]:
    """A missing interaction, columns that are split too coarsely; or that neither is seen."""
    missing = why.interaction is not None and why.interaction.missed
    coarse = [one for one in why.coarse if one.coarse]
    if why.interaction is not None and missing:
        yield _interaction(why.interaction)
    yield from map(_coarse, coarse)
    if not missing and not coarse:
        yield "No missing interaction and no coarse split is seen."


def _concerns(why: SubgroupReasons) -> str:
    a_day = "" if why.a_day is None else f", {figure(round(why.a_day, 1))} predictions a day"
    return f"{share(why.share)} of the predictions{a_day}"


def _answers(why: SubgroupReasons) -> str:
    residual = why.residual.estimate
    mean = f"label minus answer {interval(why.residual, signed)}, elsewhere {signed(why.elsewhere)}"
    if residual.low > 0:
        return f"the model answers too low ({mean})"
    if residual.high < 0:
        return f"the model answers too high ({mean})"
    return f"it may answer too high, too low or neither ({mean})"


def _interaction(one: MissedInteraction) -> str:
    trees = (
        "" if one.trees is None else f"; {one.trees} of {one.of} trees split on both on one path"
    )
    first, second = one.columns
    return (
        f"An interaction of `{first}` and `{second}` is missing: together they move the label by "
        f"{interval(one, signed)} more than the model has it{trees}. Try a row feature of both, or deeper trees."
    )


def _coarse(one: CoarseColumn) -> str:
    splits = ""
    if one.splits is not None:
        splits = f", where the trees have {one.splits} of their {one.of} thresholds of it"
    return (
        f"The error still depends on `{one.column}` within it: label minus answer is {interval(one, signed)} higher "
        f"in the upper half than in the lower{splits}. Try a higher max_bin, or a finer feature."
    )
