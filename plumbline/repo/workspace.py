"""The outs as files of the work tree: which files an out consists of now, and their md5s."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from plumbline.core.hashing import Digest, md5_bytes, md5_files
from plumbline.repo.dvcfiles import manifest_bytes


def listing(root: Path, folder: str, known: Collection[str] = ()) -> list[str]:
    """The files below an out's folder, relative to it, in order, without those that DVC ignores.

    Those of `known` are left out at no cost.
    """
    top = str(root / folder)
    cut = len(top) + 1
    found = {
        os.path.join(parent, name)[cut:] for parent, _, names in os.walk(top) for name in names
    }
    found.difference_update(known)
    return sorted(found - ignored(root, folder, found))


def ignored(root: Path, folder: str, names: Collection[str]) -> set[str]:
    """Those files of a folder that a .dvcignore, of the project or a folder above them, leaves out."""
    if not names:
        return set()
    from pathspec import GitIgnoreSpec

    found: set[str] = set()
    for level in [Path("."), *reversed(Path(folder).parents), Path(folder)]:
        file = root / level / ".dvcignore"
        if file.is_file():
            spec = GitIgnoreSpec.from_lines(file.read_text(encoding="utf-8").splitlines())
            prefix = Path(folder).relative_to(level)
            found |= {n for n in names if spec.match_file((prefix / n).as_posix())}
    return found


def contents(root: Path, folder: str) -> dict[str, str]:
    """A folder's files as they are now: relative path to md5; OSError where one cannot be read."""
    if not (root / folder).is_dir():
        raise FileNotFoundError(f"{folder}: no such folder")
    names = {str(root / folder / name): name for name in listing(root, folder)}
    found = {}
    for path, digest in md5_files(names).items():
        if isinstance(digest, OSError):
            raise digest
        found[names[path]] = digest
    return found


def folder_md5(root: Path, folder: str) -> Digest:
    """The md5 of the manifest that DVC would write for a folder as it is now."""
    try:
        return manifest_md5(contents(root, folder))
    except OSError as error:
        return error


def manifest_md5(listed: dict[str, str]) -> str:
    """The name of a folder's manifest with these relative paths and md5s."""
    return md5_bytes(manifest_bytes(listed)) + ".dir"
