"""What a reproduction found, as a table and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

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


def document(
    done: Reproduction, environment: Mapping[str, str], *, clean_room: bool
) -> dict[str, Any]:
    """The same as values for a JSON file. `environment`: the variables that were set for the run."""
    return {
        "commit": done.commit,
        "same": done.same,
        "clean_room": clean_room,
        "environment": dict(environment),
        "machine": reproduce.about(),
        "failed": {"stage": done.failed, "message": done.message} if done.failed else None,
        "outs": [_out(result) for result in done.results],
    }


def _out(result: ReproducedOut) -> dict[str, str | None]:
    fields = {name: getattr(result, name) for name in ("stage", "path", "result", "expected")}
    return {**fields, "found": result.actual}
