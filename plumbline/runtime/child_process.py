"""A child process that ends, with all that it started, when this process ends, even if it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

LEADER = """
import os, subprocess, sys, threading
def end():
    os.read(0, 1)
    os.killpg(0, 9)
threading.Thread(target=end, daemon=True).start()
os._exit(subprocess.call(sys.argv[1:], stdin=subprocess.DEVNULL) & 255)
"""
"""Leads the child's process group. Its input closes when the parent is gone, even by kill -9."""


def run(
    arguments: Sequence[str], cwd: Path, env: Mapping[str, str], progress: Callable[[str], None]
) -> int:
    """Run a command in a session of its own and `tell` each line it says; its exit code."""
    with (
        _signals(),
        subprocess.Popen(
            [sys.executable, "-I", "-c", LEADER, *arguments],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
            errors="replace",
        ) as child,
    ):
        try:
            assert child.stdout is not None
            for line in child.stdout:
                progress(line.rstrip("\n"))
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)  # what is left of the group, or all of it
        return child.wait()


@contextmanager
def _signals() -> Iterator[None]:
    """A request to end becomes an exception, so that what was begun is cleaned up.

    One that is ignored (nohup's) stays so.
    """

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    heeded = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, end) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
