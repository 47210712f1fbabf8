"""A process that works for this one. It ends when this one does, and leaves Ctrl-C to it. An edge: processes.

What it works on is sent as bytes (cloudpickle) from this process to its own children alone; nothing on disk is read so.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection

Serve = Callable[[Connection, bytes], None]
"""What runs in the process: its end of the connection, and the bytes that it was started with."""


class WorkerProcess:
    """A started process (`spawn`) and this process's end of the connection to it."""

    def __init__(self, serve: Serve, payload: bytes) -> None:
        """`serve`: a function of a module, which the process imports."""
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_run, args=(serve, theirs, payload), daemon=True)
        self.process.start()
        theirs.close()

    def stop(self) -> None:
        """End the process, whatever it does."""
        self.connection.close()
        self.process.kill()
        self.process.join()

    def ending(self) -> str:
        """How the process ended, in words; waits for its end."""
        self.process.join()
        code = self.process.exitcode or 0
        if code >= 0:
            return f"exit code {code}"
        name = signal.Signals(-code).name
        hint = ": too little memory?" if name == "SIGKILL" else ""
        return f"{name}{hint}"


def _run(serve: Serve, connection: Connection, payload: bytes) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, BrokenPipeError):
        serve(connection, payload)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
