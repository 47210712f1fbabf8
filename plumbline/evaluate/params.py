"""The `evaluate` section of params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from plumbline.core.params_base import Count, Section, Share
from plumbline.metrics.cost_matrix import Costs


class Evaluate(Section):
    """How the model is measured, and what counts as good enough (see `plumbline/evaluate/acceptance.py`)."""

    bootstrap: Count = 500  # replicates
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95  # of the intervals
    k: Count = 50  # alarms a day at which precision is read, and that can be looked into
    rule: float | None = None  # a plain threshold of the naive answer, as a policy to beat
    false_alarm_rate: Share = 0.01  # at which recall is read
    linear_rows: Count = 200_000  # of train, at most, for the linear baseline
    pairs: Count = 5_000  # events of test, at most, for the expected behaviours
    explained: Count = 2_000  # rows of test, at most, whose contributions are drawn
    min_pairs: Count = 1  # that each behaviour must be checked on
    subgroup_share: Share = 0.02  # of the rows, at least, that a subgroup found must hold
    slice_floor: Share = 0.5  # of the overall figure that each slice must reach
    slice_floors: Mapping[str, float] = Field(
        default_factory=dict
    )  # by slice, in the metric's unit
    max_ece: Annotated[float, Field(ge=0)] = 0.3  # calibration error over the rarer class's share
    max_bias: Annotated[float, Field(ge=0)] = 0.5  # mean error over the mean absolute error


@dataclass(frozen=True)
class EvaluationSettings:
    """What an evaluation reads of params.yaml: its own section, train's costs (if any), the seed."""

    evaluate: Evaluate
    costs: Costs | None
    seed: int
