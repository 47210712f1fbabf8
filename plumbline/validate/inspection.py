"""How `validate` goes about it: structure first, then rows, then the window's statistics.

Great Expectations decides each check; the rows that break one are found with the same check in SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from plumbline.core.errors import ContractError
from plumbline.core.params_base import Severity
from plumbline.core.sql import quote
from plumbline.core.usecase import Contract
from plumbline.validate import messages, months
from plumbline.validate.check import Broken, Check, Table, layout, severity_of
from plumbline.validate.expectations import Judge, Result, merged
from plumbline.validate.months import File
from plumbline.validate.profile_shifts import Measure
from plumbline.validate.quarantine import REMOVED, Sieve

OF_FILES = ("columns", "type", "empty")


def structure(judge: Judge, sieve: Sieve, checks: Sequence[Check], folder: Path) -> list[Result]:
    """Check that every file has rows, the contract's columns, and their types.

    Raises ContractError with a line per problem.
    """
    results = []
    if not sieve.files["events"]:
        raise ContractError(messages.empty(folder / "events-*.parquet"))
    for table, held in sieve.files.items():
        own = [c for c in checks if c.table == table and c.kind in OF_FILES]
        if held:
            frame = months.structure(held, [c.name for c in layout(sieve.usecase, table)])
            results += judge.judge(frame, own)
    problems = [p for r in results if not r.success for p in _problems(sieve, r.check)]
    if problems:
        raise ContractError("\n".join(sorted(set(problems), key=problems.index)[:5]))
    return results


def outcomes_due(sieve: Sieve, as_of: date | None, folder: Path) -> None:
    """ContractError where there are no outcomes although the first events' are due."""
    if sieve.files["outcomes"]:
        return
    usecase = sieve.usecase
    if usecase.time and as_of:
        rows = months.source(sieve.files["events"])
        first = sieve.database.sql(f"SELECT min({quote(usecase.time)}) FROM ({rows})").fetchall()
        if first[0][0].date() + timedelta(days=usecase.label_delay) >= as_of:
            return
    raise ContractError(messages.empty(folder / "outcomes-*.parquet"))


def rows(judge: Judge, sieve: Sieve, checks: Sequence[Check]) -> list[Result]:
    """Check every row of every file, and mark those that break a check; one result per check."""
    results: list[Result] = []
    for table, held in sieve.files.items():
        own = [c for c in checks if c.table == table and c.kind not in OF_FILES]
        if not held:
            continue
        unique = [c for c in own if c.kind == "unique"]
        keys = months.keys(sieve.database, sieve.usecase, held)
        results += _marked(sieve, judge.judge(keys, unique), held)
        del keys
        single = [c for c in own if c.kind != "unique"]
        for batch, frame in months.frames(sieve.database, held, single):
            results += _marked(sieve, judge.judge(frame, single), batch)
    sieve.mark_removed()
    return merged(results)


def settle(sieve: Sieve, allowed: float) -> list[str]:
    """What was marked, in words. ContractError where a check blocks, or too many rows are bad."""
    broken = sieve.broken()
    for found in broken:
        if found.check.severity == "block":
            raise ContractError(messages.blocked(found, sieve.usecase, _ratio(sieve, found)))
    for table in sieve.files:
        _few_enough(sieve, table, broken, allowed)
    return [messages.warning(b, _ratio(sieve, b)) for b in broken]


def statistics(
    judge: Judge, measures: Sequence[Measure], severity: Mapping[str, Severity]
) -> list[Result]:
    """Judge the measures as a frame of one row, each in a column of its own."""
    import pandas as pd

    checks = [_check(m, severity) for m in measures]
    frame = pd.DataFrame({c.shown: [m.value] for c, m in zip(checks, measures, strict=True)})
    return judge.judge(frame, checks)


def settle_statistics(
    usecase: Contract, measures: Sequence[Measure], results: Sequence[Result], folder: Path
) -> list[str]:
    """The measures that failed, in words. ContractError where one blocks."""
    failed = [(m, r) for m, r in zip(measures, results, strict=True) if not r.success]
    for measure, result in failed:
        if result.check.severity == "block":
            raise ContractError(messages.shifted(folder, usecase, measure))
    return [f"column '{m.column}', check '{m.kind}': {m.detail}" for m, _ in failed]


def _few_enough(sieve: Sieve, table: Table, broken: Sequence[Broken], allowed: float) -> None:
    total, gone = sum(f.rows for f in sieve.files[table]), sieve.aside(table, own=True)
    if gone <= allowed * total and not gone == total > 0:
        return
    own = [b for b in broken if b.check.table == table and b.check.severity == "quarantine"]
    own = sorted((b for b in own if b.check.kind != REMOVED), key=lambda b: -b.rows)
    ratio = _ratio(sieve, own[0])
    raise ContractError(
        messages.too_many(own, sieve.usecase, rows=gone, of=total, allowed=allowed, ratio=ratio)
    )


def _ratio(sieve: Sieve, broken: Broken) -> float | None:
    return sieve.ratio(broken.check) if broken.check.kind == "range" else None


def _marked(sieve: Sieve, results: list[Result], files: Sequence[File]) -> list[Result]:
    for result in results:
        if not result.success:
            marked = sieve.mark(result.check, files)
            if result.check.kind != "unique" and marked != result.broken:
                raise RuntimeError(
                    f"{result.check.name}: Great Expectations counts {result.broken} rows, SQL {marked}"
                )
    return results


def _problems(sieve: Sieve, check: Check) -> list[str]:
    held = sieve.files["events" if check.table == "events" else "outcomes"]
    return [p for f in held if (p := _problem(sieve.usecase, f, check))]


def _problem(usecase: Contract, file: File, check: Check) -> str | None:
    if check.kind == "empty":
        return None if file.rows else messages.empty(file.path)
    found = file.types.get(check.column)
    if check.kind == "columns":
        extra = [n for n in file.types if n not in file.columns]
        return None if found else messages.missing(file.path, usecase, check.column, extra)
    if found is None or found in check.allowed:
        return None
    return messages.wrong_type(file.path, usecase, check.column, str(check.allowed[0]), found)


def _check(measure: Measure, severity: Mapping[str, Severity]) -> Check:
    return Check(
        "statistics",
        measure.kind,
        measure.column,
        severity_of(severity, measure.column, measure.kind),
        f"{_limits(measure)}; found: {measure.detail}",
        f"{measure.column}, {measure.kind}",
        low=measure.low,
        high=measure.high,
    )


def _limits(measure: Measure) -> str:
    bounds = ((measure.low, "at least"), (measure.high, "at most"))
    return " and ".join(f"{words} {bound:.3g}" for bound, words in bounds if bound is not None)
