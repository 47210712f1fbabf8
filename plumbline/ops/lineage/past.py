"""The events that changed champions, from git, the audit log of rollbacks and MLflow. An edge: reads git."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from plumbline.core.errors import PlumblineError, suggest
from plumbline.ops.lineage.champions import COMMIT, ChampionEvent, misdated, timeline
from plumbline.ops.rollback import journal, plan, registry
from plumbline.ops.rollback.agree import TAGS
from plumbline.repo import revisions
from plumbline.repo.artifacts import Role
from plumbline.repo.tracked_outs import Out
from plumbline.runtime import dvc_yaml, git

TRUNKS = ("main", "master")


def champions(
    root: Path, name: str | None, branch: str | None
) -> tuple[list[ChampionEvent], list[str]]:
    """Every champion of a use case (all without one), oldest first, and notes where MLflow or a date differs.

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
    dated = [
        f"{event.commit[:9]} is dated before the commit that it follows; the order is the branch's"
        for event in misdated(chosen)
    ]
    registered, notes = _registered(root, chosen)
    return registered, [*dict.fromkeys(dated), *notes]


def ended(root: Path, name: str) -> tuple[ChampionEvent, ChampionEvent] | None:
    """The last bundle of a use case that the branch has no more, and what ended it; None where it goes on."""
    own = [event for event in _commits(root, trunk(root)) if event.usecase == name]
    return (own[-2], own[-1]) if len(own) > 1 and own[-1].md5 is None else None


def trunk(root: Path) -> str:
    """The branch that is checked out; where a rollback left none, the main one."""
    name = git.text(root, "branch", "--show-current")
    branches = git.lines(root, "for-each-ref", "--format=%(refname:short)", "refs/heads")
    return name or next((b for b in TRUNKS if b in branches), "HEAD")


def _commits(root: Path, branch: str) -> Iterator[ChampionEvent]:
    """The commits at which the branch's bundle became another, or its use case ended; merges as one.

    In the branch's order, by first parents, whatever the commits' dates are.
    """
    tip = revisions.commit(root, branch)
    arguments = (
        "log",
        "--first-parent",
        "--topo-order",
        "-m",
        "--reverse",
        "--format=%H%x09%cI%x09%s",
        tip,
    )
    lines = git.lines(root, *arguments, "--", *revisions.FILES)
    before: dict[str, str] = {}
    for commit, when, subject in (line.split("\t", 2) for line in lines if line):
        now = {name: out.md5 for name, out in _bundles(root, commit).items()}
        for name, md5 in now.items():
            if before.get(name) != md5:
                yield ChampionEvent(name, when, COMMIT, md5, commit, subject)
        gone = _undeclared(root, commit, before.keys() - now.keys())
        for name in sorted(gone):
            why = f"{_end(root, commit, name, now.keys() - before.keys())}; {subject}"
            yield ChampionEvent(name, when, COMMIT, None, commit, why)
        before = {name: md5 for name, md5 in before.items() if name not in gone} | now


def _undeclared(root: Path, commit: str, names: Iterable[str]) -> set[str]:
    """Which of these use cases the commit's dvc.yaml and params.yaml do not declare."""
    blobs = revisions.blobs(root, commit, revisions.FILES)
    texts = {name: data.decode(errors="replace") for name, data in blobs.items()}
    stages = {f"{Role.BUNDLE.stage}@{name}": name for name in names}
    try:
        graph, params = (
            dvc_yaml.document(texts.get(file, ""), file)
            for file in (dvc_yaml.FILE, dvc_yaml.PARAMS)
        )
    except PlumblineError:  # damaged at that commit: nothing can be said to be removed
        return set()
    return {stages[stage] for stage in dvc_yaml.undeclared(graph, params, stages)}


def _end(root: Path, commit: str, name: str, new: Iterable[str]) -> str:
    """Whether a use case was renamed, by the files that git sees as moved, or removed."""
    arguments = ("diff", "--find-renames", "--diff-filter=R", "--name-status", "-z")
    moved = git.names(root, *arguments, f"{commit}^1", commit)
    for other in sorted(new):
        for old, now in zip(moved[1::3], moved[2::3], strict=True):
            if old != now and re.sub(rf"\b{re.escape(name)}\b", other, old) == now:
                return f"use case renamed to {other}"
    return "use case removed"


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
        if entry.result != "done":
            continue
        commit = entry.target.commit
        try:
            start, bundles = _bundles(root, entry.start.commit), _bundles(root, commit)
        except PlumblineError:
            continue  # the commit is gone from this clone
        why = f"to {entry.rev} by {entry.who}"
        for name, out in bundles.items():
            yield ChampionEvent(name, entry.when, "rollback", out.md5, commit, why)
        for name in sorted(start.keys() - bundles.keys()):
            no_more = f"use case not there; {why}"
            yield ChampionEvent(name, entry.when, "rollback", None, commit, no_more)


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
        if bearer and event.md5 is None:
            notes.append(f"{usecase}: ended; MLflow's champion is still version {bearer.number}")
        elif bearer and bearer.md5 != event.md5:
            notes.append(
                f"{usecase}: MLflow's champion is version {bearer.number}, bundle {bearer.md5}; "
                "`plumbline registry status`"
            )
    number = partial(_number, known)
    return [replace(e, version=number(e)) for e in events], notes


def _number(known: Mapping[str, list[plan.Version]], event: ChampionEvent) -> str | None:
    version = plan.with_md5(known[event.usecase], event.md5) if event.md5 else None
    return version.number if version else None
