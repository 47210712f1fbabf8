"""One use case's verdict as an alert sees it: what to report, what is silenced, what is new. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from plumbline.config import Alerts, Silence
from plumbline.monitor.verdict import LEVELS

Finding = Mapping[str, Any]
Reported = Mapping[str, str]
"""What was reported of a use case: each finding's key, and its level then."""
PARTS = ("blind", "retrain", "windows")
"""Sections of the monitor's JSON that an alert quotes."""
Step = Literal["new", "more", "again", "resolved", ""]
"""First report; something new or graver; a reminder after some days; healthy again; nothing to send."""


@dataclass(frozen=True)
class UseCaseAlert:
    """`findings`: those to report. `silenced`: those that are not reported yet, and until when.

    `verdict` is the monitor's JSON; `silent`: the day before which nothing at all is sent.
    """

    name: str
    verdict: Mapping[str, Any]
    findings: tuple[Finding, ...]
    silenced: tuple[tuple[Finding, date], ...] = ()
    silent: date | None = None

    @property
    def level(self) -> str:
        """The gravest level of what is to be reported; ok where there is nothing."""
        return max((f["level"] for f in self.findings), key=LEVELS.index, default="ok")

    @property
    def healthy(self) -> bool:
        """Whether there is nothing to report, silenced or not."""
        return not self.findings and not self.silenced

    @property
    def keys(self) -> dict[str, str]:
        """What `Reported` remembers of it."""
        rising = sorted(self.findings, key=lambda f: LEVELS.index(f["level"]))
        return {key(f): f["level"] for f in rising}


def case(name: str, verdict: Mapping[str, Any], alerts: Alerts, today: date) -> UseCaseAlert:
    """From the monitor's JSON, checked by `problem`; findings below the section's level are left out."""
    least = LEVELS.index(alerts.level)
    grave = [f for f in verdict["findings"] if LEVELS.index(f["level"]) >= least]
    until = {key(f): _until(name, f, alerts.silence, today) for f in grave}
    silent = alerts.silence_until if alerts.silence_until and today < alerts.silence_until else None
    return UseCaseAlert(
        name=name,
        verdict=verdict,
        findings=tuple(f for f in grave if until[key(f)] is None),
        silenced=tuple((f, day) for f in grave if (day := until[key(f)]) is not None),
        silent=silent,
    )


def key(finding: Finding) -> str:
    """What makes a finding the same one on another day: its check and column.

    >>> key({"check": "drift", "column": "amount", "level": "alert"})
    'drift amount'
    """
    return f"{finding['check']} {finding.get('column') or ''}".strip()


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


def news(alert: UseCaseAlert, reported: Reported) -> tuple[Finding, ...]:
    """The findings that are new, or graver than they were when reported."""

    def before(finding: Finding) -> int:
        return LEVELS.index(reported.get(key(finding), "ok"))

    return tuple(f for f in alert.findings if LEVELS.index(f["level"]) > before(f))


def problem(verdict: Any) -> str:
    """What is wrong with a monitor's JSON; empty where it can be reported.

    >>> problem({"level": "odd", "findings": []})
    "level is 'odd'"
    """
    if not isinstance(verdict, dict):
        return "not a mapping"
    if verdict.get("level") not in LEVELS:
        return f"level is {verdict.get('level')!r}"
    findings = verdict.get("findings")
    if not isinstance(findings, list):
        return "no list of findings"
    wrong = [part for part in PARTS if not isinstance(verdict.get(part), dict | None)]
    if wrong:
        return f"{wrong[0]} is no mapping"
    if not all(
        isinstance(f, dict) and f.get("check") and f.get("level") in LEVELS for f in findings
    ):
        return "a finding without check or level"
    levels = {"ok", *(f["level"] for f in findings)}
    return "" if verdict["level"] in levels else f"level is {verdict['level']}, but no finding's is"


def broken(evidence: str, next_step: str, check: str = "monitor") -> dict[str, Any]:
    """The JSON that replaces a missing verdict: a missing verdict is not a healthy one."""
    finding = {"check": check, "column": None, "level": "alert", "evidence": evidence}
    return {"level": "alert", "findings": [{**finding, "next": next_step}]}


def _until(name: str, finding: Finding, silences: Sequence[Silence], today: date) -> date | None:
    """The last of the days until which a finding is silenced."""
    days = [
        s.until
        for s in silences
        if today < s.until
        and s.usecase in (None, name)
        and s.column in (None, finding.get("column"))
        and s.check in (None, finding["check"])
    ]
    return max(days, default=None)
