"""The rows of a log that the tiles may lack. An edge: reads the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

from plumbline.serve.log import files_read
from plumbline.serve.log.reader import LoggedRow, LogReader

MARGIN = timedelta(days=2)
"""Clocks of several writers differ, and an event may be a little ahead of them."""


def rows(folder: Path, recent_from: date | None) -> Callable[[int], Iterator[LoggedRow]]:
    """The rows after a sequence, as `embedded.reopen_memory` takes them. `recent_from`: the seed's.

    What was received before the recent days of the seed is in its tiles: those files of the log are not read,
    so that a start takes no longer as a log grows.
    """
    reader = LogReader(folder)
    return lambda after: reader.rows(after=max(after, _in_the_tiles(folder, recent_from)))


def _in_the_tiles(folder: Path, recent_from: date | None) -> int:
    """The last sequence of the days that need not be read."""
    if recent_from is None:
        return 0
    oldest = recent_from - MARGIN
    return max((e.last for e in files_read.extents(folder) if e.file.date < oldest), default=0)
