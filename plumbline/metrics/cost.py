"""What each row would cost with an alarm and without; pure, and without any checking library.

The comment's job, which is given few packages, reads metrics through this.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Money:
    """What each row would cost, in one unit, (n,) or one number for all.

    A case: `missed` without an alarm, `caught` with one. No case: `alarm` with one, else `quiet`.
    """

    missed: Array | float
    alarm: Array | float
    caught: Array | float = 0.0
    quiet: Array | float = 0.0


def cost(label: Array, alarm: Array, given: Money) -> Array:
    """Each row's cost, float64 (n,). A negative amount cannot be lost: it counts as nothing."""
    missed = np.maximum(given.missed, 0.0)
    of_case = np.where(alarm, given.caught, missed)
    return np.where(label == 1, of_case, np.where(alarm, given.alarm, given.quiet))
