"""A limit of the gap between groups, as params.yaml declares it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from plumbline.core.params_base import Section


def _some(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(value) == 1 or len(set(value)) < len(value):
        raise ValueError("two different groups at least, or none for all")
    return value


class GapLimit(Section):
    """How much a rate may differ between two groups. Where the rows do not tell, the model is refused, too."""

    by: Annotated[str, Field(min_length=1)]  # name of declared `groups`
    # of a classification recall or false_alarm_rate; of a regression mae or bias
    rate: Literal["recall", "false_alarm_rate", "mae", "bias"]
    # largest gap: a share, or in the label's unit
    most: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    # the groups that are compared; empty: all of them
    groups: Annotated[tuple[str, ...], Field(strict=False), AfterValidator(_some)] = ()
