"""Each day's verdict and figures as a small table, over all runs of a stream."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from plumbline.core.errors import PlumblineError
from plumbline.monitor.result import DayVerdict, MonitorResult

HEAD = (
    "day",
    "level",
    "rows",
    "alerts",
    "warnings",
    "findings",
    "score_mean",
    "score_shift",
    "quality",
    "quality_low",
    "quality_high",
    "maturity",
    "model",
)
"""The table's columns: a period's first day, its verdict, its findings, its figures, the model's md5."""

QUALITY = {
    "value": "quality",
    "low": "quality_low",
    "high": "quality_high",
    "maturity": "maturity",
}
"""The column of each figure of a day's quality."""
FIGURES = ("score_mean", "score_shift", *QUALITY.values())
HistoryRow = dict[str, str]


def rows(result: MonitorResult, model: str) -> list[HistoryRow]:
    """A row per judged day of a verdict; none for a table without time."""
    return [_row(day, model) for day in result.days if day.day is not None]


def merge(before: Iterable[HistoryRow], now: Iterable[HistoryRow]) -> list[HistoryRow]:
    """Both tables' days in order; where both have a day, what was judged last."""
    kept = {row["day"]: row for row in before} | {row["day"]: row for row in now}
    return [kept[day] for day in sorted(kept)]


def dumps(table: Iterable[HistoryRow]) -> str:
    """The table as CSV with a head."""
    out = io.StringIO()
    writer = csv.DictWriter(out, HEAD, lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return out.getvalue()


def loads(text: str, name: str) -> list[HistoryRow]:
    """The rows of a CSV as `dumps` wrote it; an empty text has none.

    PlumblineError names the file `name` where it is something else.
    """
    reader = csv.DictReader(io.StringIO(text))
    head = tuple(reader.fieldnames or ())
    if head and head != HEAD:
        raise PlumblineError(
            f"{name}: expected the columns {', '.join(HEAD)}, found {', '.join(head)}; "
            "put it back with `git checkout`, or start anew with an empty file"
        )
    return list(reader)


def _row(day: DayVerdict, model: str) -> HistoryRow:
    names = [f"{f.check} {f.column}" if f.column else f.check for f in day.findings]
    figures = {f"score_{name}": value for name, value in day.score or ()}
    figures |= {QUALITY[name]: value for name, value in day.quality or ()}
    return {
        "day": str(day.day),
        "level": day.level,
        "rows": str(day.rows),
        "alerts": str(sum(f.level == "alert" for f in day.findings)),
        "warnings": str(sum(f.level == "warning" for f in day.findings)),
        "findings": "; ".join(names),
        **{name: _text(figures.get(name)) for name in FIGURES},
        "model": model[:8],
    }


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
