"""The page's parts that run over the days: timeline, quality, score, history. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

from plumbline.core.safe_text import one_line
from plumbline.monitor import sentences
from plumbline.monitor.sentences import MARKS, Found
from plumbline.report import html_page, svg_charts
from plumbline.report.numbers import figure

NO_DAYS = "<p>This verdict is about one window; it holds no single days.</p>"
DAYS = 31
"""Of the history, shown unfolded at most."""
HEAD = ("day", "verdict", "rows", "score", "shift", "quality", "labels known", "findings")


def timeline(found: Found) -> str:
    """A box for each day, by month."""
    days = _days(found)
    if not days:
        return NO_DAYS
    parts = [f"<p>{' '.join(f'{m} {name}' for name, m in MARKS.items())}</p>"]
    for month, group in groupby(days, key=lambda d: str(d.get("day"))[:7]):
        boxes = "".join(map(_box, group))
        parts.append(f'<h3>{escape(month)}</h3><ol class="days">{boxes}</ol>')
    counts = {name: sum(_level(d) == name for d in days) for name in MARKS}
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    return "\n".join([*parts, f"<p>{len(days)} days: {told}.</p>"])


def quality(found: Found) -> str:
    """The quality of each day, or of each week, whose labels are known."""
    days = _days(found)
    metric = one_line((found.get("quality") or {}).get("metric") or "quality").replace("_", " ")
    told = [d.get("quality") or {} for d in days]
    if any(told):
        series = svg_charts.Series(
            *([_number(t.get(k)) for t in told] for k in ("value", "low", "high", "maturity"))
        )
        unknown = sum(not t for t in told)
        after = f"; of {unknown} days no label is known yet" if unknown else ""
        return svg_charts.line(f"{metric} by day, with its interval{after}", _names(days), series)
    weeks = found.get("weeks") or []
    values = [_number(w.get("quality")) for w in weeks]
    if not any(v is not None for v in values):
        return ""
    known = [w["labelled"] / w["rows"] if w.get("rows") else None for w in weeks]
    named = [str(w.get("first")) for w in weeks]
    title = f"{metric} by week, reference and current window"
    return svg_charts.line(title, named, svg_charts.Series(values, weight=known))


def score(found: Found) -> str:
    """How far the model's answers have moved, day by day."""
    days = _days(found)
    told = [d.get("score") or {} for d in days]
    drawn = [
        svg_charts.line(title, _names(days), svg_charts.Series([_number(t.get(key)) for t in told]))
        for key, title in (
            ("shift", "Shift of the score by day, in standard deviations of its rank"),
            ("mean", "Mean score by day"),
        )
    ]
    whole = found.get("prediction") or {}
    text = "<p>Nothing is said about the score as a whole.</p>"
    if whole.get("psi") is not None:
        shift = f", shift {figure(whole['shift'])}" if whole.get("shift") is not None else ""
        text = f"<p>The whole window against the reference: PSI {figure(whole['psi'])}{shift}.</p>"
    return "\n".join([text, *filter(None, drawn)])


def history(found: Found) -> str:
    """All days with their figures, the newest first."""
    days = _days(found)
    if not days:
        return NO_DAYS
    rows = [_row(d) for d in reversed(days)]
    table = html_page.table(
        "Verdicts and figures, newest first", HEAD, rows, frozenset(range(2, 7))
    )
    return f"<details><summary>{len(days)} days</summary>\n{table}\n</details>"


def _row(day: Found) -> tuple[str, ...]:
    told, scored = day.get("quality") or {}, day.get("score") or {}
    known = told.get("maturity")
    return (
        str(day.get("day")),
        f"{MARKS[_level(day)]} {_level(day)}",
        figure(day.get("rows")),
        figure(scored.get("mean")),
        figure(scored.get("shift")),
        figure(told.get("value")),
        f"{known:.0%}" if isinstance(known, (int, float)) else "–",
        "; ".join(sentences.where(f) for f in day.get("findings") or []) or "–",
    )


def _box(day: Found) -> str:
    level = _level(day)
    found = "; ".join(sentences.where(f) for f in day.get("findings") or [])
    told = escape(f"{day.get('day')}: {level}" + (f": {found}" if found else ""))
    number = escape(str(day.get("day"))[8:] or "–")
    return (
        f'<li class="{level}" title="{told}"><span aria-hidden="true">{number}</span>'
        f'<span aria-hidden="true">{MARKS[level]}</span><span class="hide">{told}</span></li>'
    )


def earlier(row: Mapping[str, str]) -> dict[str, Any]:
    """A row of the history's table as a day of the JSON; its findings in one text."""
    known = {name: _read(row.get(f"quality_{name}")) for name in ("low", "high")}
    known |= {"value": _read(row.get("quality")), "maturity": _read(row.get("maturity"))}
    told = row.get("findings")
    return {
        "day": row.get("day"),
        "level": row.get("level"),
        "rows": _read(row.get("rows")),
        "findings": [{"check": told}] if told else [],
        "score": {name: _read(row.get(f"score_{name}")) for name in ("mean", "shift")},
        "quality": known if known["value"] is not None else None,
    }


def _read(text: str | None) -> float | None:
    return float(text) if text else None


def _days(found: Found) -> Sequence[Mapping[str, Any]]:
    return [d for d in found.get("days") or () if d.get("day")]


def _names(days: Sequence[Found]) -> list[str]:
    return [str(d.get("day")) for d in days]


def _level(day: Found) -> str:
    return str(day["level"]) if day.get("level") in MARKS else "alert"


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None
