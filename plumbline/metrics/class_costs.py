"""The costs of several classes in params.yaml: an amount per class and the class decided on; pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from plumbline.core.errors import ParamsError, suggest
from plumbline.metrics.cost import Array


def _texts(value: Any) -> Any:
    """Classes that are numbers are keys like any other."""
    if not isinstance(value, Mapping):
        return value
    return {str(k): _texts(v) for k, v in value.items()}


Amount = Annotated[float, Field(allow_inf_nan=False)]


class ClassCosts(BaseModel):
    """What one event costs, by its class and the class decided on. A negative number is a gain.

    `amounts: {rain: {sun: 10}}`: ten for an event of class rain that is decided to be sun.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    unit: Annotated[str, Field(min_length=1)]  # for reports, e.g. cents
    # by class, then by the class decided on; the right decision costs nothing where it is not named
    amounts: Annotated[Mapping[str, Mapping[str, Amount]], BeforeValidator(_texts)]
    other: Amount | None = None  # of wrong decisions that are not named; None: all must be


def matrix(where: str, costs: ClassCosts, classes: Sequence[str | int]) -> Array:
    """The amounts (k, k), by class and the class decided on; ParamsError for one unknown or missing."""
    names = [str(c) for c in classes]
    for true, row in costs.amounts.items():
        for name in (true, *row):
            if name not in names:
                raise ParamsError(
                    f"{where}.amounts: there is no class '{name}'; {suggest(name, names)}"
                )
    default = math.nan if costs.other is None else costs.other
    out = np.array(
        [
            [costs.amounts.get(a, {}).get(b, 0.0 if a == b else default) for b in names]
            for a in names
        ]
    )
    missing = [f"{names[i]}: {{{names[j]}: ...}}" for i, j in np.argwhere(np.isnan(out))]
    if missing:
        raise ParamsError(
            f"{where}.amounts: {len(missing)} wrong decisions have no cost: {', '.join(missing[:3])}"
            f"{', ...' if missing[3:] else ''}; name them, or set {where.rsplit('.', 1)[-1]}.other for the rest."
        )
    return out
