"""The steps of `validate`: structure first, then rows, then the window's statistics.

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
from plumbline.validate import check_messages, months
from plumbline.validate.check import Broken, ContractCheck, TableName, layout, severity_of
from plumbline.validate.expectations import Checker, CheckResult
from plumbline.validate.months import File
from plumbline.validate.params import SHARE_LIMIT
from plumbline.validate.profile_shifts import ProfileShift
from plumbline.validate.quarantine import REMOVED, Quarantine
from plumbline.validate.row_checks import RowChecks
from plumbline.validate.unique_keys import UniqueKeys
from plumbline.validate.waivers import Waivers

OF_FILES = ("columns", "type", "empty")


def structure(
    checker: Checker, quarantine: Quarantine, checks: Sequence[ContractCheck], folder: Path
) -> list[CheckResult]:
    """Check that every file has rows, the contract's columns, and their types.

    Raises ContractError with a line per problem.
    """
    results = []
    if not quarantine.files["events"]:
        raise ContractError(check_messages.empty(folder / "events-*.parquet"))
    for table, held in quarantine.files.items():
        own = [c for c in checks if c.table == table and c.kind in OF_FILES]
        if held:
            frame = months.structure(held, [c.name for c in layout(quarantine.usecase, table)])
            results += checker.run(frame, own)
    problems = [p for r in results if not r.success for p in _problems(quarantine, r.check)]
    if problems:
        raise ContractError("\n".join(sorted(set(problems), key=problems.index)[:5]))
    return results


def outcomes_due(quarantine: Quarantine, as_of: date | None, folder: Path) -> None:
    """ContractError where there are no outcomes although the first events' are due."""
    if quarantine.files["outcomes"]:
        return
    usecase = quarantine.usecase
    if usecase.time and as_of:
        rows = months.source(quarantine.files["events"])
        first = quarantine.connection.sql(
            f"SELECT min({quote(usecase.time)}) FROM ({rows})"
        ).fetchall()
        if first[0][0].date() + timedelta(days=usecase.delay_days) >= as_of:
            return
    raise ContractError(check_messages.empty(folder / "outcomes-*.parquet"))


def rows(
    checker: Checker, quarantine: Quarantine, checks: Sequence[ContractCheck]
) -> list[CheckResult]:
    """Check every row of every file, and mark those that break a check; one result per check."""
    results: list[CheckResult] = []
    repeated: list[ContractCheck] = []
    for table, held in quarantine.files.items():
        own = [c for c in checks if c.table == table and c.kind not in OF_FILES]
        if not held:
            continue
        for check in (c for c in own if c.kind == "unique"):
            results.append(UniqueKeys(checker, quarantine, table).run(check))
            repeated += [] if results[-1].success else [check]
        single = [c for c in own if c.kind != "unique"]
        results += RowChecks(checker, quarantine, table, single).run()
    quarantine.mark_copies(repeated)
    quarantine.mark_removed()
    return results


def settle(quarantine: Quarantine, allowed: float, waivers: Waivers) -> list[str]:
    """What was marked, in words. ContractError where a check blocks, or too many rows are bad."""
    broken = quarantine.broken()
    for one in broken:
        text = check_messages.blocked(one, quarantine.usecase, _ratio(quarantine, one))
        if one.check.severity == "block":
            raise ContractError(text + waivers.expiry(one.check.name))
        waivers.use(one.check.name, one.rows, text)
    for table in quarantine.files:
        _check_share(quarantine, table, broken, allowed, waivers)
    return [check_messages.warning(b, _ratio(quarantine, b)) for b in broken]


def statistics(
    checker: Checker, measures: Sequence[ProfileShift], severity: Mapping[str, Severity]
) -> list[CheckResult]:
    """Judge the measures as a frame of one row, each in a column of its own."""
    import pandas as pd

    checks = [_check(m, severity) for m in measures]
    frame = pd.DataFrame({c.shown: [m.value] for c, m in zip(checks, measures, strict=True)})
    return checker.run(frame, checks)


def settle_statistics(
    usecase: Contract,
    measures: Sequence[ProfileShift],
    results: Sequence[CheckResult],
    folder: Path,
    waivers: Waivers,
) -> list[str]:
    """The measures that failed, in words. ContractError where one blocks."""
    failed = [(m, r) for m, r in zip(measures, results, strict=True) if not r.success]
    for measure, result in failed:
        if result.check.severity == "block":
            text = check_messages.shifted(folder, usecase, measure)
            raise ContractError(text + waivers.expiry(result.check.name))
        waivers.use(result.check.name, None, "")
    return [f"column '{m.column}', check '{m.kind}': {m.detail}" for m, _ in failed]


def _check_share(
    quarantine: Quarantine,
    table: TableName,
    broken: Sequence[Broken],
    allowed: float,
    waivers: Waivers,
) -> None:
    total, gone = (
        sum(f.rows for f in quarantine.files[table]),
        quarantine.set_aside(table, own=True),
    )
    if gone <= allowed * total and not gone == total > 0:
        return
    own = [b for b in broken if b.check.table == table and b.check.severity == "quarantine"]
    own = sorted((b for b in own if b.check.kind != REMOVED), key=lambda b: -b.rows)
    ratio = _ratio(quarantine, own[0])
    text = check_messages.too_many(
        own, quarantine.usecase, rows=gone, of=total, allowed=allowed, ratio=ratio
    )
    name = f"{table}.{SHARE_LIMIT}"
    if gone == total or not waivers.use(name, gone, text):
        raise ContractError(text + waivers.expiry(name))


def _ratio(quarantine: Quarantine, broken: Broken) -> float | None:
    return quarantine.ratio(broken.check) if broken.check.kind == "range" else None


def _problems(quarantine: Quarantine, check: ContractCheck) -> list[str]:
    held = quarantine.files["events" if check.table == "events" else "outcomes"]
    return [p for f in held if (p := _problem(quarantine.usecase, f, check))]


def _problem(usecase: Contract, file: File, check: ContractCheck) -> str | None:
    if check.kind == "empty":
        return None if file.rows else check_messages.empty(file.path)
    actual = file.types.get(check.column)
    if check.kind == "columns":
        extra = [n for n in file.types if n not in file.columns]
        return None if actual else check_messages.missing(file.path, usecase, check.column, extra)
    if actual is None or actual in check.allowed:
        return None
    return check_messages.wrong_type(
        file.path, usecase, check.column, str(check.allowed[0]), actual
    )


def _check(measure: ProfileShift, severity: Mapping[str, Severity]) -> ContractCheck:
    return ContractCheck(
        "statistics",
        measure.kind,
        measure.column,
        severity_of(severity, measure.column, measure.kind),
        f"{_limits(measure)}; found: {measure.detail}",
        f"{measure.column}, {measure.kind}",
        low=measure.low,
        high=measure.high,
    )


def _limits(measure: ProfileShift) -> str:
    bounds = ((measure.low, "at least"), (measure.high, "at most"))
    return " and ".join(f"{words} {bound:.3g}" for bound, words in bounds if bound is not None)
