"""The model card's section on declared decisions: thresholds, reviews beside their capacity, and the price. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from plumbline.evaluate import slices
from plumbline.evaluate.decision_costs import TITLES, ordered
from plumbline.evaluate.decision_document import DecidedSegment, DecisionEvidence, ReviewLoad
from plumbline.evaluate.fairness_document import (
    GapVerdict,
    ReweighingEvidence,
    WidestGap,
)
from plumbline.report import columns
from plumbline.report.blocks import Block, Heading, Picture, Table, Text
from plumbline.report.metric_titles import metric_title
from plumbline.report.numbers import figure, interval, relative, share


def section(decisions: DecisionEvidence | None) -> list[Block]:
    """What is done about events, within which capacity, and what it costs beside simpler ways."""
    if decisions is None:
        return []
    return [
        Heading("Decisions"),
        Text(_summary(decisions)),
        *([Text(_reviews(decisions, decisions.load))] if decisions.load else []),
        _thresholds(decisions),
        _costs(decisions),
        *_equal(decisions),
        Picture("decisions", "Cost of the decisions, with intervals"),
    ]


def limits(verdicts: list[GapVerdict] | None) -> list[Block]:
    """The declared limits of gaps, each with its verdict."""
    if not verdicts:
        return []
    rows = [
        (one.by, metric_title(one.rate), ", ".join(one.groups) or "all", one.word, one.reason)
        for one in verdicts
    ]
    head = ("groups by", "rate", "groups", "verdict", "why")
    return [Table("Declared limits of the gaps (`evaluate.max_gaps`)", head, rows)]


def reweighing(section: ReweighingEvidence | None) -> list[Block]:
    """What a reweighed model costs beside the same one without weights, and what it closes."""
    if section is None:
        return []
    differences = section.differences
    texts = [columns.intervals([one], sign=True)[0] for one in differences.values()]
    rows = [
        (metric_title(name), text, relative(one.relative), one.word)
        for (name, one), text in zip(differences.items(), texts, strict=True)
    ]
    rates = [
        (metric_title(rate), _gap(rate, pair.without), _gap(rate, pair.reweighed))
        for rate, pair in section.gaps.items()
    ]
    by = f"`{section.column}`"
    return [
        Table(
            f"Reweighed by {by}: the model minus the same one without weights, paired",
            ("metric", "difference", "relative", "verdict"),
            rows,
        ),
        Table(f"The widest gap by {by}", ("rate", "without weights", "reweighed"), rates),
    ]


def _gap(rate: str, gap: WidestGap | None) -> str:
    write = share if metric_title(rate) in ("recall", "false-alarm rate") else figure
    return interval(gap, write) if gap else "cannot tell: too few rows"


def _summary(decisions: DecisionEvidence) -> str:
    decided = {name: decisions.decided[name] for name in decisions.names}
    parts = [
        f"{name} {figure(rows.a_day)}{_a_day(decisions)} ({share(rows.positive)} of them positive)"
        for name, rows in decided.items()
        if rows.a_day
    ]
    case = ""
    if decisions.positive_from is not None:
        case = f" Positive is a label of {figure(decisions.positive_from)} or more."
    return (
        f"The bundle decides about each event, alone as in a batch: {', '.join(parts)}, on the "
        f"test window. Thresholds were fitted on the validation window.{case}"
    )


def _a_day(decisions: DecisionEvidence) -> str:
    """Nothing of a table without time, whose rows are of no day."""
    return " a day" if decisions.days > 1 else ""


def _reviews(decisions: DecisionEvidence, load: ReviewLoad) -> str:
    name = decisions.names[1]
    over = (
        "never more than that on a day"
        if not load.days_over
        else f"more on {load.days_over} days, {load.most:,} at most"
    )
    left = (
        f" The {load.left_out:,} beyond a day's capacity, the latest of the day, are priced as let through."
        if load.left_out
        else ""
    )
    worth = (
        f" On the validation window, one more a day would have saved {figure(load.worth)} {decisions.unit} a day."
        if load.worth
        else " On the validation window the capacity is enough."
    )
    return f"Decided {name}: {figure(load.a_day)} a day, with a capacity of {load.capacity}; {over}.{left}{worth}"


def _thresholds(decisions: DecisionEvidence) -> Table:
    names = decisions.names
    order = slices.ordered(decisions.segments, decisions.edges)
    rows = [_segment(name, decisions.segments[name], names) for name in order]
    by = f"`{decisions.column}`" if decisions.column else "events"
    head = (
        by,
        "thresholds",
        f"{names[1]} from",
        f"{names[2]} from",
        "rows",
        "positives",
        *names,
        "recall",
        "false-alarm rate",
    )
    return Table("Thresholds and decisions by segment, on the test window", head, rows)


def _segment(name: str, one: DecidedSegment, names: list[str]) -> tuple[str, ...]:
    own = "its own" if one.own else "those of all"
    counts = [figure(one.decided[decision]) for decision in names]
    ends = (figure(one.review), figure(one.block))
    rates = (share(one.recall), share(one.false_alarm_rate))
    return (name, own, *ends, figure(one.rows), figure(one.positives), *counts, *rates)


def _costs(decisions: DecisionEvidence) -> Table:
    names = ordered(decisions.others)
    a_day = columns.intervals([decisions.cost_a_day, *(decisions.others[n] for n in names)])
    apart = columns.intervals([decisions.differences[name] for name in names], sign=True)
    rows = [("the decisions", a_day[0], "", "", "")]
    for name, cost, text in zip(names, a_day[1:], apart, strict=True):
        difference = decisions.differences[name]
        rows.append((TITLES[name], cost, text, relative(difference.relative), difference.word))
    unit = decisions.unit
    per = _a_day(decisions)
    head = (
        "way to decide",
        f"{unit}{per}",
        f"the decisions minus it, {unit} in total",
        "relative",
        "verdict",
    )
    return Table("What the decisions cost, paired with simpler ways", head, rows)


def _equal(decisions: DecisionEvidence) -> list[Block]:
    """The gap that equal rates were to close, before and after."""
    if decisions.equal is None:
        return []
    rate = metric_title(decisions.equal)
    gaps: Mapping[str, str] = {
        name: interval(gap, share) if gap else "cannot tell: too few rows"
        for name, gap in decisions.gaps.items()
    }
    text = (
        f"The thresholds make the {rate} equal across `{decisions.column}`. Its widest gap on the test window: "
        f"{gaps.get('single', '')} with one threshold, {gaps.get('decisions', '')} with the decisions."
    )
    return [Text(text)]
