"""The `train` section of params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from plumbline.core.params_base import Count, Section
from plumbline.metrics.class_costs import ClassCosts
from plumbline.metrics.cost_matrix import Costs
from plumbline.model import decision_params, matrix_limits
from plumbline.model.calibration import Kind
from plumbline.model.decision_params import Decisions
from plumbline.model.matrix_limits import MatrixLimits
from plumbline.model.params import BoosterParams
from plumbline.model.reweighing import Reweigh


class Train(Section):
    """The final model: boosting, calibration and the decision threshold."""

    rounds: Count = 400  # boosting rounds, at most
    early_stopping: Count = 30  # rounds without a better validation metric before boosting stops
    # True: once rounds, calibration and threshold are chosen, boost again on train and validation window
    refit: bool = False
    threads: Annotated[int, Field(ge=0)] = 0  # 0: one per processor; results do not depend on it
    # workers that share the boosting, on this machine or on its Spark cluster; the trees depend on their number
    workers: Annotated[int, Field(ge=1, le=1024)] = 1
    # rows x features from which boosting reads its bins from disk, page by page, not from memory
    in_memory: Count = matrix_limits.IN_MEMORY
    # rows of the validation window that early stopping watches, at most, evenly spaced; calibration and
    # thresholds take all
    watched: Count = 2_000_000
    # fitted on the validation window; of several classes: none, temperature (where nothing is set) or vector
    calibration: Kind = "platt"
    # the decision threshold minimises them; without them it is the threshold of the best F1
    costs: Costs | None = None
    # of several classes: the class decided on is that of least expected cost; without them the likeliest
    class_costs: ClassCosts | None = None
    # approve, review or block, priced by `costs`; None: an alarm or none
    decisions: Decisions | None = None
    # groups that count alike in boosting; None: every row counts the same
    reweigh: Reweigh | None = None
    # XGBoost's own; they replace those of tune.params, and the best ones of the search replace them
    params: BoosterParams = Field(default_factory=dict)
    # by feature: 1, the answer never falls as the feature rises; -1, it never rises; 0, either
    monotone: Mapping[str, Literal[-1, 0, 1]] = Field(default_factory=dict)

    @property
    def limits(self) -> MatrixLimits:
        """What makes a table large."""
        return MatrixLimits(self.in_memory, watched=self.watched)

    @model_validator(mode="after")
    def _priced(self) -> Train:
        decision_params.with_costs(self.decisions, self.costs)
        return self
