"""An event that keeps the contract, for a document's examples. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from plumbline.core import only
from plumbline.core.declarations import Column, Only
from plumbline.core.usecase import Contract
from plumbline.serve.online import column_checks, times
from plumbline.serve.online.column_checks import ColumnCheck
from plumbline.serve.online.refusals import Fault

PLAIN_NUMBERS = (100, 10, 1, 0, 1_000)
SECONDS_AGO = 30


def event(usecase: Contract, now: datetime) -> dict[str, Any]:
    """A JSON event half a minute before `now` (UTC), of a key that later examples do not have."""
    checks = column_checks.compiled(usecase, usecase.known, "events", ())
    rules = {rule.column: rule for rule in usecase.only}
    pairs = zip(usecase.known, checks, strict=True)
    return {c.name: _value(usecase, c, check, now, rules.get(c.name)) for c, check in pairs}


def outcome(usecase: Contract, now: datetime) -> dict[str, Any]:
    """An outcome of the example's event, known now."""
    fields = column_checks.outcome_fields(usecase)
    return {c.name: _value(usecase, c, check, now) for c, check in fields if check.required}


def _value(
    usecase: Contract, column: Column, check: ColumnCheck, now: datetime, rule: Only | None = None
) -> Any:
    """The plainest value that passes; None where there is none."""
    candidates = _candidates(column, now, rule)
    if column.name == usecase.key:
        stamp = int((now - times.EPOCH).total_seconds())
        candidates = chain((stamp, f"example-{stamp}"), candidates)
    return next((v for v in candidates if _fits(check, v, rule)), None)


def _fits(check: ColumnCheck, value: Any, rule: Only | None) -> bool:
    try:
        plain = check.plain(value)
    except Fault:
        return False
    return rule is None or only.holds(rule, plain)


def _candidates(column: Column, now: datetime, rule: Only | None) -> Iterator[Any]:
    """Values that may do, the plainest first."""
    yield from rule.values if rule else ()
    yield from column.allowed
    if column.type == "timestamp":
        at = (now - timedelta(seconds=SECONDS_AGO)).replace(microsecond=0)
        yield at.isoformat() + ("" if times.is_local(column) else "Z")
    yield from (False, "example", *PLAIN_NUMBERS)
    ends = [column.min, column.max, *((rule.low, rule.high) if rule else ())]
    numbers = [end for end in ends if end is not None]
    for number in numbers:
        yield from (int(number), int(number) + 1, int(number) - 1, float(number))
    yield sum(numbers) / max(len(numbers), 1)
