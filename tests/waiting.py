"""Waiting for what another thread or process does, on a machine that may be busy."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

LONG = 60.0
"""Seconds: far more than anything here takes, far less than what hangs."""
T = TypeVar("T")


def until(condition: Callable[[], T], seconds: float = LONG) -> T:
    """What `condition` returns once it is true; AssertionError where it is not within `seconds`."""
    end = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < end, f"not so within {seconds:g} s"
        time.sleep(0.01)
    return result
