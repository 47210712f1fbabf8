"""Reads the raw months and the last accepted profile, checks them against the contract and the profile,
writes the valid months, the rows set aside with their reasons, the new profile, Data Docs and metrics."""

from __future__ import annotations

import logging
import tempfile
from contextlib import ExitStack
from pathlib import Path

from plumbline import (
    complaints,
    contract,
    datadocs,
    duck,
    expectations,
    files,
    inspection,
    months,
    params,
    profile,
    runner,
    shifts,
    tally,
)
from plumbline.check import Table
from plumbline.sieve import Sieve
from plumbline.usecase import load

log = logging.getLogger("plumbline")


def main(
    usecase: str,
    raw: Path,
    accepted: Path,
    valid: Path,
    quarantine: Path,
    measured: Path,
    docs: Path,
    metrics: Path,
) -> None:
    """`raw`, `valid`, `quarantine`, `docs`: folders; `accepted`, `measured`: profiles; `metrics`: JSON."""
    case, chosen = load(usecase), params.load(usecase)
    strict, data = chosen.validate_, chosen.data
    checks = contract.checks(case, strict.severity, start=data.start, as_of=data.as_of)
    before = profile.accepted(accepted)
    judge = expectations.Judge()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = stack.enter_context(duck.connect(scratch))
        held = months.scan(database, case, raw)
        structure = inspection.structure(judge, case, held, checks, raw)
        inspection.outcomes_due(database, case, held, data.as_of, raw)
        sieve = Sieve(database, case, held)
        results = structure + inspection.rows(database, judge, case, held, checks, sieve)
        warnings = inspection.settle(case, sieve, held, strict.max_quarantine)
        good = stack.enter_context(files.replacing_folder(valid))
        aside = stack.enter_context(files.replacing_folder(quarantine))
        kept = sieve.write_valid(good)
        sieve.write_quarantine(aside)

        span = profile.window(database, case, held["events"], data.as_of, strict.window_days)
        now = profile.measure(database, case, months.scan(database, case, good), span)
        days = profile.by_day(database, case, held, span)
        found = shifts.measures(before, now, strict, days)
        judged = inspection.statistics(judge, found, strict.severity)
        warnings += inspection.settle_statistics(case, found, judged, raw)
        if not before:
            log.warning("validate: %s", complaints.unaccepted(case))

        tables = {table: [r for r in results if r.check.table == table] for table in held}
        reports = {name: expectations.report(name, rs) for name, rs in tables.items() if rs}
        reports["statistics"] = expectations.report("statistics", judged)
        datadocs.write(
            stack.enter_context(files.replacing_folder(docs)), f"{case.title}: validation", reports
        )
        files.write_json(measured, now)
        rows = {table: (sum(f.rows for f in fs), kept[table]) for table, fs in held.items()}
        total = tally.metrics(rows, results + judged, sieve.broken(), found, warnings)
    files.write_json(metrics, total)
    for line in warnings:
        log.warning("validate: %s", line)
    log.info("validate: %d of %d events, %d of %d outcomes kept", *_counts(rows))


def _counts(rows: dict[Table, tuple[int, int]]) -> tuple[int, ...]:
    return tuple(n for before, after in rows.values() for n in (after, before))


if __name__ == "__main__":
    runner.run(main)
