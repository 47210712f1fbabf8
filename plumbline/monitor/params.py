"""The `monitor` section of params.yaml."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from plumbline.core.params_base import Count, Section, Share


class LevelLimits(Section):
    """Sizes, beyond noise, from which a finding is a warning and from which it is an alert."""

    warning: Annotated[float, Field(ge=0)]  # from this size
    alert: Annotated[float, Field(ge=0)]  # from this size; at least `warning`

    @model_validator(mode="after")
    def _ordered(self) -> LevelLimits:
        if self.warning > self.alert:
            raise ValueError(
                f"warning at most alert, found warning {self.warning} above alert {self.alert}"
            )
        return self


class ServedLimits(Section):
    """Sizes from which what was served is a warning or an alert: shares of the events of a day, and times."""

    # of what came, refused by the contract
    refused: LevelLimits = LevelLimits(warning=0.001, alert=0.01)
    late: LevelLimits = LevelLimits(warning=0.02, alert=0.2)  # older than a minute when they came
    unknown: LevelLimits = LevelLimits(warning=0.2, alert=0.5)  # with an id that was never seen
    defaulted: LevelLimits = LevelLimits(warning=0.02, alert=0.2)  # with an id that is null
    stale: LevelLimits = LevelLimits(warning=0.001, alert=0.01)  # answered from old histories
    # seconds that an event waited to count in the histories of later ones, 99th percentile of a day
    state_age: LevelLimits = LevelLimits(warning=5.0, alert=60.0)
    latency_ms: LevelLimits = LevelLimits(warning=100.0, alert=1000.0)  # 99th percentile of a day


class Monitor(Section):
    """What the monitor raises: one error budget per period, and the sizes that matter."""

    period_days: Count = 1  # days that are judged together; 7: weeks
    false_alert_days: Annotated[float, Field(gt=1)] = 200.0  # periods per false alert
    false_warning_days: Annotated[float, Field(gt=1)] = 30.0  # periods per false warning
    min_history: Count = 14  # healthy periods below which drift is a warning at most
    min_rows: Count = 50  # of a period, below which its values are not judged
    min_importance: Share = 0.02  # share of the model's gain from which a column can raise an alert
    fault_share: Share = 0.01  # share of the rows from which a fault in them is an alert
    hours: Share = 0.05  # share of a day's usual rows in missing hours, from which it is an alert
    # shift of the model's score, standard deviations, from which drift can be an alert
    score_shift: Annotated[float, Field(ge=0)] = 0.35
    trend_shift: Annotated[float, Field(gt=0)] = 0.3  # shift since training, standard deviations
    # relative change of the number of rows; only a loss of rows is an alert
    rows_change: LevelLimits = LevelLimits(warning=0.1, alert=0.6)
    # share of an entity's ids without a row
    missing_ids: LevelLimits = LevelLimits(warning=0.05, alert=0.15)
    # share of ids whose histories contradict the days before, from which it is an alert
    stale_histories: Share = 0.1
    # share of the rows whose label is due and has not come
    unlabelled: LevelLimits = LevelLimits(warning=0.02, alert=0.1)
    # relative loss of the primary metric
    quality: LevelLimits = LevelLimits(warning=0.05, alert=0.1)
    # relative change of the labels per label that the scores expect
    calibration: LevelLimits = LevelLimits(warning=0.2, alert=0.4)
    # age from which a model is due for retraining; `plumbline backtest --keep` measures and sets it
    shelf_life_days: Count | None = None
    # of each window, drawn for Evidently's report; the verdict takes all rows. 0: no such report
    rows: Annotated[int, Field(ge=0)] = 5000
    bins: Annotated[int, Field(ge=2)] = 10  # of a numeric column in a pull request's comparison
    chance: Annotated[float, Field(gt=0, lt=0.5)] = 0.001  # there, of a false finding per column
    # population stability index, nats, there and in Evidently's report
    psi: LevelLimits = LevelLimits(warning=0.1, alert=0.25)
    served: ServedLimits = ServedLimits()  # where predictions were served and sealed
    bootstrap: Count = 300  # replicates for the interval of the quality
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95  # of that interval
