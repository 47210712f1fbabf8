"""Promotions on disk beside the service's routes, each written whole; and their lines of the audit log. An edge."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from plumbline.core import documents
from plumbline.core.errors import PlumblineError
from plumbline.core.files import dumps, replacing
from plumbline.ops.promotion.promotion_document import Promotion, PromotionStep, StepName
from plumbline.ops.rollback import journal
from plumbline.ops.serving import places

FOLDER, LOCK = "promotions", "lock"
REMEDY = "remove the file; the routes say what answers"


def folder(root: Path, usecase: str) -> Path:
    """Where the promotions of a use case are kept."""
    return places.folder(root, usecase) / FOLDER


def known(root: Path, usecase: str) -> list[Promotion]:
    """All promotions, oldest first; PlumblineError where one is damaged."""
    paths = sorted(folder(root, usecase).glob("[0-9]*.json"))
    return [documents.read(Promotion, path, REMEDY) for path in paths]


def last(root: Path, usecase: str) -> Promotion | None:
    """The newest one."""
    paths = sorted(folder(root, usecase).glob("[0-9]*.json"))
    return documents.read(Promotion, paths[-1], REMEDY) if paths else None


def next_id(root: Path, usecase: str, commit: str) -> str:
    """The id of a promotion that has not begun."""
    newest = last(root, usecase)
    number = int(newest.id.partition("-")[0]) + 1 if newest else 1
    return f"{number:06d}-{commit[:9]}"


def save(root: Path, promotion: Promotion) -> Promotion:
    """Write it, whole and to the disk; returns it."""
    path = folder(root, promotion.usecase) / f"{promotion.id}.json"
    with replacing(path) as beside, beside.open("w", encoding="utf-8") as stream:
        stream.write(dumps(promotion.plain()))
        stream.flush()
        os.fsync(stream.fileno())
    return promotion


def audit(
    root: Path, promotion: Promotion, step: StepName | Literal["end"], result: str, reason: str
) -> None:
    """Enter a step's end into the audit log, once."""
    entered = journal.promotions(root)
    if any(
        (one.id, one.usecase, one.step) == (promotion.id, promotion.usecase, step)
        for one in entered
    ):
        return
    own = promotion.step(step) if step != "end" else None
    entry = journal.PromotionEntry(
        id=promotion.id, who=promotion.who, when=now(), usecase=promotion.usecase, rev=promotion.rev,
        commit=promotion.commit, bundle=promotion.bundle, step=step, result=result, reason=reason,
        evidence=own.evidence if own else {},
    )  # fmt: skip
    journal.append(root, entry.model_dump())


@contextmanager
def alone(root: Path, usecase: str) -> Iterator[None]:
    """One promotion of a use case at a time; PlumblineError for a second."""
    place = folder(root, usecase)
    place.mkdir(parents=True, exist_ok=True)
    with (place / LOCK).open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PlumblineError(
                f"{usecase}: another process is promoting; look with `plumbline promote {usecase} --status`"
            ) from None
        yield


def now() -> str:
    """The time as records have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def begun(name: str) -> PromotionStep:
    """A step that begins now."""
    return PromotionStep.model_validate({"name": name, "status": "running", "began": now()})
