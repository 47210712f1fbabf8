"""The page's section on what was served: features that differ, shares, times, arms, feedback, quality. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plumbline.core.safe_text import one_line
from plumbline.monitor.sentences import SHAPES
from plumbline.monitor.served.served_report import (
    ArmReport,
    DecisionFeedback,
    FeatureSkew,
    ParityReport,
    ServedQuality,
    ServedReport,
    ServedShare,
    ServedTimes,
)
from plumbline.report import columns
from plumbline.report.blocks import Block, Fold, Table, Text
from plumbline.report.metric_titles import metric_title
from plumbline.report.numbers import NONE, count, figure, interval, share

SHOWN = 8
"""Rows of a table that are not folded away."""
SHORT = 8
"""Characters of a bundle's md5."""
SHARES = {
    "refused": "refused by the contract",
    "late": "came late",
    "unknown": "id never seen",
    "defaulted": "id is null",
    "stale": "histories out of date",
}
TIMES = {"state_age": "wait to count in histories", "latency_ms": "time to answer"}
SKEWED = (
    "feature",
    "bundle",
    "rows that differ",
    "on its own",
    "largest",
    "first request",
    "served",
    "batch",
)
ARMS = ("arm", "bundle", "events", "traffic", "mean score", "alarms", "labels", "quality")


def served(report: ServedReport) -> Iterator[Block]:
    """All of it, the gravest subjects first."""
    yield Text(_summary(report))
    yield from _parity(report.parity)
    yield Table(
        "Events",
        ("share", "level", "in the window", "worst day", "on it"),
        [_share(s) for s in report.shares],
        frozenset((2, 4)),
    )
    yield Table(
        "Times",
        ("time", "level", "median", "95 %", "99 %", "worst day", "99 % on it"),
        [_time(t) for t in report.times],
        frozenset((2, 3, 4, 6)),
    )
    yield from _arms(report)
    yield from _quality(report)
    yield from _feedback(report)


def _summary(report: ServedReport) -> str:
    shadows = f", {count(report.shadows, 'score')} of shadows" if report.shadows else ""
    return (
        f"{count(report.events, 'event')} answered from {one_line(report.first)} to {one_line(report.last)}{shadows}; "
        f"{figure(report.matched)} are in the current window."
    )


def _parity(parity: Sequence[ParityReport]) -> Iterator[Block]:
    """Which logged features the batch computes otherwise."""
    for one in parity:
        yield Text(_equal(one))
    rows = [_skew(skew, one) for one in parity for skew in _with_score(one)]
    if not rows:
        return
    yield Table("Features that differ", SKEWED, rows[:SHOWN], frozenset((2, 3, 4, 6, 7)))
    if len(rows) > SHOWN:
        other = Table(
            "Other features that differ", SKEWED, rows[SHOWN:], frozenset((2, 3, 4, 6, 7))
        )
        yield Fold(f"{len(rows) - SHOWN} more", [other])


def _equal(one: ParityReport) -> str:
    bundle = (
        f"bundle `{one_line(one.bundle)[:SHORT]}`{', this commit’s,' if one.this_model else ''}"
    )
    if not one.features:
        return f"Parity of {bundle} cannot tell: no feature was logged that the batch has."
    what = "answered" if one.live else "scored as a shadow"
    text = (
        f"Parity: {figure(one.equal)} of {count(one.rows, 'event')} that {bundle} {what} have the batch’s values in "
        f"all of {count(one.features, 'feature')} ({share(one.equal / max(1, one.rows))})"
    )
    other = (
        f"; {figure(one.other_definitions)} were served with other definitions of the features"
        if one.other_definitions
        else ""
    )
    return f"{text}{other}."


def _with_score(one: ParityReport) -> list[FeatureSkew]:
    return [*([one.score] if one.score else []), *one.skewed]


def _skew(skew: FeatureSkew, one: ParityReport) -> tuple[str, ...]:
    return (
        one_line(skew.name, 80),
        one_line(one.bundle)[:SHORT],
        share(skew.differing / skew.rows),
        share(skew.own / skew.rows)
        if skew.own
        else f"{NONE} (reads {one_line(skew.reads[0], 80)})"
        if skew.reads
        else NONE,
        figure(skew.largest),
        one_line(skew.request, 40),
        _value(skew.served),
        _value(skew.batch),
    )


def _value(value: float | None) -> str:
    return "null" if value is None else f"{value:.6g}"


def _share(one: ServedShare) -> tuple[str, ...]:
    day = one.worst_day if one.worst else None
    worst = (one_line(day or NONE), share(one.worst) if day else NONE)
    return (SHARES[one.name], _level(one), share(one.share), *worst)


def _time(one: ServedTimes) -> tuple[str, ...]:
    median, p95, p99, worst = (
        _timed(v, one.unit) for v in (one.median, one.p95, one.p99, one.worst)
    )
    return (TIMES[one.name], _level(one), median, p95, p99, one_line(one.worst_day or NONE), worst)


def _timed(value: float | None, unit: str) -> str:
    return NONE if value is None else f"{figure(value)} {unit}"


def _level(one: ServedShare | ServedTimes) -> str:
    if one.cannot_tell:
        return f"cannot tell: {one_line(one.cannot_tell)}"
    return f"{SHAPES[one.level]} {one.level}"


def _arms(report: ServedReport) -> Iterator[Block]:
    """Who answered, and how shadows would have."""
    cells = [
        columns.figures([a.share for a in report.arms], percent=True),
        columns.figures([a.mean_score for a in report.arms]),
        columns.figures([a.alarms for a in report.arms], percent=True),
        columns.figures([a.quality for a in report.arms]),
    ]
    rows = [_arm(arm, *texts) for arm, *texts in zip(report.arms, *cells, strict=True)]
    yield Table("Arms and bundles", ARMS, rows, frozenset(range(2, 8)))
    for one in report.shadow:
        yield Text(
            f"Shadow {one_line(one.arm, 80)} (bundle `{one_line(one.bundle)[:SHORT]}`) against what was answered to the same "
            f"{count(one.rows, 'event')}: the score differs by {figure(one.mean_difference)} on average, "
            f"{figure(one.largest_difference)} at most; {count(one.other_alarms, 'other alarm')}, "
            f"{count(one.other_decisions, 'other decision')}."
        )


def _arm(arm: ArmReport, traffic: str, score: str, alarms: str, quality: str) -> tuple[str, ...]:
    name = one_line(arm.arm, 80) + ("" if arm.mode == "live" else f" ({one_line(arm.mode)})")
    bundle = one_line(arm.bundle)[:SHORT] + (" (this commit’s)" if arm.this_model else "")
    return (name, bundle, figure(arm.rows), traffic, score, alarms, figure(arm.labelled), quality)


def _quality(report: ServedReport) -> Iterator[Block]:
    """Quality of the logged scores by bundle, or why there is none."""
    good = [q for q in report.quality if q.value]
    if good:
        title = f"{metric_title(one_line(good[0].metric))} of the logged scores, on labels that have come"
        head = ("bundle", "labels", "served", "reference", "loss")
        yield Table(title, head, [_measured(q) for q in good], frozenset(range(1, 5)))
    alarming = [q for q in good if q.precision and q.recall]
    if alarming:
        rows = [_alarms(q) for q in alarming]
        title = "Logged alarms, on the same labels"
        yield Table(title, ("bundle", "precision", "recall"), rows, frozenset((1, 2)))
    for one in report.quality:
        if one.cannot_tell:
            name = one_line(one.bundle)[:SHORT]
            yield Text(f"Quality of bundle `{name}` cannot tell: {one_line(one.cannot_tell)}.")
    weighted = [q for q in good if q.withheld]
    if weighted:
        yield Text(
            f"Decisions withheld the labels of {figure(sum(q.withheld for q in weighted))} events; "
            f"{figure(sum(q.passed for q in weighted))} passed by chance and each counts for those of its kind "
            "(weight 1 / propensity): the fewer they are, the wider the interval."
        )


def _measured(one: ServedQuality) -> tuple[str, ...]:
    return (
        one_line(one.bundle)[:SHORT],
        figure(one.rows),
        interval(one.value),
        interval(one.reference),
        interval(one.loss, share),
    )


def _alarms(one: ServedQuality) -> tuple[str, ...]:
    pair = (interval(one.precision, share), interval(one.recall, share))
    return (one_line(one.bundle)[:SHORT], *pair)


def _feedback(report: ServedReport) -> Iterator[Block]:
    """How many labels have come, by decision."""
    feedback = report.feedback
    if not feedback.rows:
        return
    head = ("decision", "events", "due", "labels that came", "withheld", "passed by chance")
    rows = [_decision(d) for d in feedback.decisions]
    yield Table("Feedback on what was served", head, rows, frozenset(range(1, 6)))
    if feedback.withheld:
        yield Text(
            "“Quality on known labels” leaves out the events whose label a decision withholds, and those that would "
            "have been in the reference: it compares what is let pass."
        )


def _decision(one: DecisionFeedback) -> tuple[str, ...]:
    counts = (one.rows, one.due)
    came = f"{figure(one.known)} ({share(one.known / one.due)})" if one.due else NONE
    return (
        one_line(one.decision, 80) or NONE,
        *map(figure, counts),
        came,
        figure(one.withheld),
        figure(one.passed),
    )
