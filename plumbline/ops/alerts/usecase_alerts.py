"""One use case's verdict as an alert sees it: what to report, what is silenced, what is new. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from plumbline.config import Alerts, Silence
from plumbline.monitor.result import MonitorResult, ReportedFinding
from plumbline.monitor.verdict import LEVELS, Level

Reported = Mapping[str, str]
"""What was reported of a use case: each finding's key, and its level then."""
Step = Literal["new", "more", "again", "resolved", ""]
"""First report; something new or graver; a reminder after some days; healthy again; nothing to send."""


@dataclass(frozen=True)
class UseCaseAlert:
    """`findings`: those to report. `silenced`: those that are not reported yet, and until when.

    `verdict` is the monitor's; `silent`: the day before which nothing at all is sent.
    """

    name: str
    verdict: MonitorResult
    findings: tuple[ReportedFinding, ...]
    silenced: tuple[tuple[ReportedFinding, date], ...] = ()
    silent: date | None = None

    @property
    def level(self) -> Level:
        """The gravest level of what is to be reported; ok where there is nothing."""
        return max((f.level for f in self.findings), key=LEVELS.index, default="ok")

    @property
    def healthy(self) -> bool:
        """Whether there is nothing to report, silenced or not."""
        return not self.findings and not self.silenced

    @property
    def keys(self) -> dict[str, Level]:
        """What `Reported` remembers of it."""
        rising = sorted(self.findings, key=lambda f: LEVELS.index(f.level))
        return {key(f): f.level for f in rising}


def case(name: str, verdict: MonitorResult, alerts: Alerts, today: date) -> UseCaseAlert:
    """From the monitor's verdict; findings below the section's level are left out."""
    least = LEVELS.index(alerts.level)
    grave = [f for f in verdict.findings if LEVELS.index(f.level) >= least]
    until = {key(f): _until(name, f, alerts.silence, today) for f in grave}
    silent = alerts.silence_until if alerts.silence_until and today < alerts.silence_until else None
    return UseCaseAlert(
        name=name,
        verdict=verdict,
        findings=tuple(f for f in grave if until[key(f)] is None),
        silenced=tuple((f, day) for f in grave if (day := until[key(f)]) is not None),
        silent=silent,
    )


def key(finding: ReportedFinding) -> str:
    """What makes a finding the same one on another day: its check and column.

    >>> key(ReportedFinding(check="drift", column="amount", level="alert"))
    'drift amount'
    """
    return f"{finding.check} {finding.column or ''}".strip()


def step(
    alert: UseCaseAlert, reported: Reported | None, day: date | None, repeat: int, today: date
) -> Step:
    """What there is to send to a channel that got `reported` on `day` (None: nothing yet)."""
    if alert.silent:
        return ""
    if not alert.findings:
        return "resolved" if reported is not None and alert.healthy else ""
    if reported is None or day is None:
        return "new"
    if news(alert, reported):
        return "more"
    return "again" if (today - day).days >= repeat else ""


def news(alert: UseCaseAlert, reported: Reported) -> tuple[ReportedFinding, ...]:
    """The findings that are new, or graver than they were when reported."""

    def before(finding: ReportedFinding) -> int:
        return LEVELS.index(reported.get(key(finding), "ok"))

    return tuple(f for f in alert.findings if LEVELS.index(f.level) > before(f))


def _until(
    name: str, finding: ReportedFinding, silences: Sequence[Silence], today: date
) -> date | None:
    """The last of the days until which a finding is silenced."""
    days = [
        s.until
        for s in silences
        if today < s.until
        and s.usecase in (None, name)
        and s.column in (None, finding.column)
        and s.check in (None, finding.check)
    ]
    return max(days, default=None)
