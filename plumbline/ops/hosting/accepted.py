"""The commit of main that was accepted last: what the next one is compared with. An edge: git, the host.

A commit is accepted when the run of main.yml for it has ended well, its gate included. GitHub keeps that
result itself: no job needs to write it, and nobody with a key for the repository can forge it. Elsewhere the
ref `refs/plumbline/accepted` holds it, which the host moves after a good run.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from plumbline.ops.hosting import github
from plumbline.ops.hosting.github import GitHub
from plumbline.repo import revisions
from plumbline.review.revision import LOCK, RELEASES
from plumbline.runtime import git

WORKFLOW, SUCCESS = "main.yml", "success"
REF = "refs/plumbline/accepted"
NO_MODEL = b"schema: '2.0'\nstages: {}\n"
"""A dvc.lock that records nothing."""
AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (
        ("NAME", "plumbline"),
        ("EMAIL", "plumbline@localhost"),
        ("DATE", "@0 +0000"),
    )
}


@dataclass(frozen=True)
class AcceptedCommit:
    """A commit to compare with, and how it is known."""

    commit: str
    reason: str


def last(root: Path, branch: str, hub: GitHub | None) -> AcceptedCommit:
    """The newest accepted commit before HEAD, on the first-parent history of HEAD.

    Without one: the newest release there. Without that: a commit with HEAD's files and no model, so that
    HEAD's is judged as a first model. `hub` None: the host keeps no results of runs.
    """
    revisions.refuse_shallow(root, "the last accepted commit")
    before = history(root, "HEAD")[1:]
    accepted = newest(root, before, branch, hub)
    if accepted:
        return AcceptedCommit(accepted, f"accepted last: {_source(hub)}")
    released = _newest_release(root, before)
    if released:
        return AcceptedCommit(released[0], f"nothing accepted yet: release {released[1]}")
    return AcceptedCommit(without_model(root), "nothing accepted yet: judged as a first model")


def newest(root: Path, commits: list[str], branch: str, hub: GitHub | None) -> str | None:
    """The first of the commits (newest first) that was accepted."""
    wanted = set(commits)
    if hub:
        shas = (str(run["head_sha"]) for run in hub.runs(WORKFLOW, branch, SUCCESS))
        known = wanted.intersection(shas)
    else:
        known = wanted.intersection([git.answer("rev-parse", "-q", "--verify", REF, root=root)])
    return next((commit for commit in commits if commit in known), None)


def refusal(root: Path, rev: str, branch: str, hub: GitHub | None) -> str | None:
    """Why a commit was not accepted on the branch (of origin, where there is one); None where it was."""
    revisions.refuse_shallow(root, "the last accepted commit")
    commit, known = revisions.commit(root, rev), known_branch(root, branch)
    commits = history(root, known)
    if commit not in commits:
        return (
            f"{rev}: commit {commit[:10]} is not on the first-parent history of {known}; merge it, and tag "
            "the commit of the merge"
        )
    if newest(root, [commit], branch, hub):
        return None
    accepted = newest(root, commits, branch, hub)
    other = f"; accepted last: {accepted[:10]}" if accepted else ""
    return (
        f"{rev}: commit {commit[:10]} is on {known}, but was not accepted ({_source(hub)}){other}. Where its "
        "run has not ended, wait for it and run this again"
    )


def history(root: Path, rev: str) -> list[str]:
    """The first-parent history of a revision, the newest first."""
    return git.lines(root, "rev-list", "--first-parent", rev, "--")


def without_model(root: Path) -> str:
    """A commit with HEAD's files and a dvc.lock that records nothing; no ref leads to it."""
    blob = git.output(root, "hash-object", "-w", "--stdin", data=NO_MODEL).decode().strip()
    path = git.text(root, "rev-parse", "--show-prefix") + LOCK
    with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        git.text(root, "read-tree", "HEAD", env=index)
        entry = ("--add", "--cacheinfo", f"100644,{blob},{path}")
        git.text(root, "update-index", *entry, env=index)
        tree = git.text(root, "write-tree", env=index)
    return git.text(root, "commit-tree", tree, "-m", "No model yet", env=AUTHOR)


def from_environment() -> GitHub | None:
    """The host that runs this, where it is GitHub."""
    return github.from_environment() if os.environ.get("GITHUB_REPOSITORY") else None


def _newest_release(root: Path, commits: list[str]) -> tuple[str, str] | None:
    """The newest of the commits that a release's tag names, and the tag."""
    form = "--format=%(objectname) %(*objectname) %(refname:short)"
    lines = [ln.split() for ln in git.lines(root, "for-each-ref", form, f"refs/tags/{RELEASES}")]
    tags = {words[-2]: words[-1] for words in lines}
    return next(((commit, tags[commit]) for commit in commits if commit in tags), None)


def known_branch(root: Path, branch: str) -> str:
    """The branch as origin has it, or the local one."""
    remote = f"refs/remotes/origin/{branch}"
    known = git.answer("rev-parse", "-q", "--verify", remote, root=root)
    return f"origin/{branch}" if known else branch


def _source(hub: GitHub | None) -> str:
    return f"by the runs of {WORKFLOW}" if hub else f"by {REF}"
