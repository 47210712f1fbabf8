"""Writes routes to the disk beside the event loop, and goes on trying until the disk takes them. An edge."""

from __future__ import annotations

import logging
import threading
from collections import deque
from pathlib import Path

from plumbline.serve.routes import routes_file
from plumbline.serve.routes.routes_file import RoutesEntry

PAUSE = 1.0
"""Seconds between attempts."""

log = logging.getLogger("plumbline")


class RoutesWriter:
    """One thread that writes each version in order. `problem`: why the oldest is not written yet."""

    def __init__(self, folder: Path, pause: float = PAUSE) -> None:
        self.folder, self.pause = folder, pause
        self.problem = ""
        self._waiting: deque[RoutesEntry] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def put(self, line: RoutesEntry) -> None:
        """Hand a version over; returns at once."""
        with self._changed:
            self._waiting.append(line)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="routes", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self, timeout: float) -> str:
        """Wait until all is written, at most so many seconds; what could not be, and why."""
        with self._changed:
            done = self._changed.wait_for(lambda: not self._waiting or bool(self.problem), timeout)
            if done and not self._waiting:
                return ""
            return self.problem or f"{self.folder}: not written within {timeout:g} s"

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
                line = self._waiting[0]
            problem = self._attempt(line)
            with self._changed:
                self.problem = problem
                if not problem:
                    self._waiting.popleft()
                self._changed.notify_all()
                if problem:
                    self._changed.wait(self.pause)

    def _attempt(self, line: RoutesEntry) -> str:
        """Write one; why that failed."""
        try:
            routes_file.write(self.folder, line)
        except OSError as error:
            problem = f"{error.filename or self.folder}: {error.strerror or error}"
            if problem != self.problem:
                log.warning("routes version %d is not written: %s", line.routes.version, problem)
            return problem
        return ""
