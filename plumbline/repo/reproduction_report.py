"""What a reproduction found, as a table and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from plumbline.core.documents import Document
from plumbline.repo import reproduce
from plumbline.repo.reproduce import ReproducedOut, Reproduction


def table(done: Reproduction) -> Iterator[str]:
    """Stage, output, result and both md5s in columns; the message of a failed stage; the count."""
    head = ("stage", "output", "result", "recorded", "this run")
    rows = [(r.stage, r.path, r.result, r.expected or "-", r.actual or "-") for r in done.results]
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    for row in (head, *rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    if done.failed:
        yield from ("", f"{done.failed} failed:", *done.message.split("\n"), "")
    counts = Counter(r.result for r in done.results)
    yield f"{done.commit}: " + ", ".join(f"{n} {kind}" for kind, n in sorted(counts.items()))


class ReproductionFailure(Document):
    """The stage that failed, and its message."""

    stage: str
    message: str


class ReproducedOutRecord(Document):
    """An out, its recorded md5, and the one of this run."""

    stage: str
    path: str
    result: str
    expected: str | None
    found: str | None


class ReproductionDocument(Document):
    """What `reproduce --json` writes."""

    commit: str
    same: bool
    clean_room: bool
    environment: dict[str, str]
    machine: dict[str, str]
    failed: ReproductionFailure | None
    outs: list[ReproducedOutRecord]


def document(
    done: Reproduction, environment: Mapping[str, str], *, clean_room: bool
) -> ReproductionDocument:
    """The same for a JSON file. `environment`: the variables that were set for the run."""
    failed = ReproductionFailure(stage=done.failed, message=done.message) if done.failed else None
    return ReproductionDocument(
        commit=done.commit,
        same=done.same,
        clean_room=clean_room,
        environment=dict(environment),
        machine=reproduce.about(),
        failed=failed,
        outs=[_out(result) for result in done.results],
    )


def _out(out: ReproducedOut) -> ReproducedOutRecord:
    return ReproducedOutRecord(
        stage=out.stage,
        path=out.path,
        result=out.result,
        expected=out.expected,
        found=out.actual,
    )
