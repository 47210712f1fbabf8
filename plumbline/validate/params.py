"""The `validate` section of params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from plumbline.core.params_base import Count, Section, Severity, Share


class Validate(Section):
    """How strict the contract is, and which change against the accepted profile counts.

    The sizes of changes are those beyond what the number of rows explains.
    """

    max_quarantine: Share = 0.01  # share of a table's rows that may be set aside
    # block, quarantine or warn, by kind of check ("range") or column and kind ("price.range");
    # kinds and their defaults: plumbline/validate/check.py
    severity: Mapping[str, Severity] = Field(default_factory=dict)
    window_days: Count = 28  # days before as_of that are held against the profile
    shares: Share = 0.02  # Jensen-Shannon divergence of the shares of values, base 2
    mean: Annotated[float, Field(gt=0)] = 0.2  # shift of the mean, standard deviations
    quantiles: Annotated[float, Field(gt=0)] = 0.25  # shift of a quartile, interquartile ranges
    nulls: Share = 0.02  # change of the share of nulls
    rows: Share = 0.5  # relative change of a day's row count; half of it for the whole window
