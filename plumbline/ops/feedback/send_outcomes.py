"""A file of outcomes to the running service of a use case, and what became of them. An edge."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plumbline.core.declarations import KNOWN_AT as KNOWN_AT
from plumbline.core.documents import Document
from plumbline.core.usecase import Contract
from plumbline.ops.feedback import outcome_file
from plumbline.ops.feedback.outcome_calls import OutcomeCalls
from plumbline.ops.serving import places
from plumbline.serve.http import control

SHOWN = 20
"""Refused outcomes that are listed."""


@dataclass(frozen=True)
class SendOptions:
    """`known_at`: the column that says when an outcome became known. `most`: outcomes in a request."""

    url: str
    known_at: str = KNOWN_AT
    token: str | None = None
    ca: str | None = None
    timeout: float = 30.0
    most: int = 500


class RefusedOutcome(Document):
    """A row of the file that the service refuses, and why."""

    place: str
    problem: str


class SentOutcomes(Document):
    """What became of a file's rows. `unknown`: of those taken, of no event that the service knows: kept in its log, and
    counted once their event comes. `listed`: the first of those refused."""

    usecase: str
    file: str
    url: str
    rows: int
    taken: int
    repeated: int
    unknown: int
    refused: int
    listed: list[RefusedOutcome]
    ignored_columns: list[str]


def send(usecase: Contract, path: str, options: SendOptions) -> SentOutcomes:
    """Send the outcomes; PlumblineError where the file does not fit the contract, or the service takes none."""
    calls = OutcomeCalls(options.url, usecase.name, options.token, options.ca, options.timeout)
    with tempfile.TemporaryDirectory() as scratch:
        file = outcome_file.read(usecase, path, options.known_at, Path(scratch))
        sent = calls.send(file.outcomes, options.most)
        listed = [
            RefusedOutcome(place=file.place(place), problem=problem)
            for place, problem in sorted(sent.refused.items())[:SHOWN]
        ]
    return SentOutcomes(
        usecase=usecase.name,
        file=file.name,
        url=options.url,
        rows=len(file.outcomes),
        taken=sent.taken,
        repeated=sent.repeated,
        unknown=sent.unknown,
        refused=len(sent.refused),
        listed=listed,
        ignored_columns=file.unused,
    )


def address(project: Path, fallback: str) -> str:
    """Where the running service of the project listens, as it says itself; `fallback` where none runs."""
    path = places.control(project)
    if not control.running(path):
        return fallback
    stats: dict[str, Any] = control.call(path, {"do": "stats"})
    return str(stats.get("address") or fallback)


def lines(sent: SentOutcomes) -> Iterable[str]:
    """What became of them, as a person reads it."""
    yield f"{sent.file}: {sent.rows:,} outcomes, {sent.taken:,} taken by {sent.url}"
    if sent.repeated:
        yield f"{sent.repeated:,} were taken before, or stand twice: they count once"
    if sent.unknown:
        yield f"{sent.unknown:,} are of no event that the service knows: kept, and counted once it comes"
    if sent.ignored_columns:
        yield f"not read: {', '.join(sent.ignored_columns)}"
    if sent.refused:
        yield f"{sent.refused:,} refused; correct them, and send the file again"
        yield from (f"  {one.place}: {one.problem}" for one in sent.listed)
    if sent.refused > len(sent.listed):
        yield f"  and {sent.refused - len(sent.listed):,} more"
