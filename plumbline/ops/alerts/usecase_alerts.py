"""One use case's verdict as an alert sees it: what to tell, what is silenced, what is new. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from plumbline.config import Alerts, Silence
from plumbline.monitor.verdict import LEVELS

Finding = Mapping[str, Any]
Told = Mapping[str, str]
"""What was told of a use case: each finding's key, and its level then."""
PARTS = ("blind", "retrain", "windows")
"""Of the monitor's JSON, what an alert quotes where it is there."""
Step = Literal["new", "more", "again", "over", ""]
"""First told; something new or graver; the same after some days; healthy again; nothing to say."""


@dataclass(frozen=True)
class Case:
    """`told`: the findings to tell. `silenced`: those that nobody is told of yet, and until when.

    `found` is the monitor's JSON; `silent`: the day before which nothing at all is said.
    """

    name: str
    found: Mapping[str, Any]
    told: tuple[Finding, ...]
    silenced: tuple[tuple[Finding, date], ...] = ()
    silent: date | None = None

    @property
    def level(self) -> str:
        """The gravest of what is to be told; ok where that is nothing."""
        return max((f["level"] for f in self.told), key=LEVELS.index, default="ok")

    @property
    def well(self) -> bool:
        """Whether there is nothing to tell, silenced or not."""
        return not self.told and not self.silenced

    @property
    def keys(self) -> dict[str, str]:
        """What `Told` remembers of it."""
        rising = sorted(self.told, key=lambda f: LEVELS.index(f["level"]))
        return {key(f): f["level"] for f in rising}


def case(name: str, found: Mapping[str, Any], alerts: Alerts, today: date) -> Case:
    """Of the monitor's JSON, checked by `problem`; findings below the section's level are left out."""
    least = LEVELS.index(alerts.level)
    grave = [f for f in found["findings"] if LEVELS.index(f["level"]) >= least]
    until = {key(f): _until(name, f, alerts.silence, today) for f in grave}
    silent = alerts.silence_until if alerts.silence_until and today < alerts.silence_until else None
    return Case(
        name=name,
        found=found,
        told=tuple(f for f in grave if until[key(f)] is None),
        silenced=tuple((f, day) for f in grave if (day := until[key(f)]) is not None),
        silent=silent,
    )


def key(finding: Finding) -> str:
    """What makes a finding the same one on another day: its check and column.

    >>> key({"check": "drift", "column": "amount", "level": "alert"})
    'drift amount'
    """
    return f"{finding['check']} {finding.get('column') or ''}".strip()


def step(one: Case, told: Told | None, day: date | None, repeat: int, today: date) -> Step:
    """What there is to say to somebody who was last told `told`, on `day` (None: nothing yet)."""
    if one.silent:
        return ""
    if not one.told:
        return "over" if told is not None and one.well else ""
    if told is None or day is None:
        return "new"
    if news(one, told):
        return "more"
    return "again" if (today - day).days >= repeat else ""


def news(one: Case, told: Told) -> tuple[Finding, ...]:
    """The findings that are new, or graver than they were told."""
    return tuple(
        f for f in one.told if LEVELS.index(f["level"]) > LEVELS.index(told.get(key(f), "ok"))
    )


def problem(found: Any) -> str:
    """What is wrong with a monitor's JSON; empty where it can be told.

    >>> problem({"level": "odd", "findings": []})
    "level is 'odd'"
    """
    if not isinstance(found, dict):
        return "not a mapping"
    if found.get("level") not in LEVELS:
        return f"level is {found.get('level')!r}"
    findings = found.get("findings")
    if not isinstance(findings, list):
        return "no list of findings"
    odd = [k for k in PARTS if not isinstance(found.get(k), dict | None)]
    if odd:
        return f"{odd[0]} is no mapping"
    if not all(
        isinstance(f, dict) and f.get("check") and f.get("level") in LEVELS for f in findings
    ):
        return "a finding without check or level"
    levels = {"ok", *(f["level"] for f in findings)}
    return "" if found["level"] in levels else f"level is {found['level']}, but no finding's is"


def broken(evidence: str, next_step: str, check: str = "monitor") -> dict[str, Any]:
    """The JSON that stands for a verdict that is not there: silence is not health."""
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
