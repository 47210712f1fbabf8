"""A pull request's head beside its base, fetched as data: nothing of it is checked out or run. An edge: git."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from plumbline.core.errors import PlumblineError
from plumbline.core.safe_text import one_line
from plumbline.repo import revisions
from plumbline.review import artifact, from_git
from plumbline.review.comparison import Comparison
from plumbline.runtime import git

REMOTE = "origin"
WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (
        ("NAME", "plumbline"),
        ("EMAIL", "plumbline@localhost"),
        ("DATE", "2000-01-01T00:00:00Z"),
    )
}
"""Of the commit that stands for the merge: the same for the same sides."""


@dataclass(frozen=True)
class Merge:
    """The commit that a branch is at, and what it would be with the head merged into it."""

    base: str
    merged: str


def judged(
    root: Path, comparison: Comparison, branch: str, sha: str, token: str = ""
) -> Comparison:
    """The comparison held against git; one that does not pass where git cannot be read."""
    try:
        sides = merge(root, branch, sha, token)
        return from_git.held(root, comparison, sides.base, sides.merged)
    except PlumblineError as error:
        return from_git.unread(artifact.by_limits_here(comparison), one_line(error))


def merge(root: Path, branch: str, sha: str, token: str = "") -> Merge:
    """Fetch the base branch and the head's commit, and merge them in git's store alone.

    PlumblineError where either cannot be fetched, or they do not merge.
    """
    into = f"refs/remotes/{REMOTE}/{branch}"
    wanted = (f"+refs/heads/{branch}:{into}", sha)
    options = ("--quiet", "--no-tags", "--no-recurse-submodules")
    git.output(root, "fetch", *options, REMOTE, *wanted, env=_access(root, token))
    base = revisions.commit(root, into)
    try:
        tree = git.text(root, "merge-tree", "--write-tree", "--no-messages", base, sha)
    except PlumblineError:
        raise PlumblineError(f"it does not merge into {branch} without a conflict") from None
    words = ("commit-tree", tree, "-p", base, "-p", sha, "-m", "merge")
    return Merge(base, git.text(root, *words, env=WHO))


def _access(root: Path, token: str) -> Mapping[str, str]:
    """The token for git, in its environment alone, where the remote is the host's own repository."""
    server = os.environ.get("GITHUB_SERVER_URL") or "https://github.com"
    remote = urlsplit(git.text(root, "remote", "get-url", REMOTE))
    if not token or remote.scheme != "https" or remote.netloc != urlsplit(server).netloc:
        return {}
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{server}/.extraheader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
    }
