"""The `monitor` section of params.yaml."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from plumbline.core.params_base import Count, Section, Share


class Limits(Section):
    """From which size, beyond its noise, something is watched, and from which it pages."""

    watch: Annotated[float, Field(ge=0)]
    page: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _ordered(self) -> Limits:
        if self.watch > self.page:
            raise ValueError(f"watch at most page, found watch {self.watch} above page {self.page}")
        return self


class Monitor(Section):
    """When the monitor speaks up: one error budget per period, and the sizes that matter."""

    period_days: Count = 1  # of one judgement; 7: weeks
    false_page_days: Annotated[float, Field(gt=1)] = 200.0  # periods per page without a cause
    false_watch_days: Annotated[float, Field(gt=1)] = 30.0  # periods per watch without a cause
    min_history: Count = 14  # healthy periods, with fewer drift is watched only
    min_rows: Count = 50  # of a period, fewer are not judged by their values
    used: Share = 0.02  # share of the model's gain from which a column can page
    fault: Share = 0.01  # share of the rows from which a fault in them pages
    hours: Share = 0.05  # share of a day's rows usual in hours that are missing
    felt: Annotated[float, Field(ge=0)] = 0.35  # shift of the score, in standard deviations
    slow: Annotated[float, Field(gt=0)] = 0.3  # shift since training, in standard deviations
    rows_change: Limits = Limits(watch=0.1, page=0.6)  # relative; only missing rows page
    absent: Limits = Limits(watch=0.05, page=0.15)  # share of an entity's ids that do not come
    stale: Share = 0.1  # share of ids whose histories are not those of the days before
    unlabelled: Limits = Limits(watch=0.02, page=0.1)  # share of the rows whose label is due
    quality: Limits = Limits(watch=0.05, page=0.1)  # relative loss of the primary metric
    calibration: Limits = Limits(watch=0.2, page=0.4)  # labels over scores, relative change
    shelf_life_days: Count | None = None  # age of a model from which it is due; None: not measured
    rows: Count = 5000  # of each window, drawn for the HTML report; the verdict takes all rows
    bins: Annotated[int, Field(ge=2)] = 10  # of a numeric column in a pull request's comparison
    chance: Annotated[float, Field(gt=0, lt=0.5)] = 0.001  # that its sizes exceed their noise
    psi: Limits = Limits(watch=0.1, page=0.25)  # nats, there and in the HTML report
    bootstrap: Count = 300  # replicates for the quality's interval
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95  # of the interval
