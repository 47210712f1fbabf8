"""What of the served predictions is a finding, with its level, evidence and likely cause. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from plumbline.core.safe_text import one_line
from plumbline.core.usecase import UseCase
from plumbline.monitor.params import Monitor
from plumbline.monitor.served.feature_skew import reads
from plumbline.monitor.served.served_report import (
    FeatureSkew,
    FeedbackReport,
    ParityReport,
    ServedQuality,
    ServedReport,
    ServedShare,
    ServedTimes,
)
from plumbline.monitor.verdict import Finding, Level
from plumbline.report.metric_titles import metric_title
from plumbline.report.numbers import figure, interval, share

CHECKS = {
    "refused": ("refused_events", "were refused by the contract"),
    "late": ("late_events", "came late"),
    "unknown": ("unknown_entities", "have an id that was never seen"),
    "defaulted": ("defaulted_histories", "have an id that is null"),
    "stale": ("stale_state", "were answered from histories that are out of date"),
}
"""By share, the check's name and what is true of the events."""
SHORT = 8
"""Characters of a bundle's md5 that a text shows."""


def findings(
    usecase: UseCase,
    report: ServedReport,
    reasons: Sequence[tuple[str, str, int]],
    losses: Sequence[tuple[ServedQuality, Level]],
    gain: Mapping[str, float],
    limits: Monitor,
) -> list[Finding]:
    """All findings. `reasons`: of refusals. `losses`: quality by bundle with its level. `gain`: of each feature."""
    return [
        *_of_parity(usecase, report.parity, gain, limits),
        *(f for one in report.shares for f in _of_share(one, reasons)),
        *(f for one in report.times for f in _of_times(one)),
        *(_of_loss(one, level) for one, level in losses if level != "ok"),
        *_withheld(report.feedback),
    ]


def _of_parity(
    usecase: UseCase, parity: Sequence[ParityReport], gain: Mapping[str, float], limits: Monitor
) -> Iterator[Finding]:
    """A finding per feature that differs on its own, of the bundle where it is gravest; one of scores."""
    found: dict[str, Finding] = {}
    for one in parity:
        for skew in (s for s in one.skewed if s.own):
            reach = _reach(usecase, skew.name, one, gain)
            finding = _skew(skew, one, reach, limits, several=len(parity) > 1)
            found[skew.name] = _graver(found.get(skew.name), finding)
        if one.score:
            yield _score(one.score, one, limits)
    yield from found.values()


def _graver(one: Finding | None, other: Finding) -> Finding:
    """The graver of two findings of a feature."""
    if one is None or (one.level != "alert", -one.size) > (other.level != "alert", -other.size):
        return other
    return one


def _reach(usecase: UseCase, name: str, parity: ParityReport, gain: Mapping[str, float]) -> float:
    """The share of the model's gain of a feature and of those that read it and differ with it."""
    others = {s.name for s in parity.skewed if name in s.reads or name in reads(usecase, s.name)}
    return min(1.0, sum(gain.get(n, 0.0) for n in {name, *others}))


def _skew(
    skew: FeatureSkew, parity: ParityReport, reach: float, limits: Monitor, *, several: bool
) -> Finding:
    size = skew.own / skew.rows
    where = f" of bundle {parity.bundle[:SHORT]}" if several else ""
    reading = [s.name for s in parity.skewed if skew.name in s.reads]
    with_it = f"; what reads it differs too: {_listed(reading)}" if reading else ""
    return Finding(
        "skew",
        _skew_level(skew, parity, reach, limits),
        size,
        "share of rows",
        f"{skew.own:,} of {skew.rows:,} served rows{where} differ from the batch{_by(skew)}; first {_example(skew)}{with_it}",
        column=skew.name,
        importance=reach,
        cause=_cause(parity),
        since=skew.first_day,
        until=skew.until,
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _skew_level(skew: FeatureSkew, parity: ParityReport, reach: float, limits: Monitor) -> Level:
    """An alert from the share of a day's rows on that a fault is; not of a shadow, nor where other code was served."""
    enough = parity.rows >= limits.min_rows and skew.worst >= limits.fault_share
    expected = parity.other_definitions == parity.rows and not parity.this_model
    grave = enough and parity.live and not expected and reach >= limits.min_importance
    return "alert" if grave else "warning"


def _cause(parity: ParityReport) -> str:
    if parity.other_definitions:
        return f"bundle {parity.bundle[:SHORT]} was served with other definitions of the features than this commit's"
    return "the service and the batch compute it differently, or its history came late"


def _by(skew: FeatureSkew) -> str:
    return "" if skew.largest is None else f", by {figure(skew.largest)} at most"


def _example(skew: FeatureSkew) -> str:
    return f"request {skew.request} (key {skew.key}): served {_value(skew.served)}, batch {_value(skew.batch)}"


def _value(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"


def _score(skew: FeatureSkew, parity: ParityReport, limits: Monitor) -> Finding:
    size = skew.own / skew.rows
    enough = parity.rows >= limits.min_rows and skew.worst >= limits.fault_share and parity.live
    text = (
        f"{skew.own:,} of {skew.rows:,} rows served by this commit's model have another score than it gives to the "
        f"same features{_by(skew)}; first {_example(skew)}"
    )
    level: Level = "alert" if enough else "warning"
    return Finding(
        "served_score", level, size, "share of rows", text, since=skew.first_day, until=skew.until
    )


def _of_share(of: ServedShare, reasons: Sequence[tuple[str, str, int]]) -> list[Finding]:
    if of.level == "ok" or of.worst is None:
        return []
    check, what = CHECKS[of.name]
    text = (
        f"{share(of.worst)} of the events of {of.worst_day} {what}, {share(of.share)} in the window"
    )
    named = [f"{one_line(c, 60)}: {one_line(p, 60)} ({count:,})" for c, p, count in reasons]
    if of.name == "refused" and named:
        text += f"; {', '.join(named)}"
    found = Finding(check, of.level, of.worst, "share of events", text)
    return [replace(found, since=of.since, until=of.until)]


def _of_times(of: ServedTimes) -> list[Finding]:
    if of.level == "ok" or of.worst is None:
        return []
    check = "latency" if of.name == "latency_ms" else of.name
    what = "an answer took" if check == "latency" else "an event waited to count in histories"
    text = f"{what} {figure(of.worst)} {of.unit} in the 99th percentile of {of.worst_day}, {figure(of.median)} {of.unit} in the median"
    found = Finding(check, of.level, of.worst, of.unit, text)
    return [replace(found, since=of.since, until=of.until)]


def _of_loss(of: ServedQuality, level: Level) -> Finding:
    loss = of.loss.estimate if of.loss else None
    title, size = metric_title(of.metric), loss.value if loss else 0.0
    text = (
        f"{title} of what bundle {of.bundle[:SHORT]} answered {interval(of.value)}, in the reference "
        f"{interval(of.reference)}: a loss of {interval(loss, share)} on {of.rows:,} labels"
    )
    return Finding("served_quality", level, size, "relative loss", text)


def _withheld(feedback: FeedbackReport) -> list[Finding]:
    """Decisions whose events never get a label, and of which none passes by chance."""
    blind = [d for d in feedback.decisions if d.withheld and not d.passed]
    if not blind:
        return []
    names = ", ".join(d.decision or "none" for d in blind)
    count, due = sum(d.withheld for d in blind), max(1, feedback.due)
    text = f"the labels of {count:,} of {due:,} events that are due are withheld by the decision {names}, and none passes by chance: quality among them is unknown"
    return [Finding("withheld", "warning", count / due, "share of rows", text)]
