"""One event on its way to the model, held against the contract that the training data passed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from plumbline.core import only
from plumbline.core.declarations import ColumnType
from plumbline.core.errors import ContractError
from plumbline.core.usecase import Contract, FeatureSet
from plumbline.validate import contract
from plumbline.validate.check import ContractCheck

KINDS: Mapping[ColumnType, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "string": (str,),
    "bool": (bool,),
    "timestamp": (datetime,),
}
"""Plain values that a column's type takes; True and False are no numbers."""


def check(usecase: Contract, event: Mapping[str, Any]) -> None:
    """ContractError with every fault of the event."""
    problems = messages(usecase, event)
    if problems:
        raise ContractError(f"{usecase.name}, the event is refused: {'; '.join(problems)}")


def messages(usecase: Contract, event: Mapping[str, Any]) -> list[str]:
    """What in an event (column to plain value, None or NaN for null) breaks the contract.

    The checks are those of `plumbline.validate.contract` that a single row can break; uniqueness,
    order and time windows are the batch's. Nor may it be one that the use case is not about (`only`). Columns
    that only the outcome has must be absent; those that are `optional` may be.
    """
    late = [f"{c.name} is not known at prediction time" for c in usecase.unknown if c.name in event]
    types = {c.name: c.type for c in usecase.known}
    rows = [c for c in contract.checks(usecase) if c.table == "events"]
    problems = [_message(c, event, types[c.column]) for c in rows if c.column in types]
    found = dict.fromkeys(f for f in problems if f)
    free = {f"{name} is missing" for name in usecase.optional}
    listed = [*late, *(f for f in found if f not in free)]
    return listed or only.unmet(usecase.only, event)


def ineligible(
    usecase: FeatureSet, event: Mapping[str, Any], features: Mapping[str, Any]
) -> list[str]:
    """Why an event with these features is not scored, by the use case's `eligible`; [] where it is."""
    return only.unmet(usecase.eligible, {**features, **event}, "the model scores events")


def _message(check: ContractCheck, event: Mapping[str, Any], kind: ColumnType) -> str:
    name = check.column
    if check.kind == "columns":
        return "" if name in event else f"{name} is missing"
    value = event.get(name)
    if value is None or value != value:
        return f"{name} is null" if check.kind == "null" and name in event else ""
    fits = _fits(value, kind)
    if check.kind == "type":
        return "" if fits else f"{name} is {value!r}, expected a value of type {kind}"
    if not fits or check.kind not in ("range", "set"):
        return ""
    return f"{name} is {value!r}, expected {check.expects}" if _broken(check, value) else ""


def _fits(value: Any, kind: ColumnType) -> bool:
    """Whether a plain value is of the type; whole numbers have 64 bits, and times no zone."""
    if not isinstance(value, KINDS[kind]) or (kind != "bool" and isinstance(value, bool)):
        return False
    plain: Any = value
    if kind == "timestamp":
        return plain.tzinfo is None
    return kind != "int" or -(2**63) <= int(plain) < 2**63


def _broken(check: ContractCheck, value: Any) -> bool:
    if check.allowed:
        return value not in check.allowed
    return (check.low is not None and value < check.low) or (
        check.high is not None and value > check.high
    )
