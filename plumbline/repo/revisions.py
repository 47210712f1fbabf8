"""What a project's DVC files name, in the work tree or at any git revision, with no checkout."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from pathlib import Path

from plumbline.core.errors import PlumblineError
from plumbline.repo import tracked_outs
from plumbline.repo.tracked_outs import Out
from plumbline.runtime import dvc_lock, dvc_yaml, git

WORK_TREE = None
"""The revision that stands for the files as they are now."""
FILES = (dvc_lock.FILE, dvc_yaml.FILE, dvc_yaml.PARAMS)
"""What says which outs there are: entries, their declaration, and its values."""


def commit(root: Path, rev: str) -> str:
    """The commit that a revision names; git's own message where it cannot read the repository."""
    try:
        arguments = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{rev}^{{commit}}")
        return git.text(root, *arguments)
    except PlumblineError:
        git.require(root)
        raise PlumblineError(
            f"'{rev}': no such revision; expected a commit, tag or branch (see `git tag`, `git log`)"
        ) from None


def tags(root: Path) -> list[str]:
    """Every tag that leads to a commit, by name."""
    form = "--format=%(refname:short) %(objecttype) %(*objecttype)"
    lines = git.lines(root, "for-each-ref", form, "refs/tags")
    return [ln.split()[0] for ln in lines if {"blob", "tree"}.isdisjoint(ln.split()[1:])]


def refuse_shallow(root: Path, what: str) -> None:
    """PlumblineError in a shallow clone, where `what` would be answered from a part of the history."""
    if git.text(root, "rev-parse", "--is-shallow-repository") == "true":
        raise PlumblineError(
            f"{what}: needs every commit and tag, and this is a shallow clone; fetch first: "
            "`git fetch --unshallow --tags`"
        )


def outs(root: Path, rev: str | None) -> list[Out]:
    """Every out that the declared entries of dvc.lock, and .dvc files, name in the work tree or a revision."""
    names = _names(root, rev)
    wanted = [n for n in names if posixpath.basename(n) in FILES or _dvc(n)]
    texts = {n: data.decode(errors="replace") for n, data in blobs(root, rev, wanted).items()}
    tracked: list[Out] = []
    for name in sorted(texts):
        if posixpath.basename(name) == dvc_lock.FILE:
            graph, params = (
                texts.get(posixpath.join(posixpath.dirname(name), file), "")
                for file in (dvc_yaml.FILE, dvc_yaml.PARAMS)
            )
            tracked += tracked_outs.of_lock(texts[name], graph, name, params)
        elif _dvc(name):
            tracked += tracked_outs.of_dvc_file(texts[name], name)
    return tracked


def entries(root: Path, rev: str | None, name: str) -> dict[str, dvc_lock.Entry]:
    """The declared entries of dvc.lock in the project's root; none without the file.

    `name`: what to call the revision in an error.
    """
    texts = {n: data.decode(errors="replace") for n, data in blobs(root, rev, FILES).items()}
    lock, graph, params = (texts.get(file, "") for file in FILES)
    return dvc_lock.parse_declared(lock, graph, params, f"{name}: {dvc_lock.FILE}")


def below(root: Path, rev: str, path: str) -> list[str]:
    """The files that git has at `path` (itself, or all below it) at a revision."""
    return git.names(root, "ls-tree", "-r", "-z", "--name-only", rev, "--", path)


def blobs(root: Path, rev: str | None, names: Iterable[str]) -> dict[str, bytes]:
    """The bytes of files of the work tree or a revision; those that are not there are left out."""
    if rev is WORK_TREE:
        return {n: (root / n).read_bytes() for n in names if (root / n).is_file()}
    wanted = [n for n in names if "\n" not in n]
    request = "".join(f"{rev}:./{n}\n" for n in wanted).encode()
    answer = git.output(root, "cat-file", "--batch", data=request)
    contents = {}
    at = 0
    for name in wanted:
        end = answer.index(b"\n", at)
        head, at = answer[at:end], end + 1
        if not head.endswith(b" missing"):
            size = int(head.split()[-1])
            contents[name] = answer[at : at + size]
            at += size + 1
    return contents


def _names(root: Path, rev: str | None) -> list[str]:
    if rev is WORK_TREE and not git.here(root):
        return _without_git(root)
    if rev is WORK_TREE:
        return git.names(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return git.names(root, "ls-tree", "-r", "-z", "--name-only", rev)


def _without_git(root: Path) -> list[str]:
    """The files of the work tree where no repository says which are the project's: DVC's own."""
    patterns = (dvc_lock.FILE, dvc_yaml.FILE, "*.dvc")
    matches = {path.relative_to(root) for pattern in patterns for path in root.rglob(pattern)}
    own = (p for p in matches if not any(part.startswith(".") for part in p.parts))
    return sorted(p.as_posix() for p in own if (root / p).is_file())


def _dvc(name: str) -> bool:
    return name.endswith(".dvc") and posixpath.basename(name) != ".dvc"
