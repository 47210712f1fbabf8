"""How `validate` goes about it: structure first, then rows, then the window's statistics.

Great Expectations decides each check; the rows that break one are found with the same check in SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import duckdb

from plumbline import complaints, months
from plumbline.check import Check, Table, layout, quote, severity_of
from plumbline.errors import ContractError
from plumbline.expectations import Judge, Result, merged
from plumbline.months import File
from plumbline.params import Severity
from plumbline.shifts import Measure
from plumbline.sieve import Sieve
from plumbline.usecase import UseCase

Files = Mapping[Table, list[File]]

OF_FILES = ("columns", "type", "empty")


def structure(
    judge: Judge, usecase: UseCase, files: Files, checks: Sequence[Check], folder: Path
) -> list[Result]:
    """Check that every file has rows, the contract's columns, and their types.

    Raises ContractError with a line per problem.
    """
    results = []
    if not files["events"]:
        raise ContractError(complaints.empty(folder / "events-*.parquet"))
    for table, held in files.items():
        own = [c for c in checks if c.table == table and c.kind in OF_FILES]
        if held:
            frame = months.structure(held, [c.name for c in layout(usecase, table)])
            results += judge.judge(frame, own)
    problems = [
        line for r in results if not r.success for line in _problems(usecase, files, r.check)
    ]
    if problems:
        raise ContractError("\n".join(sorted(set(problems), key=problems.index)[:5]))
    return results


def outcomes_due(
    database: duckdb.DuckDBPyConnection,
    usecase: UseCase,
    files: Files,
    as_of: date | None,
    folder: Path,
) -> None:
    """ContractError where there are no outcomes although the first events' are due."""
    if files["outcomes"]:
        return
    if usecase.time and as_of:
        first = f"SELECT min({quote(usecase.time)}) FROM ({months.source(files['events'])})"
        earliest = database.sql(first).fetchall()[0][0]
        if earliest.date() + timedelta(days=usecase.label_delay) >= as_of:
            return
    raise ContractError(complaints.empty(folder / "outcomes-*.parquet"))


def rows(
    database: duckdb.DuckDBPyConnection,
    judge: Judge,
    usecase: UseCase,
    files: Files,
    checks: Sequence[Check],
    sieve: Sieve,
) -> list[Result]:
    """Check every row of every file, and mark those that break a check; one result per check."""
    results: list[Result] = []
    for table, held in files.items():
        own = [c for c in checks if c.table == table and c.kind not in OF_FILES]
        if not held:
            continue
        unique = [c for c in own if c.kind == "unique"]
        keys = months.keys(database, usecase, held)
        results += _marked(sieve, judge.judge(keys, unique), held)
        del keys
        single = [c for c in own if c.kind != "unique"]
        for batch in months.batches(held):
            frame = months.frame(database, batch, single)
            results += _marked(sieve, judge.judge(frame, single), batch)
    sieve.mark_removed()
    return merged(results)


def settle(usecase: UseCase, sieve: Sieve, files: Files, allowed: float) -> list[str]:
    """What was marked, in words. ContractError where a check blocks, or too many rows are bad."""
    broken = sieve.broken()
    for found in broken:
        if found.check.severity == "block":
            ratio = sieve.ratio(found.check) if found.check.kind == "range" else None
            raise ContractError(complaints.blocked(found, usecase, ratio))
    for table, held in files.items():
        total, gone = sum(f.rows for f in held), sieve.aside(table, own=True)
        if gone > allowed * total or gone == total > 0:
            own = [b for b in broken if b.check.table == table and b.check.severity == "quarantine"]
            own.sort(key=lambda b: -b.rows)
            ratio = sieve.ratio(own[0].check) if own[0].check.kind == "range" else None
            raise ContractError(
                complaints.too_many(own, usecase, rows=gone, of=total, allowed=allowed, ratio=ratio)
            )
    return [
        complaints.warning(b, sieve.ratio(b.check) if b.check.kind == "range" else None)
        for b in broken
    ]


def statistics(
    judge: Judge, measures: Sequence[Measure], severity: Mapping[str, Severity]
) -> list[Result]:
    """Judge the measures as a frame of one row, each in a column of its own."""
    import pandas as pd

    checks = [_check(m, severity) for m in measures]
    frame = pd.DataFrame({c.shown: [m.value] for c, m in zip(checks, measures, strict=True)})
    return judge.judge(frame, checks)


def settle_statistics(
    usecase: UseCase, measures: Sequence[Measure], results: Sequence[Result], folder: Path
) -> list[str]:
    """The measures that failed, in words. ContractError where one blocks."""
    failed = [(m, r) for m, r in zip(measures, results, strict=True) if not r.success]
    for measure, result in failed:
        if result.check.severity == "block":
            raise ContractError(complaints.shifted(folder, usecase, measure))
    return [f"column '{m.column}', check '{m.kind}': {m.detail}" for m, _ in failed]


def _marked(sieve: Sieve, results: list[Result], files: Sequence[File]) -> list[Result]:
    for result in results:
        if not result.success:
            marked = sieve.mark(result.check, files)
            if result.check.kind != "unique" and marked != result.broken:
                raise RuntimeError(
                    f"{result.check.name}: Great Expectations counts {result.broken} rows, SQL {marked}"
                )
    return results


def _problems(usecase: UseCase, files: Files, check: Check) -> list[str]:
    held = files["events" if check.table == "events" else "outcomes"]
    return [p for f in held if (p := _problem(usecase, f, check))]


def _problem(usecase: UseCase, file: File, check: Check) -> str | None:
    if check.kind == "empty":
        return None if file.rows else complaints.empty(file.path)
    found = file.types.get(check.column)
    if check.kind == "columns":
        extra = [n for n in file.types if n not in file.columns]
        return None if found else complaints.missing(file.path, usecase, check.column, extra)
    if found is None or found in check.allowed:
        return None
    return complaints.wrong_type(file.path, usecase, check.column, str(check.allowed[0]), found)


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
