"""The monitor's JSON in sentences, for its page and for alerts. Pure.

What is missing is left out: an older verdict, or a table without time, has fewer keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plumbline.core.safe_text import one_line

MARKS = {"ok": "✓", "warning": "▲", "alert": "■"}
"""A level's shape: it is not told by colour alone."""
Found = Mapping[str, Any]


def where(finding: Found) -> str:
    """What a finding is about.

    >>> where({"check": "null_share", "column": "amount"}), where({"check": "rows", "column": None})
    ('amount: null share', 'rows')
    """
    check = one_line(finding.get("check") or "something").replace("_", " ")
    column = finding.get("column")
    return f"{one_line(column, 80)}: {check}" if column else check


def sentence(finding: Found, most: int = 400) -> str:
    """A finding with its evidence, since when, its likely cause and the next step."""
    since = finding.get("since")
    start = f"{where(finding)}, since {one_line(since)}" if since else where(finding)
    parts = [f"{start}: {one_line(finding.get('evidence') or 'no evidence given', most)}"]
    for key, word in (("cause", "Likely cause"), ("next", "Next")):
        if finding.get(key):
            parts.append(f"{word}: {one_line(finding[key], most)}")
    return ". ".join(part.rstrip(".") for part in parts) + "."


def retrain(found: Found) -> str:
    """Whether to retrain, and why.

    >>> retrain({"retrain": {"now": False, "why": "nothing has moved"}})
    'Retrain: no: nothing has moved.'
    """
    told = found.get("retrain") or {}
    if not told:
        return "Nothing is said about retraining."
    why = one_line(told.get("why") or "no reason given").rstrip(".")
    return f"Retrain: {'yes' if told.get('now') else 'no'}: {why}."


def blind(found: Found) -> str:
    """Until when concept drift cannot be seen; empty where it can.

    >>> blind({"blind": {"until": "2025-07-08"}})
    'Blind until 2025-07-08: the labels of the last days are not known yet, so a change in what they mean cannot be seen.'
    """
    until = (found.get("blind") or {}).get("until")
    if not until:
        return ""
    return (
        f"Blind until {one_line(until)}: the labels of the last days are not known yet, so a change "
        "in what they mean cannot be seen."
    )


def window(found: Found, name: str = "current") -> str:
    """A window's days and rows.

    >>> window({"windows": {"current": {"first": "2025-06-17", "last": "2025-06-30", "rows": 31123}}})
    '2025-06-17 to 2025-06-30, 31,123 rows'
    """
    told = (found.get("windows") or {}).get(name) or {}
    days = f"{told['first']} to {told['last']}" if told.get("first") and told.get("last") else ""
    rows = f"{told['rows']:,} rows" if isinstance(told.get("rows"), int) else ""
    return ", ".join(part for part in (one_line(days), rows) if part)
