"""The stages of registered versions in MLflow: challenger, champion, archived, as aliases and tags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from plumbline.ops.rollback import journal, plan, registry
from plumbline.ops.rollback.journal import Transition
from plumbline.ops.rollback.plan import CHAMPION, Version

Stage = Literal["challenger", "champion", "archived"]
STAGES: Sequence[Stage] = get_args(Stage)
ARCHIVED: Stage = "archived"
BY, WHEN = "archived.by", "archived.when"


def give(root: Path, version: Version, entry: Transition) -> None:
    """Set aliases and tags as an entry of the audit log says, whatever they were."""
    archived = entry.stage == ARCHIVED
    facts = {plan.ARCHIVED: entry.reason, BY: entry.who, WHEN: entry.when} if archived else {}
    tags: Mapping[str, str | None] = {n: facts.get(n) for n in (plan.ARCHIVED, BY, WHEN)}
    registry.tag(root, entry.usecase, version.number, tags)
    for alias in STAGES:
        if alias == entry.stage:
            registry.point(root, entry.usecase, version.number, alias)
        elif alias in version.aliases:
            registry.point(root, entry.usecase, None, alias)


def replay(root: Path, usecase: str) -> Iterator[str]:
    """Archive again what this clone's audit log says is archived, after MLflow was built anew.

    HEAD's model stays champion.
    """
    last = {entry.md5: entry for entry in journal.transitions(root) if entry.usecase == usecase}
    for version in registry.versions(root, usecase):
        entry = last.get(version.md5)
        new = entry and entry.stage == ARCHIVED and plan.ARCHIVED not in version.tags
        if entry and new and CHAMPION not in version.aliases:
            give(root, version, entry)
            yield f"{usecase} version {version.number}: archived, {entry.reason}"
