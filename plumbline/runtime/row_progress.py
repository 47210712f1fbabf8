"""Progress through rows: one line, rewritten, on a terminal; a line per quarter in a log."""

from __future__ import annotations

import logging
import sys
import time
from types import TracebackType

MILESTONES = 4
EVERY = 0.2
"""Seconds between two lines on a terminal."""

log = logging.getLogger("plumbline")


class RowProgress:
    """Says how far a command has come; a context, so that the line is ended."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.started = self.written = time.perf_counter()
        self.milestone = 0
        self.interactive = sys.stderr.isatty()
        self.open = False

    def __enter__(self) -> RowProgress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.open:
            sys.stderr.write("\n")

    def report(self, step: str, rows: int, total: int) -> None:
        """So many of `total` rows are through the step; 0 of 0 where it begins."""
        seconds = time.perf_counter() - self.started
        counted = f"{rows:,} of {total:,} rows, " if total else ""
        text = f"{self.what}: {step}, {counted}{seconds:.0f} s"
        if self.interactive:
            self._rewrite(text, rows == total)
        elif total and rows * MILESTONES // total > self.milestone:
            self.milestone = rows * MILESTONES // total
            log.info(text)

    def _rewrite(self, text: str, last: bool) -> None:
        now = time.perf_counter()
        if last or now - self.written >= EVERY:
            self.written, self.open = now, True
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
