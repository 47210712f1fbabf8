"""Which state of the project a record belongs to: the commit, and a hash of the files as they are."""

from __future__ import annotations

import hashlib
from pathlib import Path

from plumbline.runtime import git

OWN = ("docs/scorecard.svg", "scorecard.json")
"""What the score itself writes: no part of the state that it speaks of."""


def state(root: Path = Path(".")) -> str:
    """SHA-256 over path and bytes of every file that git tracks or would, as they lie on the disk.

    Raises PlumblineError outside of a git work tree.
    """
    whole = hashlib.sha256()
    for name in listed(root):
        path = root / name
        if name not in OWN and path.is_file():
            inner = hashlib.sha256(path.read_bytes()).hexdigest()
            whole.update(f"{name}\0{inner}\n".encode())
    return whole.hexdigest()


def listed(root: Path) -> list[str]:
    """The files that git tracks or would add, sorted."""
    return sorted(
        set(git.names(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"))
    )


def commit(root: Path = Path(".")) -> str:
    """The commit that is checked out; empty before the first."""
    return git.answer("rev-parse", "--verify", "--quiet", "HEAD", root=root, timeout=None) or ""


def changed(root: Path = Path(".")) -> list[str]:
    """Files that differ from the commit, or that git does not track yet."""
    arguments = ("status", "--porcelain", "-z", "--untracked-files=all", "--no-renames")
    return [line[3:] for line in git.names(root, *arguments) if line[3:] not in OWN]
