"""Entries of dvc.lock that were replaced, remembered on this machine: what a stage made from other inputs.

One file per entry in `.plumbline/known/<stage>/`, named by its inputs; the texts of outs that git keeps are in
it. Written when a stage starts, before its entry and its outs are replaced. An edge: reads and writes files.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plumbline.core import dvc_hash
from plumbline.core.dvc_hash import md5_text
from plumbline.core.errors import PlumblineError
from plumbline.core.files import replacing
from plumbline.runtime import dvc_lock
from plumbline.runtime.dvc_lock import Entry

FOLDER = Path(".plumbline") / "known"
KEPT = 20
"""Entries that a stage's folder keeps, the newest."""
HEAD = "stages:\n"
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class KnownEntry:
    """An entry, its lines in dvc.lock as DVC wrote them, and the texts of its outs that git keeps."""

    entry: Entry
    lines: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)


def key(cmd: str, deps: Mapping[str, str], params: Mapping[str, Any]) -> str:
    """The name of what a stage was made from: its command, its deps' md5s, its params' values."""
    return md5_text(json.dumps([cmd, dict(deps), dict(params)], sort_keys=True, default=repr))


def entry_key(entry: Entry) -> str:
    """The name of what an entry's outs were made from."""
    return key(entry.cmd, entry.deps, entry.params)


def remember(root: Path, name: str, lock: str, entry: Entry, in_git: Iterable[str]) -> None:
    """Keep an entry of the dvc.lock `lock` that is about to be replaced.

    Not where the outs that git keeps are no longer its own.
    """
    file = root / FOLDER / name / f"{entry_key(entry)}.json"
    texts = {path: _text(root / path, entry.outs.get(path)) for path in in_git}
    if None in texts.values():
        return
    content = {"lines": dvc_lock.block(lock, name), "texts": texts}
    _make(file.parent, root / FOLDER)
    with replacing(file) as beside:
        beside.write_text(json.dumps(content), encoding="utf-8")
        beside.chmod(0o600)
    for old in sorted(file.parent.glob("*.json"), key=lambda p: p.stat().st_mtime)[:-KEPT]:
        old.unlink()


def find(root: Path, name: str, wanted: str) -> KnownEntry | None:
    """The entry with these inputs; None where there is none, or others could have written it."""
    file = root / FOLDER / name / f"{wanted}.json"
    if not _own(file):
        return None
    known = _read(file, name)
    return known if known and entry_key(known.entry) == wanted else None


def any_of(root: Path, name: str) -> bool:
    """Whether an entry of the stage is remembered."""
    return (root / FOLDER / name).is_dir()


def prune(root: Path, held: Iterable[str]) -> int:
    """Remove the entries that need an object beside those of `held`; how many."""
    kept, gone = set(held), 0
    for file in sorted((root / FOLDER).glob("*/*.json")):
        known = _read(file, file.parent.name)
        outs = known.entry.outs.items() if known else ()
        if known and all(md5 in kept for path, md5 in outs if path not in known.texts):
            continue
        file.unlink()
        gone += 1
    return gone


def _read(file: Path, name: str) -> KnownEntry | None:
    """A file's entry; None where it is damaged."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        texts = {str(path): str(text) for path, text in content["texts"].items()}
        lines = str(content["lines"])
        return KnownEntry(dvc_lock.parse(HEAD + lines, str(file))[name], lines, texts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, PlumblineError):
        return None


def _own(file: Path) -> bool:
    """Whether it is there, and nobody else could have written it."""
    try:
        status = file.lstat()
    except OSError:
        return False
    own = status.st_uid == os.geteuid() and not status.st_mode & OTHERS_WRITE
    return own and stat.S_ISREG(status.st_mode)


def _text(path: Path, md5: str | None) -> str | None:
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return text if dvc_hash.md5_text(text) == md5 else None


def _make(folder: Path, top: Path) -> None:
    """The folder, closed to others, and out of git's sight."""
    top.parent.mkdir(parents=True, exist_ok=True)
    for made in (top, folder):
        made.mkdir(mode=0o700, exist_ok=True)
    ignore = top / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
