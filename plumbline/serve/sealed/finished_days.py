"""Which rows of a log make a day, and whether that day is finished. Pure.

A row's day is the UTC day of its receipt, or that of a row before it in the sequence if that is later, and always after
the last sealed day. So days are ranges of the sequence: whatever a clock does, a row that is written after a day was
sealed cannot belong to it. What the log's files are called, and how many processes wrote them, does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from plumbline.serve.log import day_files
from plumbline.serve.protocols import LogError

MOST_LOST = 1000
"""Rows of a day, at most, that are taken as lost without a word of the user: those of killed processes."""
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class DayRange:
    """A day's rows: from the first to the last sequence; of a day without rows the last is the one before the first.

    `lost`: sequences between them that no row has.
    """

    day: date
    first: int
    last: int
    lost: tuple[tuple[int, int], ...] = ()


def ranges(
    receipts: Iterable[tuple[int, int]], after: date | None, sequence: int
) -> Iterator[DayRange]:
    """The days after a sealed day (None: nothing is sealed), without a gap; the last one may not be finished.

    `receipts`: sequence and time of receipt of each row after `sequence`, in order. LogError for one that is there twice.
    """
    current: date | None = None
    earliest = after + ONE_DAY if after else date.min
    first, last = sequence + 1, sequence
    lost: list[tuple[int, int]] = []
    for number, received in receipts:
        day = max(earliest, day_files.to_date(day_files.day_of(received)))
        if number <= last:
            raise LogError(
                f"row {number} of the log is there twice: a file of it is a copy under another name; move the copy elsewhere"
            )
        if current is not None and day > current:
            yield DayRange(current, first, last, tuple(lost))
        if current is None or day > current:
            yield from _empty(current or after, day, last)
            current, first, lost = day, last + 1, []
        if number > last + 1:
            lost.append((last + 1, number - 1))
        earliest, last = day, number
    if current is not None:
        yield DayRange(current, first, last, tuple(lost))


def refuse_missing(days: Sequence[DayRange], last_of: Callable[[date], Mapping[str, int]]) -> None:
    """LogError where rows of the first of these days may be somewhere, or may still come.

    So are rows that are missing before the next row that is there: no one knows of which day they are. `last_of`: from
    a day on, by writer, its last row in the log.
    """
    for one in days:
        if one is days[0] or (one.lost and one.lost[0][0] == one.first):
            _refuse(one, last_of(days[0].day))
        if one is not days[0] and one.last >= one.first:
            return


def _refuse(one: DayRange, last_of: Mapping[str, int]) -> None:
    """One that wrote a later row writes no earlier one: what is missing then was lost when a process was killed."""
    if not one.lost:
        return
    begin, end = one.lost[0][0], one.lost[-1][1]
    missing = f"{one.day}: rows {begin} to {end} of the log are missing"
    count = sum(last - first + 1 for first, last in one.lost)
    if "" in last_of or count > MOST_LOST:
        raise LogError(
            f"{missing} ({count:,} in all): a file of the log is not in its folder. Put it back; `--accept-lost` if they are "
            "lost for good"
        )
    behind = sorted(name for name, last in last_of.items() if last < end)
    if behind:
        raise LogError(
            f"{missing} ({count:,} in all), and the process {', '.join(behind)} wrote no later row, so they may still come. "
            "Seal once it has; `--accept-lost` if they are lost for good"
        )


def unfinished(one: DayRange, now: date, held: bool) -> str:
    """Why the last day of a log is not finished; "" where the clock is past it and nothing writes the log.

    `held`: whether a process writes the log.
    """
    if now <= one.day:
        return f"{one.day}: not over yet (UTC); it can be sealed from {one.day + ONE_DAY} on"
    if held:
        return (
            f"{one.day}: the service is running and has logged nothing on a later day, so a row of this day may still be on "
            "its way. It can be sealed once something was received on a later day, or the service is stopped"
        )
    return ""


def _empty(before: date | None, day: date, last: int) -> Iterator[DayRange]:
    """The days between two without rows."""
    for number in range(1, (day - before).days if before else 1):
        assert before is not None
        yield DayRange(before + timedelta(days=number), last + 1, last)
