"""The thread that waits for the disk where rows must be on it before their answer: rows that come together wait once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

from plumbline.serve.log.journal import Journal


class JournalSync:
    """Syncs a journal. `synced(rows)` and `failed(message)` are called in the thread."""

    def __init__(
        self, journal: Journal, synced: Callable[[int], None], failed: Callable[[str], None]
    ) -> None:
        self._journal, self._synced, self._failed = journal, synced, failed
        self._targets: SimpleQueue[int | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="prediction-log-sync", daemon=True)
        self._thread.start()

    def put(self, target: int) -> None:
        """So many rows were appended to the journal."""
        self._targets.put(target)

    def close(self) -> None:
        """End, once the disk has what was put."""
        self._targets.put(None)
        self._thread.join()

    def _run(self) -> None:
        ending = False
        while not ending:
            targets = [self._targets.get()]
            with suppress(Empty):
                while True:
                    targets.append(self._targets.get_nowait())
            ending = None in targets
            self._sync(max((one for one in targets if one is not None), default=0))

    def _sync(self, target: int) -> None:
        try:
            self._journal.sync()
            self._synced(target)
        except OSError as error:
            self._failed(str(error))
