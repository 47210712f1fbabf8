"""The cost matrix of params.yaml: what an event costs, by its outcome and the alarm; pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from plumbline.core.errors import ParamsError, suggest
from plumbline.metrics.cost import Array, Money

CELLS = ("false_negative", "false_positive", "true_positive", "true_negative")


def _amount(value: Any) -> Any:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    column = isinstance(value, str) and bool(value)
    part = isinstance(value, dict) and set(value) == {"column", "times"}
    if part:
        part = isinstance(value["column"], str) and isinstance(value["times"], (int, float))
    if column or part or (number and math.isfinite(value)):
        return value
    text = (
        f": got {value!r}, expected a number, a column's name, or {{column: its name, times: 0.5}}"
    )
    raise PydanticCustomError("grammar", "{text}", {"text": text})


Amount = Annotated[Any, AfterValidator(_amount)]
"""A number, or a column of the event (below zero it counts as zero), whole or times a number."""


class Costs(BaseModel):
    """What one event costs, by its outcome and the alarm. A negative number is a gain.

    A cost is a number, a column of the event, or a part of one: `{column: amount_cents, times: 0.5}`.
    A column's value below zero counts as zero.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    unit: Annotated[str, Field(min_length=1)]  # for reports, e.g. cents
    false_negative: Amount  # a positive event without an alarm
    false_positive: Amount  # an alarm on a negative event
    true_positive: Amount = 0.0  # an alarm on a positive event
    true_negative: Amount = 0.0  # a negative event without an alarm

    @property
    def columns(self) -> list[str]:
        """The columns that it reads, each once."""
        named = (column_of(getattr(self, cell)) for cell in CELLS)
        return list(dict.fromkeys(name for name in named if name is not None))


def money(costs: Costs, columns: Mapping[str, Array]) -> Money:
    """The matrix for the rows of `columns`, (n,) each."""
    cells = [filled(getattr(costs, cell), columns) for cell in CELLS]
    return Money(*cells)


def check(usecase: str, costs: Costs | None, known: Iterable[str]) -> None:
    """ParamsError where the matrix reads a column that is none of the `known` ones."""
    known = list(known)
    for cell in CELLS if costs else ():
        check_amount(f"{usecase}.train.costs.{cell}", getattr(costs, cell), known)


def check_amount(where: str, amount: Any, known: Iterable[str]) -> None:
    """ParamsError where an amount, at `where` in params.yaml, reads a column that is none of the `known` ones."""
    known, name = list(known), column_of(amount)
    if name is not None and name not in known:
        raise ParamsError(
            f"params.yaml, {where}: '{name}' is no column or feature known at prediction time; "
            f"{suggest(name, known)}"
        )


def amount_text(amount: Any, unit: str) -> str:
    """A cell of the matrix as one reads it.

    >>> amount_text(500, "cents"), amount_text({"column": "price", "times": 0.5}, "cents")
    ('500 cents', '0.5 times `price`')
    """
    if isinstance(amount, str):
        return f"`{amount}`"
    if isinstance(amount, dict):
        return f"{amount['times']:g} times `{amount['column']}`"
    return f"{amount:g} {unit}"


def column_of(amount: Any) -> str | None:
    """The column that an amount reads; None for a number."""
    if isinstance(amount, dict):
        return str(amount["column"])
    return amount if isinstance(amount, str) else None


def filled(amount: Any, columns: Mapping[str, Array]) -> Array | float:
    """An amount for the rows of `columns`, (n,) each."""
    name = column_of(amount)
    if name is None:
        return float(amount)
    times = float(amount["times"]) if isinstance(amount, dict) else 1.0
    return np.maximum(np.asarray(columns[name], np.float64), 0.0) * times
