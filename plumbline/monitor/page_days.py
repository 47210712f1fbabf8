"""The page's sections that run over the days, or longer periods: timeline, quality, score, history. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from plumbline.core.safe_text import one_line
from plumbline.monitor import sentences
from plumbline.monitor.result import DayVerdict, MonitorResult, WeekReport
from plumbline.monitor.sentences import SHAPES, TONES
from plumbline.monitor.verdict import LEVELS
from plumbline.report import blocks, columns
from plumbline.report.blocks import Block, Calendar, Fold, LineChart, Table, Text
from plumbline.report.metric_titles import metric_title
from plumbline.report.numbers import NONE, figure, fixed

NO_DAYS = Text("This verdict is about one window; it holds no single days.")
HEAD = (
    "level",
    "rows",
    "outlier predictions",
    "extreme inputs",
    "mean score",
    "shift",
    "quality",
    "labels known",
    "findings",
)


def timeline(result: MonitorResult) -> Iterator[Block]:
    """A box for each day, or longer period, by month."""
    days = _days(result)
    if not days:
        yield NO_DAYS
        return
    counts = {level: sum(d.level == level for d in days) for level in LEVELS}
    text = ", ".join(f"{count} {SHAPES[level]} {level}" for level, count in counts.items())
    yield Text(f"{len(days)} {sentences.periods(result.period_days)}: {text}.")
    for month, group in groupby(days, key=lambda d: str(d.day)[:7]):
        yield Calendar(month, list(map(_box, group)))


def quality(result: MonitorResult) -> Iterator[Block]:
    """The quality of each day, or of each week, whose labels are known."""
    days, period = _days(result), sentences.period(result.period_days)
    metric = metric_title(one_line(result.quality.metric if result.quality else "quality"))
    known = [d.quality for d in days]
    if not any(known):
        yield _weeks(metric, result.weeks)
        return
    unknown = sum(one is None for one in known)
    periods = sentences.periods(result.period_days)
    note = f"; {unknown} {periods} have no known labels yet" if unknown else ""
    yield LineChart(
        f"{metric} by {period}, with its interval{note}",
        _names(days),
        [one.value if one else None for one in known],
        [one.low if one else None for one in known],
        [one.high if one else None for one in known],
        [one.maturity if one else None for one in known],
        "labels known",
    )


def _weeks(metric: str, weeks: Sequence[WeekReport]) -> LineChart:
    return LineChart(
        f"{metric} by week, reference and current window",
        [w.first for w in weeks],
        [w.quality for w in weeks],
        weight=[w.labelled / w.rows if w.rows else None for w in weeks],
        weight_title="labels known",
    )


def score(result: MonitorResult) -> Iterator[Block]:
    """How far the model's scores have moved, in the whole window and by period."""
    moved = result.prediction
    if moved is None:
        yield Text("This verdict does not compare the scores of the whole window.")
    else:
        text = f"PSI {fixed(moved.psi, 3)}, shift {fixed(moved.shift, 3, sign=True)}"
        yield Text(
            f"The whole window against the reference: {text} standard deviations of its rank."
        )
    days = _days(result)
    shifts = [d.score.shift if d.score else None for d in days]
    means = [d.score.mean if d.score else None for d in days]
    period = sentences.period(result.period_days)
    title = f"Shift of the score by {period}, in standard deviations of its rank"
    yield LineChart(title, _names(days), shifts)
    yield LineChart(f"Mean score by {period}", _names(days), means)


def history(result: MonitorResult) -> Iterator[Block]:
    """All days with their figures, the newest first."""
    days = _days(result)
    if not days:
        yield NO_DAYS
        return
    rows = _rows(list(reversed(days)))
    period, periods = (f(result.period_days) for f in (sentences.period, sentences.periods))
    title = f"Levels and figures by {period}, newest first"
    table = Table(title, (_first(result), *HEAD), rows, frozenset(range(2, 9)))
    yield Fold(f"{len(days)} {periods}", [table])


def _first(result: MonitorResult) -> str:
    return "day" if result.period_days == 1 else "first day"


def earlier(row: Mapping[str, str]) -> DayVerdict:
    """A row of the history's table as a day of the verdict; its findings in one text."""
    known = {name: row.get(f"quality_{name}") or None for name in ("low", "high")}
    known |= {"value": row.get("quality") or None, "maturity": row.get("maturity") or None}
    text, level = row.get("findings"), row.get("level")
    return DayVerdict.model_validate(
        {
            "day": row.get("day"),
            "level": level,
            "rows": row.get("rows") or None,
            "findings": [{"check": text, "level": level}] if text else [],
            "score": {name: row.get(f"score_{name}") or None for name in ("mean", "shift")},
            "quality": known if known["value"] is not None else None,
        }
    )


def _rows(days: Sequence[DayVerdict]) -> list[tuple[str, ...]]:
    cells = [
        columns.figures([d.score and d.score.mean for d in days]),
        columns.figures([d.score and d.score.shift for d in days]),
        columns.figures([d.quality and d.quality.value for d in days]),
        columns.figures([d.quality and d.quality.maturity for d in days], percent=True),
    ]
    return [
        (*_row(d), *texts, _findings(d) or NONE) for d, *texts in zip(days, *cells, strict=True)
    ]


def _row(day: DayVerdict) -> tuple[str, ...]:
    level = f"{SHAPES[day.level]} {day.level}"
    seen = day.outliers
    outliers = (figure(seen.predictions), figure(seen.rows)) if seen else (NONE, NONE)
    return str(day.day), level, figure(day.rows), *outliers


def _box(day: DayVerdict) -> blocks.Day:
    findings = _findings(day)
    text = f"{day.day}: {day.level}" + (f": {findings}" if findings else "")
    return blocks.Day(str(day.day)[8:] or NONE, TONES[day.level], SHAPES[day.level], text)


def _findings(day: DayVerdict) -> str:
    return "; ".join(map(sentences.where, day.findings))


def _days(result: MonitorResult) -> Sequence[DayVerdict]:
    return [d for d in result.days if d.day]


def _names(days: Sequence[DayVerdict]) -> list[str]:
    return [str(d.day) for d in days]
