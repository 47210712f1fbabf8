"""The monitor's verdict in sentences, for its page and for alerts. Pure.

What is missing is left out: a table without time, or a verdict that could not be read, has less to say.
"""

from __future__ import annotations

from collections.abc import Mapping

from plumbline.core.safe_text import one_line
from plumbline.monitor.result import MonitorResult, ReportedFinding, WindowFacts
from plumbline.monitor.verdict import Level
from plumbline.report.blocks import Tone
from plumbline.report.numbers import figure

TITLES: Mapping[Level, str] = {
    "ok": "OK. No findings",
    "warning": "Warning. No action needed now",
    "alert": "Alert. Investigate now",
}
TONES: Mapping[Level, Tone] = {"ok": "good", "warning": "plain", "alert": "bad"}
SHAPES: Mapping[Level, str] = {"ok": "✓", "warning": "▲", "alert": "■"}
"""A level's shape: it does not show by colour alone."""


def where(finding: ReportedFinding) -> str:
    """What a finding is about.

    >>> where(ReportedFinding(check="null_share", level="alert", column="amount"))
    'amount: null share'
    >>> where(ReportedFinding(check="rows", level="alert"))
    'rows'
    """
    check = one_line(finding.check).replace("_", " ")
    return f"{one_line(finding.column, 80)}: {check}" if finding.column else check


def when(finding: ReportedFinding) -> str:
    """Since when, and until when where it is over, for the end of a phrase; empty where no day is known.

    >>> when(ReportedFinding(check="skew", level="alert", since="2025-06-20", until="2025-06-22"))
    ', since 2025-06-20, until 2025-06-22'
    """
    ends = (("since", finding.since), ("until", finding.until))
    return "".join(f", {word} {one_line(day)}" for word, day in ends if day)


def sentence(finding: ReportedFinding, most: int = 400) -> str:
    """A finding with its evidence, since when, its likely cause and the next step."""
    evidence = one_line(finding.evidence or "no evidence given", most)
    parts = [f"{where(finding)}{when(finding)}: {evidence}"]
    parts += [f"{title}: {one_line(text, most)}" for title, text in steps(finding)]
    return ". ".join(part.rstrip(".") for part in parts) + "."


def steps(finding: ReportedFinding) -> list[tuple[str, str]]:
    """The likely cause and the next step, each with its title, as far as they are given."""
    both = (("Likely cause", finding.cause), ("Next", finding.next))
    return [(title, text) for title, text in both if text]


def retrain(result: MonitorResult) -> str:
    """Whether to retrain, and why.

    >>> from plumbline.monitor.result import RetrainRecommendation
    >>> advice = RetrainRecommendation(now=False, why="nothing has moved")
    >>> retrain(MonitorResult(level="ok", findings=(), retrain=advice))
    'Retrain: no: nothing has moved.'
    """
    advice = result.retrain
    if advice is None:
        return "This verdict gives no advice on retraining."
    why = one_line(advice.why or "no reason given").rstrip(".")
    return f"Retrain: {'yes' if advice.now else 'no'}: {why}."


def blind(result: MonitorResult) -> str:
    """Until when concept drift cannot be seen; empty where it can.

    >>> from plumbline.monitor.result import BlindDays
    >>> days = BlindDays(first="2025-06-24", last="2025-06-30", until="2025-07-08", rows=7)
    >>> blind(MonitorResult(level="ok", findings=(), blind=days))
    'Concept drift cannot be seen until 2025-07-08: the labels of the last days are not known yet.'
    """
    if result.blind is None:
        return ""
    return (
        f"Concept drift cannot be seen until {one_line(result.blind.until)}: the labels of the last "
        "days are not known yet."
    )


def current_window(result: MonitorResult) -> str:
    """The days and rows of the window judged; empty where they are not given."""
    return window(result.windows.current) if result.windows else ""


def reference_window(result: MonitorResult) -> str:
    """The same of the window that it is compared with."""
    reference = result.windows.reference if result.windows else None
    return window(reference) if reference else ""


def window(facts: WindowFacts) -> str:
    """A window's days and rows.

    >>> window(WindowFacts(rows=31123, first="2025-06-17", last="2025-06-30"))
    '2025-06-17 to 2025-06-30, 31,123 rows'
    """
    days = one_line(f"{facts.first} to {facts.last}") if facts.first and facts.last else ""
    return ", ".join(part for part in (days, f"{figure(facts.rows)} rows") if part)


def period(days: int) -> str:
    """One of the verdict's periods.

    >>> period(1), period(7), period(14)
    ('day', 'week', 'period of 14 days')
    """
    return {1: "day", 7: "week"}.get(days, f"period of {days} days")


def periods(days: int) -> str:
    """Several of them.

    >>> periods(1), periods(7), periods(14)
    ('days', 'weeks', 'periods of 14 days')
    """
    return {1: "days", 7: "weeks"}.get(days, f"periods of {days} days")
