"""Events that a service refused on a day: counted by hour, column and problem, because no row of the log has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any


def of_day(log: Path, day: date) -> Sequence[Mapping[str, Any]]:
    """The counts of a UTC day, sorted."""
    del log, day  # the log does not count them yet
    return ()
