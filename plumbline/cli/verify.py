"""`verify [REV]`: hash every object that a revision names, wherever it stands, and repair what is bad."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from plumbline.repo import object_stores as places
from plumbline.repo import repair, revisions, state, verify
from plumbline.repo.verify import Finding, Report


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("verify", help="hash every recorded object again, and repair")
    parser.add_argument("rev", nargs="?", help="commit, tag or branch; the work tree without it")
    parser.add_argument("--all-tags", action="store_true", help="every tag's objects too")
    parser.add_argument("--repair", action="store_true", help="fetch bad and missing objects again")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    choices = {"choices": verify.WHERE, "action": "append", "metavar": "PLACE"}
    parser.add_argument("--in", **choices, help="only workspace, cache or remote")
    parser.add_argument("--remote", action="append", help="this remote in place of the default one")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Check, repair if asked, check again; 0 when all is good, 1 when something is not."""
    settings = places.settings(Path("."))
    names = revs(settings.root, chosen.rev, chosen.all_tags)
    where = tuple(vars(chosen)["in"] or verify.WHERE)
    arguments = (settings, list(names), where, tuple(chosen.remote or ()))
    if chosen.repair and state.cut_lock(settings.root):
        state.refuse_running(settings.root)
    report = verify.check(*arguments)
    outcomes: list[repair.Outcome] = []
    while chosen.repair and report.findings:
        tried = repair.repair(settings, report.findings)
        outcomes = [o for o in outcomes if o.source] + tried
        report = verify.check(*arguments)
        if not any(o.source for o in tried):
            break
    show = _json if chosen.json else _text
    sys.stdout.writelines(f"{line}\n" for line in show(report, outcomes, names))
    return 1 if report.findings else 0


def revs(root: Path, rev: str | None, all_tags: bool) -> dict[str | None, str]:
    """The revisions asked for: commit (None for the work tree) to the name that was given."""
    found = {revisions.commit(root, rev) if rev else None: rev or "work tree"}
    for tag in revisions.tags(root) if all_tags else ():
        found.setdefault(revisions.commit(root, f"refs/tags/{tag}"), tag)
    return found


def _text(
    report: Report, outcomes: Sequence[repair.Outcome], names: dict[str | None, str]
) -> Iterator[str]:
    reasons = {(o.finding.where, o.finding.location): o.reason for o in outcomes if not o.source}
    for outcome in outcomes:
        if outcome.source:
            use = outcome.finding.use
            yield f"repaired   {outcome.finding.where}: {use.path} ({use.oid}) from {outcome.source}"
    for finding in report.findings:
        reason = reasons.get((finding.where, finding.location))
        yield _line(finding, names) + (f"; not repaired: {reason}" if reason else "")
    yield from (f"note: {note}" for note in report.notes)
    places = ", ".join(f"{p.where} {p.checked:,}" for p in report.parts if p.checked)
    kinds = Counter(f.kind for f in report.findings)
    verdict = ", ".join(f"{n:,} {kind}" for kind, n in sorted(kinds.items())) or "all good"
    yield f"{verdict}; checked: {places or 'nothing: no out is recorded'}"


def _line(finding: Finding, names: dict[str | None, str]) -> str:
    use = finding.use
    rev = f"{names[use.rev]}: " if use.rev else ""
    expected = f", expected {use.oid}" if use.oid else ""
    found = f", found {finding.found}" if finding.found else ""
    others = f", and {finding.others:,} more" if finding.others else ""
    start = f"{finding.kind:10} {finding.where}: {rev}{use.out.stage}: {use.path}{others}"
    return f"{start}{expected}{found} ({finding.location})"


def _json(
    report: Report, outcomes: Iterable[repair.Outcome], names: dict[str | None, str]
) -> Iterator[str]:
    done = [o for o in outcomes if o.source]
    whole = {
        "ok": not report.findings,
        "revisions": [{"name": name, "commit": rev} for rev, name in names.items()],
        "checked": {part.where: part.checked for part in report.parts},
        "findings": [_record(f, names) for f in report.findings],
        "repaired": [{**_record(o.finding, names), "source": o.source} for o in done],
        "notes": list(report.notes),
    }
    yield json.dumps(whole, indent=2)


def _record(finding: Finding, names: dict[str | None, str]) -> dict[str, Any]:
    use = finding.use
    return {
        "kind": finding.kind,
        "where": finding.where,
        "revision": names[use.rev],
        "stage": use.out.stage,
        "path": use.path,
        "expected": use.oid or None,
        "found": finding.found,
        "location": finding.location,
        "others": finding.others,
    }
