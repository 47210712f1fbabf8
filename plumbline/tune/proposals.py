"""Hyperopt's proposals, a round at a time: all points of a round come from the results of the rounds before it.

With rounds of one this is `hyperopt.fmin`. The points depend on seed, space and the size of a round, never on which
trial ends first, as they do with Hyperopt's own asynchronous searches. Hyperopt is imported at use.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import numpy as np

from plumbline.core.imports import without
from plumbline.tune import space
from plumbline.tune.space import Dimension

Method = Literal["tpe", "random", "grid"]
"""How the next point is chosen: by the trials before it, at random, or on an even grid."""


class Proposals:
    """Points of the space, chosen by TPE from the losses so far, or at random."""

    def __init__(
        self, dimensions: Sequence[Dimension], method: Method, startup: int, seed: int
    ) -> None:
        """`startup`: points that TPE draws at random before it learns."""
        self.suggest = _suggest(method, startup)
        import hyperopt

        self.dimensions = dimensions
        self.trials = hyperopt.Trials()
        self.domain = hyperopt.base.Domain(len, {d.name: _distribution(d) for d in dimensions})
        self.generator = np.random.default_rng(seed)

    def round(self, size: int) -> list[dict[str, Any]]:
        """The next `size` points, settings by name."""
        from hyperopt.base import spec_from_misc

        for _ in range(size):
            number = self.trials.new_trial_ids(1)
            self.trials.refresh()
            drawn = self.generator.integers(2**31 - 1)
            self.trials.insert_trial_docs(self.suggest(number, self.domain, self.trials, drawn))
        self.trials.refresh()
        points = [spec_from_misc(one["misc"]) for one in self.trials.trials[-size:]]
        return [{d.name: space.value(d, one[d.name]) for d in self.dimensions} for one in points]

    def learn(self, losses: Sequence[float | None]) -> None:
        """The losses of the last round, in its order; None of a trial that failed."""
        from hyperopt import JOB_STATE_DONE, STATUS_FAIL, STATUS_OK

        for one, loss in zip(self.trials.trials[-len(losses) :], losses, strict=True):
            failed = {"status": STATUS_FAIL}
            one["state"] = JOB_STATE_DONE
            one["result"] = failed if loss is None else {"status": STATUS_OK, "loss": loss}


def _suggest(method: Method, startup: int) -> Any:
    """Hyperopt's own, and it is imported here first."""
    with without(unused=["hyperopt.atpe"]):  # loads scipy.stats: half of the import's time
        import hyperopt
    if method == "random":
        return hyperopt.rand.suggest
    return partial(hyperopt.tpe.suggest, n_startup_jobs=startup)


def _distribution(dimension: Dimension) -> Any:
    from hyperopt import hp

    if dimension.kind == "choice":
        return hp.choice(dimension.name, list(range(len(dimension.choices))))
    if dimension.step:
        return hp.quniform(dimension.name, -0.5, dimension.steps + 0.5, 1)
    if dimension.kind == "loguniform":
        return hp.loguniform(dimension.name, math.log(dimension.low), math.log(dimension.high))
    return hp.uniform(dimension.name, dimension.low, dimension.high)
