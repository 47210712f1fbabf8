"""A registered version made challenger, champion or archived: checked, done in MLflow, entered in the audit log.

Git says which model is in use: a version becomes champion where HEAD records its bundle, and archived where
HEAD does not. An archived version is retired with a reason, keeps it in MLflow's tags, and is proposed no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from plumbline.core.errors import PlumblineError, suggest
from plumbline.core.usecase_name import check as checked_name
from plumbline.ops.rollback import agree, journal, plan, registry, stages
from plumbline.ops.rollback.plan import CHAMPION, Version
from plumbline.ops.rollback.stages import ARCHIVED, Stage
from plumbline.repo import revisions

LONGEST = 500
"""Characters of a reason."""


def move(root: Path, usecase: str, number: str, stage: Stage, reason: str | None) -> Iterator[str]:
    """Give a version its stage; what was done, and what still uses a version that is archived.

    PlumblineError where there is no such version, git says otherwise, a reason is missing, or a rollback
    is under way: then nothing has changed.
    """
    revisions.refuse_shallow(root, "registry")
    why = _reason(stage, reason)
    with journal.alone(root):
        if journal.load(root):
            raise PlumblineError(
                "a rollback was interrupted here; `plumbline rollback` ends it, then move the version"
            )
        known = registry.versions(root, checked_name(usecase))
        version = _found(usecase, number, known)
        refs = _refs(root, usecase, version)
        _refuse(usecase, version, stage, refs)
        entry = journal.transition(usecase, version.number, version.md5, stage, why)
        stages.give(root, version, entry)
        journal.append(root, entry.model_dump())
    yield f"{usecase} version {version.number}: {stage}{f', {why}' if why else ''}"
    if stage == ARCHIVED:
        yield from _still_used(usecase, version, refs)


def _reason(stage: Stage, reason: str | None) -> str:
    why = " ".join((reason or "").split())
    if stage == ARCHIVED and not why:
        raise PlumblineError(
            "registry archived: a reason is missing; --reason TEXT says why it retires"
        )
    if len(why) > LONGEST:
        raise PlumblineError(f"--reason: {len(why)} characters, at most {LONGEST}; shorten it")
    return why


def _found(usecase: str, number: str, known: Sequence[Version]) -> Version:
    numbers = {v.number: v for v in known}
    if number not in numbers:
        hint = suggest(number, numbers) if numbers else "MLflow has none of it"
        raise PlumblineError(f"{usecase}: no version {number} is registered; {hint}")
    return numbers[number]


def _refs(root: Path, usecase: str, version: Version) -> list[str]:
    """HEAD and the tags of models whose dvc.lock records the version's bundle."""
    found = []
    for ref, commit in agree.releases(root).items():
        out = plan.bundles(revisions.outs(root, commit)).get(usecase)
        if out and out.md5 == version.md5:
            found.append(ref)
    return found


def _refuse(usecase: str, version: Version, stage: Stage, refs: Sequence[str]) -> None:
    """PlumblineError where git, or the version's own stage, does not allow it."""
    what = f"{usecase} version {version.number}"
    if stage == CHAMPION and "HEAD" not in refs:
        raise PlumblineError(
            f"{what}: HEAD records another model, and git says which is champion; merge its change, or "
            "`plumbline rollback` to its commit"
        )
    in_use = [f"the alias {CHAMPION}"] if CHAMPION in version.aliases else []
    in_use += ["HEAD's dvc.lock"] if "HEAD" in refs else []
    if stage != CHAMPION and (stage == ARCHIVED or CHAMPION in version.aliases) and in_use:
        raise PlumblineError(
            f"{what} is in use by {' and '.join(in_use)}; merge another model, or roll back to one, first"
        )
    if stage == CHAMPION and plan.ARCHIVED in version.tags:
        raise PlumblineError(
            f"{what} is archived: {version.tags[plan.ARCHIVED]}; make it challenger first, with a reason"
        )


def _still_used(usecase: str, version: Version, refs: Sequence[str]) -> Iterator[str]:
    yield from (f"still used by the release {ref}: its archive stays published" for ref in refs)
    if not refs:
        yield f"no release of this clone uses {usecase} version {version.number}"
