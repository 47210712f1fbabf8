"""How often a process searches for garbage in cycles."""

from __future__ import annotations

import atexit
import gc

THRESHOLDS = (200_000, 50, 100)
"""Of `gc.set_threshold`; Python's own are 700, 10 and 10."""


def search_rarely() -> None:
    """Search for cyclic garbage rarely from now on, and not at the exit.

    Python would walk through all objects of a large library many times while it imports it, and once
    more at the exit: a third of the processor time of a process that loads Great Expectations, Evidently or MLflow.
    """
    gc.set_threshold(*THRESHOLDS)
    atexit.register(gc.freeze)
