"""The `train` section of params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from plumbline.core.params_base import Count, Section
from plumbline.metrics.cost_matrix import Costs
from plumbline.model.params import Settings


class Train(Section):
    """The final model; `params` are XGBoost's own, over tune's fixed ones and under the tuned ones.

    `monotone`: by feature 1 (the answer never falls where it rises), -1 (never rises) or 0.
    """

    rounds: Count = 400
    early_stopping: Count = 30
    threads: Annotated[int, Field(ge=0)] = 0
    calibration: Literal["none", "platt", "isotonic"] = "platt"
    costs: Costs | None = (
        None  # the decision threshold is the cheapest; without them, of the best F1
    )
    params: Settings = Field(default_factory=dict)
    monotone: Mapping[str, Literal[-1, 0, 1]] = Field(default_factory=dict)
