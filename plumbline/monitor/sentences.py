"""The monitor's JSON in sentences, for its page and for alerts. Pure.

What is missing is left out: an older verdict, or a table without time, has fewer keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plumbline.core.safe_text import one_line
from plumbline.monitor.verdict import LEVELS
from plumbline.report.blocks import Tone
from plumbline.report.numbers import figure

TITLES = {
    "ok": "OK: no findings beyond noise",
    "warning": "Warning: no action needed now",
    "alert": "Alert: investigate now",
}
TONES: Mapping[str, Tone] = {"ok": "good", "warning": "plain", "alert": "bad"}
MARKS = {"ok": "✓", "warning": "▲", "alert": "■"}
Document = Mapping[str, Any]
"""The monitor's JSON, or a part of it."""


def level(part: Document, default: str = "alert") -> str:
    """The level of a verdict, a finding, a column or a day; `default` where it has none that is known."""
    return str(part["level"]) if part.get("level") in LEVELS else default


def mark(level: str) -> str:
    """A level's shape: it does not show by colour alone."""
    return MARKS[level]


def where(finding: Document) -> str:
    """What a finding is about.

    >>> where({"check": "null_share", "column": "amount"}), where({"check": "rows", "column": None})
    ('amount: null share', 'rows')
    """
    check = one_line(finding.get("check") or "something").replace("_", " ")
    column = finding.get("column")
    return f"{one_line(column, 80)}: {check}" if column else check


def sentence(finding: Document, most: int = 400) -> str:
    """A finding with its evidence, since when, its likely cause and the next step."""
    since = finding.get("since")
    start = f"{where(finding)}, since {one_line(since)}" if since else where(finding)
    parts = [f"{start}: {one_line(finding.get('evidence') or 'no evidence given', most)}"]
    for key, word in (("cause", "Likely cause"), ("next", "Next")):
        if finding.get(key):
            parts.append(f"{word}: {one_line(finding[key], most)}")
    return ". ".join(part.rstrip(".") for part in parts) + "."


def retrain(document: Document) -> str:
    """Whether to retrain, and why.

    >>> retrain({"retrain": {"now": False, "why": "nothing has moved"}})
    'Retrain: no: nothing has moved.'
    """
    advice = document.get("retrain") or {}
    if not advice:
        return "This verdict gives no advice on retraining."
    why = one_line(advice.get("why") or "no reason given").rstrip(".")
    return f"Retrain: {'yes' if advice.get('now') else 'no'}: {why}."


def blind(document: Document) -> str:
    """Until when concept drift cannot be seen; empty where it can.

    >>> blind({"blind": {"until": "2025-07-08"}})
    'Concept drift cannot be seen until 2025-07-08: the labels of the last days are not known yet.'
    """
    until = (document.get("blind") or {}).get("until")
    if not until:
        return ""
    return (
        f"Concept drift cannot be seen until {one_line(until)}: the labels of the last days are not "
        "known yet."
    )


def window(document: Document, name: str = "current") -> str:
    """A window's days and rows.

    >>> window({"windows": {"current": {"first": "2025-06-17", "last": "2025-06-30", "rows": 31123}}})
    '2025-06-17 to 2025-06-30, 31,123 rows'
    """
    section = (document.get("windows") or {}).get(name) or {}
    first, last, count = (section.get(key) for key in ("first", "last", "rows"))
    days = f"{first} to {last}" if first and last else ""
    rows = f"{figure(count)} rows" if isinstance(count, int) else ""
    return ", ".join(part for part in (one_line(days), rows) if part)
