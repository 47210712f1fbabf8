"""Faults of single columns: missing, all null, nulls, new values, out of range, one repeated value."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from plumbline.core.declarations import Array
from plumbline.monitor import chances
from plumbline.monitor.binning import RARE, ColumnSpec
from plumbline.monitor.check_context import ROWS, CheckContext
from plumbline.monitor.period_summary import RawColumn
from plumbline.monitor.verdict import Finding, Level
from plumbline.report import numbers


def findings(context: CheckContext, spec: ColumnSpec) -> Iterator[Finding]:
    """The faults of one raw column, or of a feature that is missing or of another type."""
    level: Level = "alert" if context.important(spec) else "warning"
    if spec.name in context.now.problems:
        check, text = context.now.problems[spec.name]
        yield _finding(check, level, 1.0, text, spec, f"{spec.name} {text}")
        return
    nulls = context.now.nulls[spec.name]
    before = context.counts(lambda s: s.nulls.get(spec.name, 0), 0.0)
    if nulls == context.now.rows and before[0].sum() < before[1].sum():
        text = f"no value in {context.now.rows:,} rows"
        yield _finding("all_null", level, 1.0, text, spec, f"null in {numbers.share(1.0)} of rows")
        return
    cause = f"null in {numbers.share(nulls / context.now.rows)} of rows"
    yield from _rated(context, spec, "null_share", nulls, before, "null", cause)
    raw = context.now.raw.get(spec.name)
    if raw is not None and context.now.rows >= context.limits.min_rows:
        yield from _value_faults(context, spec, raw, level, nulls)


def _value_faults(
    context: CheckContext, spec: ColumnSpec, raw: RawColumn, level: Level, nulls: int
) -> Iterator[Finding]:
    if raw.distinct == 1 and spec.size > 1 and nulls == 0 and _varied(context, spec):
        text = f"all {context.now.rows:,} values are the same; they varied before"
        yield _finding("constant", level, 1.0, text, spec, "stuck at one value")
        return
    if spec.kind == "category":
        yield from _unseen(context, spec, raw)
    if spec.rare is not None:
        before = context.counts(lambda s: s.raw.get(spec.name, RawColumn()).rare, RARE)
        text, cause = "where training had almost none", "values out of range"
        if raw.disallowed:
            text += f" ({raw.disallowed:,} beyond the contract's {_range(spec)})"
        yield from _rated(context, spec, "outside", raw.rare, before, text, cause)
        yield from _stuck(context, spec, raw)


def _rated(
    context: CheckContext,
    spec: ColumnSpec,
    check: str,
    count: int,
    before: tuple[Array, Array],
    text: str,
    cause: str,
) -> Iterator[Finding]:
    """A share of rows that is higher than the past explains."""
    chance, expected = chances.rate(count, context.now.rows, *before)
    share = count / context.now.rows
    level = context.graded(
        chance, share - expected, context.limits.fault_share, important=context.important(spec)
    )
    if level:
        evidence = f"{share:.1%} {text}, {expected:.2%} before"
        yield _finding(check, level, share - expected, evidence, spec, cause)


def _unseen(context: CheckContext, spec: ColumnSpec, raw: RawColumn) -> Iterator[Finding]:
    before = context.counts(lambda s: s.raw.get(spec.name, RawColumn()).unseen, 0.0)
    names = " and ".join(f"'{n}'" for n in raw.names[:3])
    cause = f"new {spec.name} {names}"
    yield from _rated(context, spec, "unseen", raw.unseen, before, "new values", cause)


def _stuck(context: CheckContext, spec: ColumnSpec, raw: RawColumn) -> Iterator[Finding]:
    value, count, alone = raw.top
    rows = context.now.rows
    before = context.counts(lambda s: s.raw.get(spec.name, RawColumn()).top[1])
    chance, expected = _commonest(count, rows, before)
    size = count / rows - expected
    level = context.graded(
        chance, size, context.limits.fault_share, important=context.important(spec)
    )
    if not level:
        return
    where = f"; {alone:,} of these rows in entities with no other value" if alone else ""
    text = (
        f"{count / rows:.1%} of rows are {value:g}, the commonest had {expected:.2%} before{where}"
    )
    cause = f"stuck at {value:g} in {numbers.share(count / rows)} of rows"
    yield _finding("stuck", level, size, text, spec, cause)


def _commonest(count: int, rows: int, before: tuple[Array, Array]) -> tuple[float, float]:
    """The chance that the commonest new value is so common, and its expected share.

    It is an extreme: both the logs of its past shares and a count with its past mean must be exceeded.
    """
    if not len(before[0]):
        return 1.0, 0.0
    shares = (before[0] + 0.5) / (before[1] + 1)
    expected = float(shares.mean())
    floor = 0.5 * float(np.sqrt(max(1 / max(expected * rows, 1.0), 0.04)))
    logs = np.append(np.log(shares), np.log((count + 0.5) / (rows + 1)))
    chance = chances.moderated({"": logs}, np.ones(len(logs), bool), floor=floor, upper=True)[""]
    return max(chance, chances.rate(count, rows, *before)[0]), expected


def _range(spec: ColumnSpec) -> str:
    """The contract's range of a number.

    >>> _range(ColumnSpec("age", "numeric", True, allowed=(0.0, float("inf"))))
    'least of 0'
    """
    low, high = spec.allowed
    ends = [f"least of {low:,g}"] * (low > -np.inf) + [f"most of {high:,g}"] * (high < np.inf)
    return " and ".join(ends)


def _varied(context: CheckContext, spec: ColumnSpec) -> bool:
    """Whether the column never was constant before, and one value for all rows is no chance."""
    counts = context.baseline.reference[-1, spec.bin_range]
    share = float(counts.max() / max(1.0, counts.sum()))
    unlikely = share**context.now.rows < context.alert
    return unlikely and all(r.distinct != 1 for r in context.raw_columns(spec))


def _finding(
    check: str, level: Level, size: float, text: str, spec: ColumnSpec, cause: str
) -> Finding:
    return Finding(check, level, size, ROWS, text, spec.name, spec.reach, cause)
