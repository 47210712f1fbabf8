"""The `tune` section of params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from plumbline.core.params_base import Count, Section, grammar
from plumbline.model import matrix_limits
from plumbline.model.matrix_limits import MatrixLimits
from plumbline.model.params import BoosterParams
from plumbline.tune import space


def _space(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return grammar(space.parse, value)


Space = Annotated[Mapping[str, Any], AfterValidator(_space)]


class SelectFeatures(Section):
    """The selection of features after the search, by what each earns on the validation window.

    It fits one model per feature, and one of all.
    """

    # what a feature has to earn: share of the primary metric that is lost without it
    cost: Annotated[float, Field(gt=0, lt=1)] = 0.001
    # by feature, in place of cost: for those that are expensive to compute, or that cost nothing
    costs: Mapping[str, Annotated[float, Field(ge=0, lt=1)]] = Field(default_factory=dict)
    max_fits: Annotated[int, Field(ge=2)] = 200  # models fitted, at most; what is not tried stays


class Tune(Section):
    """The hyperparameter search (Hyperopt's TPE or random draws, or a grid)."""

    max_evals: Annotated[int, Field(ge=0)] = 10  # trials; 0: no search
    # how the next trial is chosen: by the trials before it, at random, or on an even grid
    method: Literal["tpe", "random", "grid"] = "tpe"
    startup: Count = 20  # trials that tpe draws at random before it learns: up to here it is random
    # trials proposed together, from the results of the rounds of trials before them; how many of them run side by
    # side is the machine's `workers`, or its Spark cluster's, and does not change the result
    parallel: Count = 1
    rounds: Count = 200  # boosting rounds of a trial, at most
    early_stopping: Count = 20  # rounds without a better validation metric before a trial stops
    threads: Annotated[int, Field(ge=0)] = 0  # 0: one per processor; results do not depend on it
    # rows of the train table that trials learn from, at most, evenly spaced; `train` takes all
    learned: Count = 5_000_000
    # rows of the validation window that judge a trial, at most, likewise
    watched: Count = 2_000_000
    # rows x features from which boosting reads its bins from disk, page by page, not from memory
    in_memory: Count = matrix_limits.IN_MEMORY
    # XGBoost's own, fixed in every trial and in train
    params: BoosterParams = Field(default_factory=dict)
    # by XGBoost setting, one of {uniform: [low, high]}, {loguniform: [low, high]},
    # {quniform: [low, high, step]}, {int: [low, high]}, {choice: [a, b, ...]}
    space: Space = Field(default_factory=dict)
    # leave out features that do not earn their cost, e.g. {cost: 0.001}; not set: all stay
    select: SelectFeatures | None = None

    @property
    def limits(self) -> MatrixLimits:
        """What makes a table large, and how many of its rows are taken."""
        return MatrixLimits(self.in_memory, self.learned, self.watched)
