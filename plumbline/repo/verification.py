"""Verify, repair, verify again; and the result as text and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from plumbline.core.documents import Document
from plumbline.repo import object_stores, repair, revisions, state, verify
from plumbline.repo.verify import IntegrityFinding, VerifyReport


@dataclass(frozen=True)
class Verification:
    """The last report, what was repaired or could not be, and the revisions' names by commit."""

    report: VerifyReport
    outcomes: Sequence[repair.RepairOutcome]
    names: Mapping[str | None, str]


def revisions_named(root: Path, rev: str | None, *, all_tags: bool) -> dict[str | None, str]:
    """The revisions to look at: commit (None for the work tree) to the name that was given."""
    if all_tags:
        revisions.refuse_shallow(root, "--all-tags")
    names = {revisions.commit(root, rev) if rev else None: rev or "work tree"}
    for tag in revisions.tags(root) if all_tags else ():
        names.setdefault(revisions.commit(root, f"refs/tags/{tag}"), tag)
    return names


def run(
    root: Path,
    rev: str | None = None,
    *,
    all_tags: bool = False,
    where: Sequence[str] = (),
    remotes: Sequence[str] = (),
    mend: bool = False,
) -> Verification:
    """Check; with `mend` repair and check again, as long as something could be repaired."""
    settings = object_stores.settings(root)
    names = revisions_named(settings.root, rev, all_tags=all_tags)
    arguments = (settings, list(names), tuple(where or verify.WHERE), tuple(remotes))
    if mend and state.cut_lock(settings.root):
        state.refuse_running(settings.root)
    report = verify.check(*arguments)
    outcomes: list[repair.RepairOutcome] = []
    while mend and report.findings:
        tried = repair.repair(settings, report.findings)
        outcomes = [o for o in outcomes if o.source] + tried
        report = verify.check(*arguments)
        if not any(o.source for o in tried):
            break
    return Verification(report, outcomes, names)


def text(result: Verification) -> Iterator[str]:
    """A line for each repair, finding and note, then the verdict."""
    failed = [o for o in result.outcomes if not o.source]
    reasons = {(o.finding.where, o.finding.location): o.reason for o in failed}
    for outcome in result.outcomes:
        if outcome.source:
            use = outcome.finding.use
            yield f"repaired   {outcome.finding.where}: {use.path} ({use.oid}) from {outcome.source}"
    for finding in result.report.findings:
        reason = reasons.get((finding.where, finding.location))
        yield _line(finding, result.names) + (f"; not repaired: {reason}" if reason else "")
    yield from (f"note: {note}" for note in result.report.notes)
    counts = ", ".join(f"{p.where} {p.checked:,}" for p in result.report.parts if p.checked)
    kinds = Counter(f.kind for f in result.report.findings)
    verdict = ", ".join(f"{n:,} {kind}" for kind, n in sorted(kinds.items())) or "all good"
    yield f"{verdict}; checked: {counts or 'nothing: no out is recorded'}"


def _line(finding: IntegrityFinding, names: Mapping[str | None, str]) -> str:
    use = finding.use
    rev = f"{names[use.rev]}: " if use.rev else ""
    expected = f", expected {use.oid}" if use.oid else ""
    actual = f", found {finding.actual}" if finding.actual else ""
    others = f", and {finding.others:,} more" if finding.others else ""
    start = f"{finding.kind:10} {finding.where}: {rev}{use.out.stage}: {use.path}{others}"
    return f"{start}{expected}{actual} ({finding.location})"


class NamedCommit(Document):
    """A revision that was looked at; `commit` None: the work tree."""

    name: str
    commit: str | None


class FindingRecord(Document):
    """An object that is bad or missing, and what was expected and found."""

    kind: str
    where: str
    revision: str
    stage: str
    path: str
    expected: str | None
    found: str | None
    location: str
    others: int


class RepairRecord(FindingRecord):
    """The same, and from where it was restored."""

    source: str


class VerifyDocument(Document):
    """What `verify --json` prints."""

    ok: bool
    revisions: list[NamedCommit]
    checked: dict[str, int]
    findings: list[FindingRecord]
    repaired: list[RepairRecord]
    notes: list[str]


def document(result: Verification) -> VerifyDocument:
    """The same for a JSON file."""
    report, names = result.report, result.names
    repaired = [(vars(_record(o.finding, names)), o.source) for o in result.outcomes if o.source]
    return VerifyDocument(
        ok=not report.findings,
        revisions=[NamedCommit(name=name, commit=rev) for rev, name in names.items()],
        checked={part.where: part.checked for part in report.parts},
        findings=[_record(f, names) for f in report.findings],
        repaired=[RepairRecord(**finding, source=source) for finding, source in repaired],
        notes=list(report.notes),
    )


def _record(finding: IntegrityFinding, names: Mapping[str | None, str]) -> FindingRecord:
    use = finding.use
    return FindingRecord(
        kind=finding.kind,
        where=finding.where,
        revision=names[use.rev],
        stage=use.out.stage,
        path=use.path,
        expected=use.oid or None,
        found=finding.actual,
        location=str(finding.location),
        others=finding.others,
    )
