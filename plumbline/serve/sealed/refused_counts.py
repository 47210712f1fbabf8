"""Events that a service refused on a day: counted by hour, column and problem, because no row of the log has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from plumbline.serve.log import day_files, files_read

EPOCH = datetime(1970, 1, 1)


def of_day(log: Path, day: date) -> Sequence[Mapping[str, Any]]:
    """The counts of a UTC day, sorted."""
    return [
        {
            "hour": EPOCH + timedelta(microseconds=one.hour),
            "column": one.column,
            "problem": one.problem,
            "count": count,
        }
        for one, count in files_read.refusals(log, day)
    ]


def last_day(log: Path, after: date) -> date:
    """The last day on which events were refused; `after` where there is none after it."""
    days = sorted({one.date for one in day_files.listed(log) if one.date > after}, reverse=True)
    return next((day for day in days if files_read.refusals(log, day)), after)
