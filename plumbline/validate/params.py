"""The `validate` section of params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from plumbline.core.errors import suggest
from plumbline.core.params_base import Count, Day, Section, Severity, Share
from plumbline.validate.check import DEFAULTS, STRUCTURE

SHARE_LIMIT = "max_quarantine"
"""What a waiver calls the limit of the rows set aside: events.max_quarantine."""
SHORTEST = 3
"""Letters of a reason or a name."""


def _in_words(value: str) -> str:
    if sum(sign.isalnum() for sign in value) < SHORTEST or "\n" in value:
        raise ValueError(f"words of {SHORTEST} letters at least, in one line")
    return value


def _known(check: str) -> str:
    """A check by its name, column and kind, or the limit of a table's rows set aside."""
    column, _, kind = check.rpartition(".")
    if kind in STRUCTURE:
        raise ValueError(f"a check that can be let through: nothing after '{kind}' can be trusted")
    if not column or kind not in (*DEFAULTS, SHARE_LIMIT):
        raise ValueError(
            f"column.check, as messages name it, or events.{SHARE_LIMIT}; {suggest(kind, (*DEFAULTS, SHARE_LIMIT))}"
        )
    return check


InWords = Annotated[str, Field(max_length=300), AfterValidator(_in_words)]


class Waiver(Section):
    """Data that a check blocks or sets aside, let through for a reason until a day."""

    # column and kind of the check, e.g. price.range; events.max_quarantine: any share may be set aside
    check: Annotated[str, Field(max_length=200), AfterValidator(_known)]
    reason: InWords  # why the data may be used all the same
    by: InWords  # who decided it
    expires: Day  # first data.as_of with which the check acts again
    rows: Count | None = None  # rows that may break the check; where more do, the run stops

    @property
    def column(self) -> str:
        return self.check.rpartition(".")[0]

    @property
    def kind(self) -> str:
        return self.check.rpartition(".")[2]


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
    # data let through although a check blocks them or sets them aside
    waivers: Annotated[tuple[Waiver, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _once(self) -> Validate:
        names = [w.check for w in self.waivers]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"one waiver of a check, found two of {twice[0]}")
        return self
