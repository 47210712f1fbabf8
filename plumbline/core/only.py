"""Whether a row meets an `Only` rule: one rule, as SQL for a table, and for one event. A null meets none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from plumbline.core.declaration_checks import check_values
from plumbline.core.declarations import Array, Column, Columns, Only
from plumbline.core.errors import SpecError, suggest
from plumbline.core.sql import literal, quote

if TYPE_CHECKING:
    from plumbline.core.usecase import Contract, FeatureSet


def sql(rule: Only) -> str:
    """True, false or, of a null, null."""
    name = quote(rule.column)
    parts = [f"{name} IN ({', '.join(map(_literal, rule.values))})"] if rule.values else []
    parts += [] if rule.low is None else [f"{name} >= {_literal(rule.low)}"]
    parts += [] if rule.high is None else [f"{name} < {_literal(rule.high)}"]
    return " AND ".join(parts)


def holds(rule: Only, value: Any) -> bool:
    """Whether a plain value (None or NaN for null) meets the rule."""
    if value is None or value != value:
        return False
    inside = value in rule.values if rule.values else True
    above = rule.low is None or value >= rule.low
    return bool(inside and above and (rule.high is None or value < rule.high))


def mask(rules: Sequence[Only], columns: Columns, rows: int) -> Array:
    """Which of n rows meet all rules, bool (n,)."""
    met = np.ones(rows, bool)
    for rule in rules:
        met &= np.array([holds(rule, value) for value in columns[rule.column].tolist()], bool)
    return met


def words(rule: Only) -> str:
    """What the rule expects: 'status one of paid, shipped', 'distance from 100 to below 500'."""
    parts = [f"one of {', '.join(map(str, rule.values))}"] if rule.values else []
    parts += [] if rule.low is None else [f"from {rule.low:g}"]
    parts += [] if rule.high is None else [f"below {rule.high:g}"]
    return f"{rule.column} {' and '.join(parts)}"


def unmet(
    rules: Sequence[Only], event: Mapping[str, Any], what: str = "the use case is about rows"
) -> list[str]:
    """What an event does not meet, in words; rules of columns that it does not have are passed over."""
    broken = [r for r in rules if r.column in event and not holds(r, event[r.column])]
    return [f"{r.column} is {event[r.column]!r}, and {what} with {words(r)}" for r in broken]


def check(usecase: Contract) -> None:
    """SpecError unless each rule compares a known column with values of its type, each column once."""
    _check_all(
        f"usecases/{usecase.name}/contract.py: only",
        usecase.only,
        {c.name: c for c in usecase.known},
    )


def check_eligible(usecase: FeatureSet) -> None:
    """SpecError unless each rule compares a known column or a feature, each once."""
    coded = {c.name for c in usecase.categories}
    numbers = {n: Column(n, "float", "-", "") for n in usecase.available}
    own = {c.name: c for c in usecase.known if c.name not in coded}
    where = f"usecases/{usecase.name}/features.py: eligible"
    for rule in usecase.eligible:
        if rule.column in {e.name for e in usecase.encodings}:
            raise SpecError(f"{where}: '{rule.column}' is learned from labels; name its column.")
    _check_all(where, usecase.eligible, {**numbers, **own})


def _check_all(where: str, rules: Sequence[Only], reach: Mapping[str, Column]) -> None:
    for number, rule in enumerate(rules):
        if rule.column not in reach:
            raise SpecError(
                f"{where}: '{rule.column}' is nothing that is known at prediction time; "
                f"{suggest(rule.column, reach)}."
            )
        _check(f"{where}: '{rule.column}'", rule, reach[rule.column])
        if rule.column in [r.column for r in rules[:number]]:
            raise SpecError(f"{where}: '{rule.column}' has two rules; make one of them.")


def _check(where: str, rule: Only, column: Column) -> None:
    if not rule.values and rule.low is None and rule.high is None:
        raise SpecError(f"{where} is compared with nothing; give values, low or high.")
    if column.type == "timestamp":
        raise SpecError(f"{where} is a timestamp; use data.start and data.as_of in params.yaml.")
    check_values(f"{where}: values", rule.values, column)
    if (rule.low, rule.high) != (None, None) and column.type not in ("int", "float"):
        raise SpecError(f"{where} is of type {column.type}, which has no range; give values.")


def _literal(value: Any) -> str:
    """As SQL, exactly: a fraction as a double, which a plain literal would not be."""
    if not isinstance(value, float):
        return literal(value)
    return str(int(value)) if value.is_integer() else f"'{value!r}'::DOUBLE"
