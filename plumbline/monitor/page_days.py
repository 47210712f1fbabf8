"""The page's sections that run over the days: timeline, quality, score, history. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from plumbline.core.safe_text import one_line
from plumbline.monitor import sentences
from plumbline.monitor.sentences import TONES, Document, mark
from plumbline.monitor.verdict import LEVELS
from plumbline.report import blocks
from plumbline.report.blocks import Block, Calendar, Fold, LineChart, Table, Text
from plumbline.report.metric_titles import metric_title
from plumbline.report.numbers import NONE, figure, share

NO_DAYS = Text("This verdict is about one window; it holds no single days.")
HEAD = ("day", "level", "rows", "mean score", "shift", "quality", "labels known", "findings")
SCORES = (
    ("shift", "Shift of the score by day, in standard deviations of its rank"),
    ("mean", "Mean score by day"),
)


def timeline(document: Document) -> Iterator[Block]:
    """A box for each day, by month."""
    days = _days(document)
    if not days:
        yield NO_DAYS
        return
    counts = {name: sum(_level(d) == name for d in days) for name in LEVELS}
    text = ", ".join(f"{count} {mark(name)} {name}" for name, count in counts.items())
    yield Text(f"{len(days)} days: {text}.")
    for month, group in groupby(days, key=lambda d: str(d.get("day"))[:7]):
        yield Calendar(month, list(map(_box, group)))


def quality(document: Document) -> Iterator[Block]:
    """The quality of each day, or of each week, whose labels are known."""
    days = _days(document)
    metric = metric_title(one_line((document.get("quality") or {}).get("metric") or "quality"))
    known = [d.get("quality") or {} for d in days]
    if any(known):
        unknown = sum(not k for k in known)
        note = f"; {unknown} days have no known labels yet" if unknown else ""
        title = f"{metric} by day, with its interval{note}"
        keys = ("value", "low", "high", "maturity")
        value, low, high, maturity = ([_number(k.get(key)) for k in known] for key in keys)
        yield LineChart(title, _names(days), value, low, high, maturity, "labels known")
        return
    weeks = document.get("weeks") or []
    values = [_number(w.get("quality")) for w in weeks]
    labelled = [w["labelled"] / w["rows"] if w.get("rows") else None for w in weeks]
    yield LineChart(
        f"{metric} by week, reference and current window",
        [str(w.get("first")) for w in weeks],
        values,
        weight=labelled,
        weight_title="labels known",
    )


def score(document: Document) -> Iterator[Block]:
    """How far the model's scores have moved, in the whole window and day by day."""
    window = document.get("prediction") or {}
    if window.get("psi") is None:
        yield Text("This verdict does not compare the scores of the whole window.")
    else:
        shift = f", shift {figure(window['shift'])}" if window.get("shift") is not None else ""
        yield Text(f"The whole window against the reference: PSI {figure(window['psi'])}{shift}.")
    days = _days(document)
    scores = [d.get("score") or {} for d in days]
    for key, title in SCORES:
        yield LineChart(title, _names(days), [_number(s.get(key)) for s in scores])


def history(document: Document) -> Iterator[Block]:
    """All days with their figures, the newest first."""
    days = _days(document)
    if not days:
        yield NO_DAYS
        return
    rows = [_row(d) for d in reversed(days)]
    table = Table("Levels and figures by day, newest first", HEAD, rows, frozenset(range(2, 7)))
    yield Fold(f"{len(days)} days", [table])


def earlier(row: Mapping[str, str]) -> dict[str, Any]:
    """A row of the history's table as a day of the JSON; its findings in one text."""
    known = {name: _read(row.get(f"quality_{name}")) for name in ("low", "high")}
    known |= {"value": _read(row.get("quality")), "maturity": _read(row.get("maturity"))}
    text = row.get("findings")
    return {
        "day": row.get("day"),
        "level": row.get("level"),
        "rows": _read(row.get("rows")),
        "findings": [{"check": text}] if text else [],
        "score": {name: _read(row.get(f"score_{name}")) for name in ("mean", "shift")},
        "quality": known if known["value"] is not None else None,
    }


def _row(day: Document) -> tuple[str, ...]:
    known, scored = day.get("quality") or {}, day.get("score") or {}
    return (
        str(day.get("day")),
        f"{mark(_level(day))} {_level(day)}",
        figure(day.get("rows")),
        figure(scored.get("mean")),
        figure(scored.get("shift")),
        figure(known.get("value")),
        share(known.get("maturity")),
        _findings(day) or NONE,
    )


def _box(day: Document) -> blocks.Day:
    level, findings = _level(day), _findings(day)
    text = f"{day.get('day')}: {level}" + (f": {findings}" if findings else "")
    return blocks.Day(str(day.get("day"))[8:] or NONE, TONES[level], mark(level), text)


def _findings(day: Document) -> str:
    return "; ".join(sentences.where(f) for f in day.get("findings") or [])


def _read(text: str | None) -> float | None:
    return float(text) if text else None


def _days(document: Document) -> Sequence[Mapping[str, Any]]:
    return [d for d in document.get("days") or () if d.get("day")]


def _names(days: Sequence[Document]) -> list[str]:
    return [str(d.get("day")) for d in days]


def _level(day: Document) -> str:
    return sentences.level(day)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None
