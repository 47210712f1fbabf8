"""Reads the raw months and the last accepted profile, checks them against the contract and the profile,
writes the valid months, the rows set aside with their reasons, the new profile, Data Docs and metrics."""

from __future__ import annotations

import logging
import tempfile
from contextlib import ExitStack
from pathlib import Path

from plumbline import config
from plumbline.core import duckdb_session, files
from plumbline.core.usecase_loader import load_contract
from plumbline.runtime import runner
from plumbline.validate import (
    contract,
    data_docs,
    expectations,
    inspection,
    messages,
    months,
    profile,
    profile_shifts,
    summary,
)
from plumbline.validate.quarantine import Sieve

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
    case, chosen = load_contract(usecase), config.load(usecase)
    strict, data = chosen.validate_, chosen.data
    checks = contract.checks(case, strict.severity, start=data.start, as_of=data.as_of)
    before = profile.accepted(accepted)
    judge = expectations.Judge()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = stack.enter_context(duckdb_session.connect(scratch))
        sieve = Sieve(database, case, months.scan(database, case, raw))
        results = inspection.structure(judge, sieve, checks, raw)
        inspection.outcomes_due(sieve, data.as_of, raw)
        results += inspection.rows(judge, sieve, checks)
        warnings = inspection.settle(sieve, strict.max_quarantine)

        good, aside, pages = (
            stack.enter_context(files.replacing_folder(p)) for p in (valid, quarantine, docs)
        )
        kept = sieve.write_valid(good)
        sieve.write_quarantine(aside)

        span = profile.window(database, case, sieve.files["events"], data.as_of, strict.window_days)
        now = profile.measure(database, case, months.scan(database, case, good), span)
        days = profile.by_day(database, case, sieve.files, span)
        found = profile_shifts.measures(before, now, strict, days)
        judged = inspection.statistics(judge, found, strict.severity)
        warnings += inspection.settle_statistics(case, found, judged, raw)

        results += judged
        data_docs.write(pages, f"{case.title}: validation", expectations.reports(results))
        rows = summary.rows(sieve.files, kept)
        counted = summary.metrics(rows, results, sieve.broken(), found, warnings)
    files.write_json(measured, now)
    files.write_json(metrics, counted)
    for line in [*warnings, *([] if before else [messages.unaccepted(case)])]:
        log.warning("validate: %s", line)
    log.info("validate: %s", summary.words(rows))


if __name__ == "__main__":
    runner.run(main)
