"""Git and DVC moved to a commit and back: each step changes one thing and returns its proof."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.ops.rollback.plan import Head
from plumbline.repo import child_process, object_stores, repair, revisions, state, verify
from plumbline.runtime import runner

LAST_LINES = 20
QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false")


def head(root: Path) -> Head:
    """Where git stands now."""
    branch = revisions.git(root, "branch", "--show-current").decode().strip()
    return Head(revisions.commit(root, "HEAD"), branch or None)


def resolve(root: Path, rev: str) -> Head:
    """Where `rev` leads: to a branch where it names one, so that `rollback main` ends on main.

    To a detached HEAD otherwise: a rollback never moves a branch, which others may have pushed.
    """
    commit = revisions.commit(root, rev)
    branches = revisions.git(root, "for-each-ref", "--format=%(refname)", "refs/heads").decode()
    named = f"refs/heads/{rev}" in branches.splitlines()
    return Head(
        commit, rev if named and revisions.commit(root, f"refs/heads/{rev}") == commit else None
    )


def refuse_dirty(root: Path) -> None:
    """PlumblineError where the work tree has what no commit has."""
    changed = revisions.git(root, "status", "--porcelain").decode().splitlines()
    if changed:
        names = ", ".join(line[3:] for line in changed[:5])
        more = f" and {len(changed) - 5} more" if len(changed) > 5 else ""
        raise PlumblineError(f"not committed: {names}{more}; commit, stash or remove it first")


def code(root: Path, target: Head, *, force: bool = False) -> str:
    """Check a commit out."""
    words = ["checkout", "-q", *(["--force"] if force else [])]
    words += [target.branch] if target.branch else ["--detach", target.commit]
    lines: list[str] = []
    if child_process.run(["git", *QUIET, *words, "--"], root, os.environ, lines.append):
        raise PlumblineError("git checkout: " + " ".join(lines[-LAST_LINES:]))
    found = revisions.commit(root, "HEAD")
    if found != target.commit:
        raise PlumblineError(f"git is at {found}, expected {target.commit}; did the branch move?")
    return f"git is at {target}"


def fetch(root: Path) -> str:
    """Bring what the cache lacks from the default remote, and repair what it has bad."""
    settings = object_stores.settings(root)
    report = _cache(settings)
    missing, repaired = [f for f in report.findings if f.kind == "missing"], 0
    if missing and settings.default:
        dvc(root, "fetch")
        report = _cache(settings)
    bad = [f for f in report.findings if f.kind == "bad"]
    if bad and settings.remotes:
        repaired = sum(o.source is not None for o in repair.repair(settings, bad))
    checked = sum(part.checked for part in report.parts if part.where == "cache")
    fetched = (
        f"{len(missing):,} fetched from {settings.default}" if settings.default else "no remote"
    )
    return f"{checked:,} objects needed; {fetched}; {repaired:,} repaired"


def outs(root: Path, *, partial: bool = False) -> str:
    """Put the outs that the work tree's DVC files record in place; `partial`: those that there are.

    They are named one by one: without names DVC refuses a commit at which some stage never ran.
    """
    recorded = [out.path for out in revisions.outs(root, revisions.WORK_TREE) if out.cached]
    words = ["--force", *(["--allow-missing"] if partial else [])]
    if recorded:
        dvc(root, "checkout", *words, "--", *recorded)
    return f"{len(recorded):,} outs checked out"


def proved(root: Path) -> str:
    """Every out, in the work tree and the cache, hashed again."""
    report = verify.check(object_stores.settings(root), where=("workspace", "cache"))
    for found in report.findings:
        raise PlumblineError(
            f"{len(report.findings)} files are not as recorded: {found.use.path} is {found.kind} in "
            f"{found.where}; `plumbline verify {found.use.rev or ''}` names all"
        )
    checked = ", ".join(f"{part.where} {part.checked:,}" for part in report.parts if part.checked)
    return f"all good: {checked}"


def dvc(root: Path, *words: str) -> None:
    """Run DVC; PlumblineError with its last words where it fails."""
    lines: list[str] = []
    env = {**state.environment(root), **runner.QUIET}
    if child_process.run([sys.executable, "-m", "dvc", *words], root, env, lines.append):
        raise PlumblineError(f"dvc {words[0]}: " + "\n".join(lines[-LAST_LINES:]))


def unlock(root: Path) -> None:
    """Remove the lock that a git killed in its checkout left."""
    name = revisions.git(root, "rev-parse", "--git-path", "index.lock").decode().strip()
    (root / name).unlink(missing_ok=True)


def _cache(settings: object_stores.Settings) -> verify.Report:
    return verify.check(settings, where=("cache",))
