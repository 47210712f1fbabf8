"""A process that leaves most of the work on garbage in cycles undone."""

from __future__ import annotations

import atexit
import gc
import os
import sys

THRESHOLDS = (200_000, 50, 100)
"""Of `gc.set_threshold`; Python's own are 700, 10 and 10."""


def search_rarely() -> None:
    """Search for cyclic garbage rarely: else Python walks through a library's objects while it imports it."""
    gc.set_threshold(*THRESHOLDS)


def end_process() -> None:
    """End this process with exit code 0: what is registered for the exit runs, no object is taken apart.

    After a large library that takes up to a second.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(0)
