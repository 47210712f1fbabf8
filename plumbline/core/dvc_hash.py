"""The md5s of files and folders as DVC writes them. A folder's is that of its manifest. An edge: reads files."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from plumbline.core.dvc_ignore import FILE, Ignore
from plumbline.core.errors import PlumblineError
from plumbline.core.hashing import Digest, md5_bytes, md5_file, md5_files

MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")


def md5(path: Path) -> str:
    """DVC's md5 of a file, or of a folder (ends in ".dir"); PlumblineError where there is neither.

    What the .dvcignore files of the folder's DVC project leave out does not count.
    """
    if path.is_dir():
        root = project(path)
        return manifest_md5(
            contents(root, Path(os.path.abspath(path)).relative_to(root).as_posix())
        )
    try:
        return md5_file(str(path))
    except FileNotFoundError:
        raise PlumblineError(f"{path}: no such file; run `dvc checkout`, or `dvc repro`") from None


def md5_text(text: str) -> str:
    """The md5 of a text in UTF-8."""
    return md5_bytes(text.encode("utf-8"))


def project(path: Path) -> Path:
    """The root of the DVC project that a folder is in; its parent where it is in none."""
    absolute = Path(os.path.abspath(path))
    return next((p for p in absolute.parents if (p / ".dvc").is_dir()), absolute.parent)


def listing(root: Path, folder: str, known: Collection[str] = ()) -> list[str]:
    """The files below a folder of a project, relative to it, in order, without those that DVC ignores.

    Those of `known` are left out at no cost.
    """
    return sorted(Ignore(str(root)).files(folder, frozenset(known)))


def contents(root: Path, folder: str) -> dict[str, str]:
    """A folder's files as they are now: relative path to md5; OSError where one cannot be read."""
    if not (root / folder).is_dir():
        raise FileNotFoundError(f"{folder}: no such folder")
    names = {str(root / folder / name): name for name in listing(root, folder)}
    md5s = {}
    for path, digest in md5_files(names).items():
        if isinstance(digest, OSError):
            raise digest
        if names[path].rpartition("/")[2] == FILE:
            raise OSError(
                f"{path}: DVC refuses a {FILE} inside a folder that it hashes; move it up"
            )
        md5s[names[path]] = digest
    return md5s


def folder_md5(root: Path, folder: str) -> Digest:
    """The md5 of the manifest that DVC would write for a folder as it is now, or why there is none."""
    try:
        return manifest_md5(contents(root, folder))
    except OSError as error:
        return error


def manifest_md5(listed: Mapping[str, str]) -> str:
    """The name of a folder's manifest with these relative paths and md5s."""
    return md5_bytes(manifest_bytes(listed)) + ".dir"


def manifest(data: bytes) -> dict[str, str]:
    """A folder's manifest: relative path to md5. ValueError where it is not what DVC writes."""
    listing = json.loads(data)
    if not isinstance(listing, list):
        raise ValueError("expected a list")
    contents = {}
    for entry in listing:
        path, md5 = (entry.get(k) if isinstance(entry, dict) else None for k in ("relpath", "md5"))
        if not isinstance(path, str) or not isinstance(md5, str) or not MD5.fullmatch(md5):
            raise ValueError(f"expected md5 and relpath, found {str(entry)[:80]}")
        if path.startswith("/") or not {"", ".", ".."}.isdisjoint(path.split("/")):
            raise ValueError(f"the path '{path}' leaves its folder")
        contents[path] = md5
    return contents


def manifest_bytes(contents: Mapping[str, str]) -> bytes:
    """The manifest that DVC writes for these relative paths and md5s.

    >>> manifest_bytes({"b": "1" * 32, "a": "0" * 32})[:41]
    b'[{"md5": "0000000000000000000000000000000'
    """
    listing = [{"md5": contents[path], "relpath": path} for path in sorted(contents)]
    return json.dumps(listing, sort_keys=True).encode()
