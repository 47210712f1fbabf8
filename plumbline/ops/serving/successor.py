"""A serving process that starts its own successor, of the checkout as it is then, and stays as that one's parent.

Whoever looks after a service (systemd, a container) knows one process. So the old one, once it has handed over, turns
into a few lines of Python that wait for the new one, pass signals on, and end with its exit code.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
PARENT = """
import os, signal, sys
child, passed = int(sys.argv[1]), [signal.Signals(int(n)) for n in sys.argv[2:]]
for one in passed:
    signal.signal(one, lambda number, _: os.kill(child, number))
signal.pthread_sigmask(signal.SIG_UNBLOCK, passed)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
sys.exit(code if code >= 0 else 128 - code)
"""
"""What a process becomes that has handed over: it needs no file of the project, whatever is checked out."""


class Successor:
    """The process that is to take over from this one, if one was started."""

    def __init__(self, project: Path, words: Sequence[str]) -> None:
        """`words`: of `plumbline serve`, with --replace."""
        self._project, self._words = project, [sys.executable, "-m", "plumbline", "serve", *words]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> dict[str, Any]:
        """Start it; it asks for the sockets once it is warm. PlumblineError where one is under way."""
        if self._process is not None and self._process.poll() is None:
            raise PlumblineError(f"process {self._process.pid} is about to take over already")
        self._process = subprocess.Popen(self._words, cwd=self._project, start_new_session=True)
        return self.described()

    def described(self) -> dict[str, Any]:
        """Its process id, and its exit code once it has ended without taking over."""
        process = self._process
        return {} if process is None else {"pid": process.pid, "code": process.poll()}

    def stay(self) -> None:
        """Turn into its parent, where it runs; returns where there is none."""
        if self._process is None or self._process.poll() is not None:
            return
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        numbers = [str(int(one)) for one in SIGNALS]
        line = [sys.executable, "-S", "-E", "-c", PARENT, str(self._process.pid), *numbers]
        os.execv(sys.executable, line)
