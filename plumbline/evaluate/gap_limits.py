"""Declared limits of the gaps between groups: each passes, fails, or cannot be judged. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from plumbline.core.errors import ParamsError, suggest
from plumbline.core.usecase import UseCase
from plumbline.evaluate import fairness, slices
from plumbline.evaluate.evidence import Groups, LabelledWindow
from plumbline.evaluate.fairness_document import GapVerdict, GroupFairness, WidestGap
from plumbline.evaluate.gap_params import GapLimit
from plumbline.metrics.bootstrap import Array
from plumbline.model import segments
from plumbline.report.metric_titles import metric_title
from plumbline.report.numbers import figure, share

Judged = Literal["pass", "fail", "cannot tell"]
RATES = {
    "classification": ("recall", "false_alarm_rate"),
    "regression": ("mae", "bias"),
}


def check(usecase: UseCase, limits: Sequence[GapLimit]) -> None:
    """ParamsError, with the nearest names, where a limit is of groups or rates that there are not."""
    pieces = {piece.name: piece for piece in usecase.groups}
    for place, limit in enumerate(limits):
        where = f"params.yaml, {usecase.name}.evaluate.max_gaps.{place}"
        if limit.by not in pieces:
            raise ParamsError(
                f"{where}.by: no groups '{limit.by}' are declared; {_choose(limit.by, pieces)}"
            )
        rates = RATES[usecase.problem]
        if limit.rate not in rates:
            raise ParamsError(
                f"{where}.rate: of a {usecase.problem}, expected {' or '.join(rates)}, found {limit.rate}"
            )
        piece = pieces[limit.by]
        possible = segments.possible(usecase, piece.column, piece.edges)
        for group in limit.groups if possible else ():
            if group not in (*possible, slices.OTHERS):
                raise ParamsError(f"{where}.groups: no group '{group}'; {suggest(group, possible)}")
        if limit in limits[:place]:
            raise ParamsError(f"{where}: the same limit stands there twice; leave one out")


def _choose(name: str, names: Iterable[str]) -> str:
    known = list(names)
    return suggest(name, known) if known else "declare them in `groups` in model.py"


def evidence(
    window: LabelledWindow,
    score: Array,
    pieces: Mapping[str, Groups],
    treated: Mapping[str, GroupFairness],
    limits: Sequence[GapLimit],
    flagged: Array | None = None,
) -> list[GapVerdict]:
    """Each limit's verdict. `pieces`, `treated`: groups and gaps by what they are grouped by.

    `flagged` bool (n,): what the declared decisions do not let through; None: the threshold decides.
    """
    rates = fairness.rates(window, score, flagged)
    out = []
    for limit in limits:
        gap, groups = treated[limit.by].in_force(limit.rate), pieces[limit.by]
        if limit.groups:
            nobody = rates[limit.rate].among & False
            chosen = {name: groups.get(name, nobody) for name in limit.groups}
            gap = fairness.gap(window, rates[limit.rate], chosen)
        out.append(verdict(limit, gap))
    return out


def verdict(limit: GapLimit, gap: WidestGap | None) -> GapVerdict:
    """What a gap, over all pairs of the groups that the limit is of, says of the limit."""
    word, reason = judge(limit, gap)
    return GapVerdict(
        by=limit.by,
        rate=limit.rate,
        groups=list(limit.groups),
        most=limit.most,
        gap=gap,
        word=word,
        reason=reason,
    )


def judge(limit: GapLimit, gap: WidestGap | None) -> tuple[Judged, str]:
    """Beyond the limit and beyond noise; surely within it; or what keeps it from being judged."""
    size = _size(limit.rate)
    name = f"gap of the {metric_title(limit.rate)} by {limit.by}"
    allowed = f"(at most {size(limit.most)})"
    if gap is None:
        return "cannot tell", (
            f"cannot tell: {name}: fewer than two groups of {fairness.MIN_ROWS} rows {allowed}; widen the groups"
        )
    text = f"{name} is {size(gap.value)}, {gap.higher} above {gap.lower}"
    if gap.at_least is not None and gap.at_least > limit.most:
        return "fail", f"{text}, beyond noise more than allowed {allowed}"
    if gap.at_most is None:
        return "cannot tell", f"cannot tell: {text}, without an interval {allowed}; more test days"
    if gap.at_most > limit.most:
        return "cannot tell", (
            f"cannot tell: {text}, and may be up to {size(gap.at_most)} {allowed}; more test days, or wider groups"
        )
    if gap.small:
        return "cannot tell", (
            f"cannot tell: {name}: fewer than {fairness.MIN_ROWS} rows of {', '.join(gap.small)}; widen the groups, or "
            "name in the limit's `groups` those that it is of"
        )
    return "pass", f"{name} is at most {size(gap.at_most)} {allowed}"


def _size(rate: str) -> Callable[[Any], str]:
    """How a gap of this rate is written."""
    return share if rate in RATES["classification"] else figure
