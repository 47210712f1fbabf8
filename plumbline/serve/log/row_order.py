"""Rows as a log takes them: each follows on the one before it, and goes into the file of its day. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from plumbline.serve.log import day_files
from plumbline.serve.log.day_files import DAY
from plumbline.serve.log.journal_format import DescribedRun, Run, Runs
from plumbline.serve.protocols import LogError, LoggedEvent, LoggedOutcome

LoggedRow = LoggedEvent | LoggedOutcome
INT64 = 2**63


def by_day(
    rows: Sequence[LoggedRow], last: int, day: int | None, *, gaps: bool
) -> list[tuple[int, list[LoggedRow]]]:
    """The rows by the day in whose file they go; LogError where one does not follow on, or has a key that no file can hold.

    `last`: sequence of the row before them; `day`: of its file; `gaps`: whether a sequence may be left out.
    """
    runs: list[tuple[int, list[LoggedRow]]] = []
    begin = (day or 0) * DAY
    for row in rows:
        last += 1
        if row.sequence != last and (row.sequence < last or not gaps):
            raise LogError(f"row {row.sequence} does not follow on row {last - 1}")
        last, key = row.sequence, row.key
        if not isinstance(key, str) and not -INT64 <= key < INT64:
            raise LogError(f"{key!r} cannot be logged: expected a key of 64 bits")
        if day is None or not 0 <= row.received - begin < DAY:
            into = day_files.turned(row.received, day)
            if into != day:
                day, begin = into, into * DAY
                runs.append((day, []))
        if not runs:
            runs.append((day, []))
        runs[-1][1].append(row)
    return runs


def described(runs: Sequence[Run], documents: Mapping[str, str]) -> Runs:
    """The runs, split where rows of other features begin or end. `documents`: their descriptions, by `definitions`."""
    parts: list[Run | DescribedRun] = []
    for day, rows in runs:
        for words, part in groupby(rows, lambda row: documents.get(_definitions(row), "")):
            own = list(part)
            parts.append((day, own, words) if words else (day, own))
    return parts


def _definitions(row: LoggedRow) -> str:
    return row.definitions if isinstance(row, LoggedEvent) else ""
