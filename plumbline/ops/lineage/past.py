"""The events that changed champions, from git, the audit log of rollbacks and MLflow. An edge: reads git."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from plumbline.core.errors import PlumblineError, suggest
from plumbline.ops.lineage.champions import ChampionEvent, timeline
from plumbline.ops.rollback import journal, plan, registry
from plumbline.ops.rollback.agree import TAGS
from plumbline.repo import revisions
from plumbline.repo.tracked_outs import Out
from plumbline.runtime import dvc_lock, git

TRUNKS = ("main", "master")


def champions(
    root: Path, name: str | None, branch: str | None
) -> tuple[list[ChampionEvent], list[str]]:
    """Every champion of a use case (all without one), oldest first, and notes where MLflow differs.

    `branch`: whose commits count; without it the one checked out, or main. Raises PlumblineError
    where the use case or the branch is unknown.
    """
    revisions.refuse_shallow(root, "champions")
    events = [*_commits(root, branch or trunk(root)), *_releases(root), *_rollbacks(root)]
    known = {event.usecase for event in events}
    if name is not None and name not in known:
        hint = suggest(name, known) if known else "no commit records a bundle"
        raise PlumblineError(f"'{name}': no bundle of it in this branch, tags or log; {hint}")
    chosen = timeline(e for e in events if name in (None, e.usecase))
    return _registered(root, chosen)


def trunk(root: Path) -> str:
    """The branch that is checked out; where a rollback left none, the main one."""
    name = git.text(root, "branch", "--show-current")
    branches = git.lines(root, "for-each-ref", "--format=%(refname:short)", "refs/heads")
    return name or next((b for b in TRUNKS if b in branches), "HEAD")


def _commits(root: Path, branch: str) -> Iterator[ChampionEvent]:
    """The commits at which the branch's bundle became another; merges as one."""
    tip = revisions.commit(root, branch)
    words = ("log", "--first-parent", "-m", "--reverse", "--format=%H%x09%cI%x09%s", tip)
    lines = git.lines(root, *words, "--", dvc_lock.FILE)
    before: dict[str, str] = {}
    for commit, when, subject in (line.split("\t", 2) for line in lines if line):
        now = {name: out.md5 for name, out in _bundles(root, commit).items()}
        for name, md5 in now.items():
            if before.get(name) != md5:
                yield ChampionEvent(name, when, "commit", md5, commit, subject)
        before = now


def _releases(root: Path) -> Iterator[ChampionEvent]:
    form = "--format=%(refname:short)%09%(creatordate:iso-strict)"
    known = set(revisions.tags(root))
    for line in git.lines(root, "for-each-ref", form, "refs/tags"):
        tag, when = line.split("\t")
        if TAGS.fullmatch(tag) and tag in known:
            commit = revisions.commit(root, f"refs/tags/{tag}")
            for name, out in _bundles(root, commit).items():
                yield ChampionEvent(name, when, "release", out.md5, commit, tag)


def _rollbacks(root: Path) -> Iterator[ChampionEvent]:
    for entry in journal.audit(root):
        if entry["result"] != "done":
            continue
        commit = entry["to"]["commit"]
        try:
            bundles: Mapping[str, Out] = _bundles(root, commit)
        except PlumblineError:
            continue  # the commit is gone from this clone
        for name, out in bundles.items():
            why = f"to {entry['rev']} by {entry['who']}"
            yield ChampionEvent(name, entry["when"], "rollback", out.md5, commit, why)


def _bundles(root: Path, commit: str) -> dict[str, Out]:
    return plan.bundles(revisions.outs(root, commit))


def _registered(root: Path, events: list[ChampionEvent]) -> tuple[list[ChampionEvent], list[str]]:
    """With MLflow's version of each bundle; a note where its champion is another than the last event's."""
    last = {event.usecase: event for event in events}
    notes, known = [], {}
    for usecase, event in last.items():
        try:
            known[usecase] = registry.versions(root, usecase)
        except PlumblineError as error:
            return events, [f"without MLflow: {error}"]
        bearer = plan.champion(known[usecase])
        if bearer and bearer.md5 != event.md5:
            notes.append(
                f"{usecase}: MLflow's champion is version {bearer.number}, bundle {bearer.md5}; "
                "`plumbline registry status`"
            )
    number = partial(_number, known)
    return [replace(e, version=number(e)) for e in events], notes


def _number(known: Mapping[str, list[plan.Version]], event: ChampionEvent) -> str | None:
    version = plan.with_md5(known[event.usecase], event.md5)
    return version.number if version else None
