"""The `validate` section of params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from plumbline.core.params_base import Count, Section, Severity, Share


class Validate(Section):
    """How strict the contract is, and from which size a change against the accepted profile is told.

    `severity`: by kind of check ("range") or by column and kind ("price.range"), see
    `plumbline/validate/check.py`. Sizes are beyond what the number of rows explains.
    """

    max_quarantine: Share = 0.01  # of the rows of a table that may be set aside
    severity: Mapping[str, Severity] = Field(default_factory=dict)
    window_days: Count = 28  # of the profile, back from as_of
    shares: Share = 0.02  # Jensen-Shannon divergence of the shares of values, base 2
    mean: Annotated[float, Field(gt=0)] = 0.2  # shift in standard deviations
    quantiles: Annotated[float, Field(gt=0)] = 0.25  # shift of a quartile in interquartile ranges
    nulls: Share = 0.02  # change in the share of nulls
    rows: Share = 0.5  # change of a day's row count; half of it for the whole window's
