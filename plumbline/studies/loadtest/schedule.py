"""When the requests of a load test are due, fixed before the first is sent. Pure."""

from __future__ import annotations

from typing import Literal

import numpy as np

from plumbline.core.declarations import Array

Arrivals = Literal["poisson", "even"]


def moments(rate: float, seconds: float, arrivals: Arrivals, rng: np.random.Generator) -> Array:
    """Seconds from the start at which requests are due, ascending, float64 (rate * seconds,); none for no seconds.

    `poisson`: independent callers, whose requests sometimes come together; `even`: one each 1 / rate seconds.
    The count is the same for both, so that runs compare.
    """
    count = round(rate * seconds)
    if arrivals == "even":
        return np.arange(count) / rate
    return np.sort(rng.uniform(0, seconds, count))
