"""The `evaluate` section of params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from plumbline.core.params_base import Count, Section, Share
from plumbline.evaluate.gap_params import GapLimit
from plumbline.metrics.class_costs import ClassCosts
from plumbline.metrics.cost_matrix import Costs
from plumbline.model.decision_params import Decisions


class Evaluate(Section):
    """How the model is measured, and what counts as good enough (see `plumbline/evaluate/acceptance.py`)."""

    bootstrap: Count = 500  # replicates of the test days, for every interval
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95  # confidence level of the intervals
    k: Count = 50  # alarms a day that people can look into; precision is measured at it
    rule: float | None = None  # threshold of the naive answer, as a simple policy to beat
    false_alarm_rate: Share = 0.01  # at which recall is measured
    linear_rows: Count = 200_000  # rows of train, at most, for the linear baseline
    pairs: Count = 5_000  # events of test, at most, on which each behaviour is tested
    explained: Count = 2_000  # rows of test, at most, in the plots of contributions
    min_pairs: Count = 1  # events, at least, on which each behaviour must be tested
    subgroup_share: Share = 0.02  # smallest share of the rows that a reported subgroup holds
    # share of the overall primary metric that each slice must reach; of an error, the overall one
    # over the slice's
    slice_floor: Share = 0.5
    # by slice, a floor in the metric's own unit, in place of slice_floor
    slice_floors: Mapping[str, float] = Field(default_factory=dict)
    # classification: expected calibration error over the share of the rarer class
    max_ece: Annotated[float, Field(ge=0)] = 0.3
    max_bias: Annotated[float, Field(ge=0)] = 0.5  # regression: mean error over mean absolute error
    # limits of the gaps between groups of model.py, e.g. [{by: activity, rate: recall, most: 0.2}]
    max_gaps: Annotated[tuple[GapLimit, ...], Field(strict=False)] = ()
    # bytes of the bundle's trees on disk, at most, over those of 100 full trees of depth 6
    max_size: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    # splits that a row passes through, at most, over those of 100 full trees of depth 6
    max_work: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    # by a column that nearly answers (several: "a, b"), why it is no leak; without it the model is refused
    harmless: Mapping[str, Annotated[str, Field(min_length=10, max_length=300)]] = Field(
        default_factory=dict
    )


@dataclass(frozen=True)
class EvaluationSettings:
    """What an evaluation reads of params.yaml: its own section, train's costs and decisions (if any), the seed."""

    evaluate: Evaluate
    costs: Costs | None
    seed: int
    class_costs: ClassCosts | None = None
    decisions: Decisions | None = None
