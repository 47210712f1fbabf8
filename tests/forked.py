"""Work done in a child process that is killed meanwhile, and what it had reported until then."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Sequence

LONGEST = 60.0
"""Seconds until a child must have begun."""


def killed(work: Callable[[int], None], after: float) -> tuple[bytes, float]:
    """What `work` wrote to its pipe until it was killed, `after` seconds from its first byte; and when that was.

    The child is a fork: nothing in it may use threads that this process had before, as XGBoost does.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            work(writing)
        finally:
            os._exit(1)
    os.close(writing)
    return _until(reading, after, lambda: _kill(pid))


def killed_command(command: Sequence[str], after: float) -> tuple[bytes, float]:
    """As `killed`, of what a program writes to its standard output."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    return _until(os.dup(process.stdout.fileno()), after, lambda: _end(process))


def _until(reading: int, after: float, end: Callable[[], float]) -> tuple[bytes, float]:
    with os.fdopen(reading, "rb", 0) as stream:
        try:
            begun, _, _ = select.select([stream], [], [], LONGEST)
            time.sleep(after)
        finally:
            at = end()
        assert begun, f"the child did not begin within {LONGEST:g} s"
        return stream.readall(), at


def _kill(pid: int) -> float:
    os.kill(pid, signal.SIGKILL)
    at = time.monotonic()
    os.waitpid(pid, 0)
    return at


def _end(process: subprocess.Popen[bytes]) -> float:
    process.kill()
    at = time.monotonic()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    return at
