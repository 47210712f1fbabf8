"""Move git and DVC to a commit and back: each step changes one thing and returns its proof."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from plumbline.core import dvc_hash
from plumbline.core.errors import PlumblineError
from plumbline.ops.rollback.plan import Head
from plumbline.repo import dvc_command, object_stores, repair, revisions, state, verify
from plumbline.repo.tracked_outs import Out
from plumbline.runtime import git


def head(root: Path) -> Head:
    """Where git stands now."""
    branch = git.text(root, "branch", "--show-current")
    return Head(revisions.commit(root, "HEAD"), branch or None)


def resolve(root: Path, rev: str) -> Head:
    """Where `rev` leads: to a branch where it names one, so that `rollback main` ends on main.

    To a detached HEAD otherwise: a rollback never moves a branch, which others may have pushed.
    """
    commit = revisions.commit(root, rev)
    branches = git.text(root, "for-each-ref", "--format=%(refname)", "refs/heads")
    named = f"refs/heads/{rev}" in branches.splitlines()
    return Head(
        commit, rev if named and revisions.commit(root, f"refs/heads/{rev}") == commit else None
    )


def refuse_dirty(root: Path) -> None:
    """PlumblineError where the work tree has what no commit has."""
    changed = git.lines(root, "status", "--porcelain")
    if changed:
        names = ", ".join(line[3:] for line in changed[:5])
        more = f" and {len(changed) - 5} more" if len(changed) > 5 else ""
        raise PlumblineError(f"not committed: {names}{more}; commit, stash or remove it first")


def refuse_lost(settings: object_stores.DvcSettings, rev: str, commit: str) -> None:
    """PlumblineError where the cache and the remotes that DVC fetches from lack an object of a commit."""
    outs = [(commit, out) for out in revisions.outs(settings.root, commit) if out.cached]
    names = sorted({out.remote or settings.default or "" for _, out in outs if out.pushed} - {""})
    stores = [settings.folder(), *(settings.remote(name) for name in names)]
    contents, damaged = verify.read_manifests(stores, outs)
    lost = {use.oid: use.path for use in verify.expand(outs, contents)}
    for store in stores:
        for oid in store.present(lost) if lost else ():
            del lost[oid]
    lost |= {finding.use.oid: finding.use.path for finding in damaged}
    if lost:
        where = " or ".join(["the cache", *(f"remote {name}" for name in names)])
        raise PlumblineError(
            f"{rev}: {len(lost):,} objects, {next(iter(lost.values()))} first, are not in {where}; nothing "
            "was touched. `dvc push --all-tags` in a clone that has them, or run that commit again: "
            f"`git switch --detach {rev}` and `dvc repro`"
        )


def code(root: Path, target: Head, *, force: bool = False) -> str:
    """Check a commit out."""
    arguments = ["checkout", "-q", *(["--force"] if force else [])]
    arguments += [target.branch] if target.branch else ["--detach", target.commit]
    git.guarded(root, *git.QUIET, *arguments, "--")
    current = revisions.commit(root, "HEAD")
    if current != target.commit:
        raise PlumblineError(f"git is at {current}, expected {target.commit}; did the branch move?")
    return f"git is at {target}"


def fetch(root: Path) -> str:
    """Bring what the cache lacks from the default remote, and repair what it has bad."""
    settings = object_stores.settings(root)
    report = _cache(settings)
    missing, repaired = [f for f in report.findings if f.kind == "missing"], 0
    if missing and settings.default:
        dvc(root, "fetch")
        report = _cache(settings)
    if report.findings and settings.remotes:
        repaired = sum(o.source is not None for o in repair.repair(settings, report.findings))
    checked = sum(part.checked for part in report.parts if part.where == "cache")
    fetched = (
        f"{len(missing):,} fetched from {settings.default}" if settings.default else "no remote"
    )
    return f"{checked:,} objects needed; {fetched}; {repaired:,} repaired"


def outs(root: Path, *, partial: bool = False) -> str:
    """Check out the outs that the work tree's DVC files record; `partial`: as far as they exist.

    They are named one by one: without names DVC refuses a commit at which some stage never ran.
    """
    recorded = [out.path for out in revisions.outs(root, revisions.WORK_TREE) if out.cached]
    arguments = ["--force", *(["--allow-missing"] if partial else [])]
    if recorded:
        dvc(root, "checkout", *arguments, "--", *recorded)
    return f"{len(recorded):,} outs checked out"


def remove(root: Path, paths: Iterable[str]) -> None:
    """Remove outs that the cache has, and the folders that this leaves empty."""
    for path in paths:
        place = root / path
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
        for folder in Path(path).parents[:-1]:
            with suppress(OSError):  # it is not empty, or not there
                (root / folder).rmdir()


def present(root: Path, outs_alone: Iterable[Out]) -> tuple[str, ...]:
    """Which of the target's own outs are in the work tree now; PlumblineError where one would be lost."""
    paths = []
    for out in outs_alone:
        place = root / out.path
        if not os.path.lexists(place):
            continue
        if dvc_hash.md5(place) != out.md5:
            raise PlumblineError(
                f"{out.path}: no out of this commit, and would be overwritten by the target's "
                f"{out.md5}; move it away first"
            )
        paths.append(out.path)
    return tuple(paths)


def proved(root: Path) -> str:
    """Every out, in the work tree and the cache, hashed again."""
    report = verify.check(object_stores.settings(root), where=("workspace", "cache"))
    for finding in report.findings:
        raise PlumblineError(
            f"{len(report.findings)} files are not as recorded: {finding.use.path} is {finding.kind} in "
            f"{finding.where}; `plumbline verify {finding.use.rev or ''}` names all"
        )
    checked = ", ".join(f"{part.where} {part.checked:,}" for part in report.parts if part.checked)
    return f"all good: {checked}"


def dvc(root: Path, *arguments: str) -> None:
    """Run DVC with a state of this project's own; PlumblineError with its last lines where it fails."""
    dvc_command.check(root, *arguments, env=state.environment(root))


def unlock(root: Path) -> None:
    """Remove the lock that a git killed in its checkout left."""
    name = git.text(root, "rev-parse", "--git-path", "index.lock")
    (root / name).unlink(missing_ok=True)


def _cache(settings: object_stores.DvcSettings) -> verify.VerifyReport:
    return verify.check(settings, where=("cache",))
