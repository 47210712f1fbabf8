"""The log's files: one per received UTC day, and per writer where several processes serve. An edge: lists a folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

SUFFIX = ".sqlite"
NAME = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.([\w-]+))?\.sqlite")
WRITER = re.compile(r"[\w-]*")
DAY = 86_400_000_000
"""Microseconds."""
TURN_BACK = 3_600_000_000
"""Microseconds: a clock set back by less, over midnight, opens no file of the day before again."""
EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, order=True)
class DayFile:
    """A file of the log. `day`: UTC day of receipt, since 1970; `writer`: empty where one process serves."""

    day: int
    writer: str
    path: Path

    @property
    def date(self) -> date:
        """The UTC day."""
        return to_date(self.day)


def to_date(day: int) -> date:
    """The date of a day since 1970."""
    return date.fromordinal(EPOCH + day)


def day_of(micros: int) -> int:
    """The UTC day, since 1970, of a time in microseconds since 1970."""
    return micros // DAY


def turned(received: int, current: int | None) -> int:
    """The day in whose file a row goes: that of its receipt, or the one being written if it is just over."""
    if current is not None and 0 < current * DAY - received < TURN_BACK:
        return current
    return day_of(received)


def of_day(folder: Path, day: int, writer: str = "") -> DayFile:
    """The file of a day, which need not exist."""
    name = f"{to_date(day)}.{writer}" if writer else f"{to_date(day)}"
    return DayFile(day, writer, folder / f"{name}{SUFFIX}")


def listed(folder: Path) -> list[DayFile]:
    """The files of a log by day, then writer; [] where there is no folder. Other files are not the log's."""
    if not folder.is_dir():
        return []
    matches = ((NAME.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted(
        DayFile(date.fromisoformat(m[1]).toordinal() - EPOCH, m[2] or "", path)
        for m, path in matches
        if m
    )
