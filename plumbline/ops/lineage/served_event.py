"""The lineage of an answer that a service gave: from its row of the log to the bundle, and on to the sources.

An edge: reads git.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from plumbline.core.dvc_hash import MD5
from plumbline.core.errors import PlumblineError
from plumbline.ops.lineage import record, target
from plumbline.ops.lineage.lineage_document import LineageDocument, ServedPrediction, TracedOut
from plumbline.ops.serving import logged
from plumbline.ops.serving.logged import ServedEvent
from plumbline.repo import revisions
from plumbline.review.comparison_sections import RevisionName


def chains(root: Path, name: str, rev: str | None, key: str | None) -> list[LineageDocument]:
    """The lineages of what `target.find` knows by this name; else of the events of a request of this id.

    `key`: of an event that was served, of the use case or the request. An id of 32 digits is looked for among requests
    first, then among md5s.
    """
    if key is not None:
        of_usecase = name in logged.served_names(root)
        usecase, request_id = (name, None) if of_usecase else (None, name)
        return _all(root, logged.require(root, usecase, request_id, key))
    if MD5.fullmatch(name) and (found := logged.find(root, None, name, None)):
        return _all(root, found)
    try:
        return [record.lineage(root, one) for one in target.find(root, name, rev)]
    except PlumblineError:
        found = logged.find(root, None, name, None)
        if not found:
            raise
        return _all(root, found)


def _all(root: Path, events: Iterable[ServedEvent]) -> list[LineageDocument]:
    """The lineage of each; the chain of a bundle is followed once."""
    chain = cache(lambda md5: _chain(root, md5))
    return [_of(event, chain(event.row.bundle)) for event in events]


def lineage(root: Path, event: ServedEvent) -> LineageDocument:
    """The chain of the bundle that answered; a break where no commit of this clone has it."""
    return _of(event, _chain(root, event.row.bundle))


def _of(event: ServedEvent, chain: LineageDocument) -> LineageDocument:
    return chain.model_copy(update={"served": prediction(event)})


def _chain(root: Path, md5: str) -> LineageDocument:
    revisions.refuse_shallow(root, "lineage")
    try:
        bundle = target.by_md5(root, md5, "the bundle that answered is in no commit")
    except PlumblineError as error:
        return _without_commit(md5, str(error))
    revs = tuple(target.having(root, md5))
    return record.lineage(root, bundle).model_copy(update={"revisions": revs})


def prediction(event: ServedEvent) -> ServedPrediction:
    """The answer's facts."""
    row = event.row
    return ServedPrediction(
        usecase=event.usecase,
        key=str(row.key),
        request_id=row.request_id,
        log=event.log,
        sequence=row.sequence,
        received=utc(row.received),
        score=list(row.score),
        alarm=row.alarm,
        decision=row.decision,
        arm=row.arm,
        route_version=row.route_version,
        bundle=row.bundle,
        definitions=row.definitions,
        watermark=row.watermark,
    )


def utc(micros: int) -> str:
    """A time of the log as ISO 8601.

    >>> utc(1_741_608_000_000_001)
    '2025-03-10T12:00:00.000001+00:00'
    """
    return (
        datetime.fromtimestamp(micros // 1_000_000, UTC)
        .replace(microsecond=micros % 1_000_000)
        .isoformat()
    )


def _without_commit(md5: str, problem: str) -> LineageDocument:
    return LineageDocument(
        target=TracedOut(path="bundle", member_md5=None, out="bundle", md5=md5),
        revision=RevisionName(name="no commit", commit=None),
        prediction=None,
        stages=[],
        versions=[],
        breaks=[problem],
        notes=[],
    )
