"""The `serve.promote` section of params.yaml: what a challenger must pass on its way to champion."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from plumbline.core.params_base import Count, Section

Percent = Annotated[int, Field(ge=1, le=100)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Margin = Annotated[float, Field(gt=0, lt=1)]
Factor = Annotated[float, Field(ge=1, allow_inf_nan=False)]


class Promote(Section):
    """Rules of `plumbline promote`.

    The limits are of what is still no worse than the champion; docs/routes.md says how each is measured.
    """

    branch: Annotated[str, Field(min_length=1)] = "main"  # only its commits are promoted
    # whether the run of main.yml must have accepted the commit; false: to be merged is enough
    gated: bool = True
    load_test: bool = False  # whether a passed load test of the bundle must be shown with --load
    # events that the challenger scores as a shadow, answering nobody; 0: no shadow
    shadow_events: Annotated[int, Field(ge=0)] = 1000
    shadow_seconds: Positive = 15.0  # at least so long as a shadow
    # percentages of the entities that the canary answers, one after the other
    steps: Annotated[tuple[Percent, ...], Field(strict=False, min_length=1)] = (1, 5, 25, 100)
    step_seconds: Positive = 15.0  # at least so long at each step
    step_events: Count = 20  # at least so many events of the canary at each step
    # events that both scored before the canary answers more than 5 %
    few_events: Annotated[int, Field(ge=0)] = 300
    silence: Positive = 60.0  # seconds without an event of the challenger that end it
    errors: Margin = 0.01  # share of errors beyond the champion's
    refused: Margin = 0.02  # share of refused events beyond the champion's
    slower: Factor = 2.0  # times the champion's scoring time
    spare: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 200.0  # microseconds on top of it
    moved: Margin = 0.18  # mean change of an event's rank by score
    level: Margin = 0.6  # share of events on another side of a score
    alarms: Factor = 2.0  # times as many alarms, or as few
    decisions: Margin = 0.1  # share of events with another decision or alarm

    @model_validator(mode="after")
    def _rising(self) -> Promote:
        if list(self.steps) != sorted(set(self.steps)) or self.steps[-1] != 100:
            shown = ", ".join(map(str, self.steps))
            raise ValueError(f"steps that rise to 100, found {shown}")
        return self
