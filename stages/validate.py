"""Reads the raw months and the last accepted profile, checks them against the contract and the profile,
writes the valid months, the rows set aside with their reasons, the new profile, Data Docs and metrics."""

from __future__ import annotations

import logging
import tempfile
from contextlib import ExitStack
from pathlib import Path

from plumbline import config
from plumbline.core import documents, duckdb_session, files, partition_cache
from plumbline.core.usecase_loader import load_contract
from plumbline.runtime import runner
from plumbline.validate import (
    check_messages,
    cluster_checker,
    contract,
    data_docs,
    expectations,
    inspection,
    kept_months,
    months,
    profile,
    summary,
    waivers,
    window_statistics,
)
from plumbline.validate.quarantine import Quarantine

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
    own = data.own_outcomes
    let_through = waivers.of(case, strict, data.as_of)
    severity = let_through.severity(strict.severity)
    checks = contract.checks(case, severity, start=data.start, as_of=data.as_of, own=own)
    before = profile.accepted(accepted)
    with ExitStack() as stack:
        checker = stack.enter_context(cluster_checker.opened())
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        connection = stack.enter_context(duckdb_session.connect(scratch))
        cache = partition_cache.of_stage("validate", kept_months.LIBRARIES)
        bad_rows = Quarantine(connection, case, months.scan(connection, case, raw), own, cache)
        results = inspection.structure(checker, bad_rows, checks, raw)
        inspection.outcomes_due(bad_rows, data.as_of, raw)
        results += inspection.rows(checker, bad_rows, checks)
        warnings = inspection.settle(bad_rows, strict.max_quarantine, let_through)

        good, aside, pages = (
            stack.enter_context(files.replacing_folder(p)) for p in (valid, quarantine, docs)
        )
        kept = bad_rows.write_valid(good)
        bad_rows.write_quarantine(aside)

        found = window_statistics.measure(bad_rows, good, before, strict, (data.start, data.as_of))
        judged = inspection.statistics(checker, found.shifts, severity)
        warnings += inspection.settle_statistics(case, found.shifts, judged, raw, let_through)

        results += judged
        uses = let_through.uses()
        reports, notes = expectations.reports(results), summary.notes(uses, found.plan)
        data_docs.write(pages, f"{case.title}: validation", reports, notes)
        rows = summary.rows(bad_rows.files, kept)
        counted = summary.summarise(rows, results, bad_rows.broken(), found, warnings, uses)
        cache.trim()
    documents.write(measured, found.profile)
    documents.write(metrics, counted)
    unaccepted = [] if before else [check_messages.unaccepted(case)]
    _log([*counted.warnings, *unaccepted], summary.sentence(rows))


def _log(warnings: list[str], sentence: str) -> None:
    for line in warnings:
        log.warning("validate: %s", line)
    log.info("validate: %s", sentence)


if __name__ == "__main__":
    runner.run(main)
