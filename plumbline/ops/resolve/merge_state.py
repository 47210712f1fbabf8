"""What git and the work tree have of a merge: its sides, what is still in conflict, dvc.lock as DVC writes it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from plumbline.core import dvc_hash
from plumbline.core.errors import PlumblineError
from plumbline.core.hashing import md5_bytes, md5_file
from plumbline.ops.resolve.choose import MergeSide
from plumbline.repo import revisions
from plumbline.repo.tracked_outs import of_dvc_file
from plumbline.runtime import dvc_lock, dvc_yaml, git
from plumbline.runtime.dvc_lock import Entry

CONFLICT = re.compile("^(<{7}|>{7}) ", re.MULTILINE)
OTHERS = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REBASE_HEAD", "REVERT_HEAD")
"""What git calls the other side; a revert's is the commit before the reverted one."""


def commits(root: Path) -> dict[str, str]:
    """The commits that are being merged, HEAD's first; PlumblineError where nothing is."""
    by_name = {"HEAD": revisions.commit(root, "HEAD")}
    for name in OTHERS:
        place = git.text(root, "rev-parse", "--git-path", name)
        if (root / place).is_file():
            listed = (root / place).read_text(encoding="utf-8").split()
            back = "^" if name == "REVERT_HEAD" else ""
            by_name |= {_named(root, oid): revisions.commit(root, oid + back) for oid in listed}
    if len(by_name) == 1:
        raise PlumblineError(
            f"no merge is in progress: there are no two sides of {dvc_lock.FILE}; expected a `git merge`, "
            "`rebase` or `cherry-pick` that stopped at a conflict"
        )
    return by_name


def side(root: Path, name: str, commit: str, kept: Iterable[str]) -> MergeSide:
    """One side: its entries, and the md5s of the outs that git keeps, as that commit has them."""
    md5s = {path: _kept_md5(root, commit, path) for path in kept}
    return MergeSide(name, _entries(root, name, commit), md5s)


def refuse_conflicts(root: Path, sides: Iterable[str]) -> None:
    """PlumblineError where anything but dvc.lock, and the outs that git keeps, is in conflict."""
    listed = git.names(root, "diff", "--name-only", "--diff-filter=U", "--relative", "-z")
    outs = {path for commit in sides for path in dvc_lock.outs(_entries(root, commit, commit))}
    folders = tuple(f"{path}/" for path in outs)
    names = sorted(set(listed) - outs - {dvc_lock.FILE})
    left = [name for name in names if not name.startswith(folders)]
    if left:
        raise PlumblineError(
            f"still in conflict: {', '.join(left)}; edit and `git add` them, then run "
            "`plumbline resolve` again: it needs the final params and code to know which entries of dvc.lock hold"
        )


def refuse_stale(root: Path) -> None:
    """PlumblineError where a file that a .dvc file tracks is not there as it says."""
    for name in git.names(root, "ls-files", "-z", "--", "*.dvc"):
        text = (root / name).read_text(encoding="utf-8") if (root / name).is_file() else ""
        for out in of_dvc_file(text, name):
            if md5(root, out.path) != out.md5:
                raise PlumblineError(
                    f"{out.path}: not what {name} says after the merge; `dvc checkout {name}` (or "
                    "`dvc pull`), then resolve again"
                )


def kept_blobs(root: Path, commit: str, path: str) -> dict[str, bytes]:
    """An out that git keeps, file or folder, at a commit: the bytes by path."""
    return revisions.blobs(root, commit, revisions.below(root, commit, path))


def md5(root: Path, path: str) -> str | None:
    """A dep's md5 as DVC has it; None where there is none, or it cannot be read."""
    try:
        if (root / path).is_dir():
            return dvc_hash.manifest_md5(dvc_hash.contents(root, path))
        return md5_file(str(root / path))
    except OSError:
        return None


def values(root: Path, file: str) -> dict[str, Any]:
    """A params file of the work tree; none without it."""
    data = revisions.blobs(root, None, (file,)).get(file, b"")
    return document(data, file)  # JSON is YAML


def document(data: bytes, file: str) -> dict[str, Any]:
    """A YAML file's keys and values as DVC reads them; PlumblineError where it has none."""
    text = data.decode("utf-8", errors="replace")
    if CONFLICT.search(text):
        raise PlumblineError(
            f"{file}: conflict markers are still in it; edit and `git add` it, then resolve again"
        )
    return dvc_yaml.document(text, file, load)


def load(text: str) -> Any:
    """YAML 1.2, as DVC reads and writes it: what is read is written back the same."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe").load(text)
    except YAMLError as error:
        raise yaml.YAMLError(str(error)) from None


def dumped(document: Mapping[str, Any]) -> str:
    """As DVC writes it."""
    from ruamel.yaml import YAML

    writer = YAML()
    writer.default_flow_style = False
    stream = io.StringIO()
    writer.dump(document, stream)
    return stream.getvalue()


def _entries(root: Path, name: str, commit: str) -> dict[str, Entry]:
    data = revisions.blobs(root, commit, (dvc_lock.FILE,)).get(dvc_lock.FILE, b"")
    return dvc_lock.parse(data.decode("utf-8", errors="replace"), f"{name}: {dvc_lock.FILE}", load)


def _kept_md5(root: Path, commit: str, path: str) -> str | None:
    blobs = kept_blobs(root, commit, path)
    if path in blobs or not blobs:
        return md5_bytes(blobs[path]) if blobs else None
    md5s = {name.removeprefix(f"{path}/"): md5_bytes(data) for name, data in blobs.items()}
    return dvc_hash.manifest_md5(md5s)


def _named(root: Path, oid: str) -> str:
    """The branch or tag that stands at a commit, else its short name."""
    arguments = ("for-each-ref", "--points-at", oid, "--format=%(refname:short)", "--count=1")
    name = git.text(root, *arguments, "refs/heads", "refs/remotes", "refs/tags")
    return name or oid[:9]
