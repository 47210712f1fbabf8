"""A challenger's branch: committed without a checkout, pushed without overwriting anyone's work. An edge."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Sequence
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.runtime import git

ASK_NOBODY = {"GIT_ASKPASS": "true"}
"""git fails where it has no credentials, in place of asking for a password."""


def name(usecase_name: str) -> str:
    """The branch of a use case's challenger: one branch, hence one pull request.

    >>> name("shop")
    'retrain/shop'
    """
    return f"retrain/{usecase_name}"


def commit(root: Path, branch: str, message: str, paths: Sequence[str]) -> str:
    """The work tree's `paths` as a commit on HEAD; `branch` is set to it. Index and HEAD stay as they are."""
    with tempfile.TemporaryDirectory() as folder:
        index = {**ASK_NOBODY, "GIT_INDEX_FILE": str(Path(folder) / "index")}
        git.text(root, "read-tree", "HEAD", env=index)
        git.text(root, "add", "--", *paths, env=index)
        tree = git.text(root, "write-tree", env=index)
    oid = git.text(root, "commit-tree", tree, "-p", "HEAD", "-m", message)
    git.text(root, "update-ref", f"refs/heads/{branch}", oid)
    return oid


def push(root: Path, oid: str, branch: str, token: str | None = None) -> bool:
    """Push a commit to origin's `branch`; False where it stands there already.

    PlumblineError where the branch holds a commit that no retrain made: a person's work is not
    overwritten.
    """
    access = ASK_NOBODY | credentials(
        git.text(root, "remote", "get-url", "--push", "origin"), token
    )
    ref = f"refs/heads/{branch}"
    there = git.text(root, "ls-remote", "origin", ref, env=access).split()[:1]
    if there:
        git.text(root, "fetch", "-q", "--no-tags", "origin", ref, env=access)
        if _same(root, there[0], oid):
            return False
        _refuse_others(root, there[0], oid, branch)
    lease = f"--force-with-lease={ref}:{there[0] if there else ''}"
    git.text(root, "push", "-q", "--no-verify", lease, "origin", f"{oid}:{ref}", env=access)
    return True


def credentials(address: str, token: str | None) -> dict[str, str]:
    """Variables that let git use a token for one https address, kept out of arguments and of .git/config."""
    if not token or not address.startswith("https://"):
        return {}
    host = "/".join(address.split("/")[:3])
    secret = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{host}/.extraheader",
        "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {secret}",
    }


def _same(root: Path, one: str, other: str) -> bool:
    """The same files on the same parent."""
    forms = [git.text(root, "show", "-s", "--format=%T %P", rev) for rev in (one, other)]
    return forms[0] == forms[1]


def _refuse_others(root: Path, there: str, oid: str, branch: str) -> None:
    committer = git.text(root, "show", "-s", "--format=%ce", oid)
    listed = git.text(root, "log", "--format=%h %ce", f"{oid}~1..{there}").splitlines()
    others = [line for line in listed if line.split(" ", 1)[1] != committer]
    if others:
        raise PlumblineError(
            f"origin's {branch} holds {others[0].split()[0]}, which no retrain made; it is left as it "
            "is: merge it, or delete the branch, then propose again"
        )
