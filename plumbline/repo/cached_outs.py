"""Puts a stage's outs into the work tree, all or none, from the cache, git or texts that were kept. An edge.

Each byte is hashed while it is copied; an out whose bytes are right already is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from plumbline.core import dvc_hash, hashing
from plumbline.core.errors import PlumblineError
from plumbline.core.files import replacing, replacing_folder
from plumbline.repo import file_modes, object_stores
from plumbline.repo.known_entries import KnownEntry
from plumbline.repo.object_stores import FolderStore
from plumbline.runtime import git
from plumbline.runtime.dvc_yaml import DeclaredStage

UNPROTECTED = 0o644


def place(root: Path, stage: DeclaredStage, known: KnownEntry) -> list[str]:
    """Put the outs of a known entry in place; the paths of those that were not there as they should be.

    PlumblineError, with nothing changed, where bytes are missing or wrong.
    """
    outs = known.entry.outs
    if set(outs) != set(stage.paths):
        raise PlumblineError(f"expected the outs {', '.join(stage.paths)}, found {', '.join(outs)}")
    executable = {out["path"] for out in known.entry.raw.get("outs", ()) if out.get("isexec")}
    brought: list[str] = []
    store, mask = object_stores.settings(root).folder(), file_modes.umask()
    with ExitStack() as stack:
        for out in stage.outs:
            path, md5 = root / out.path, outs[out.path]
            if _current(path) == md5:
                continue
            brought.append(out.path)
            if not out.cached:
                beside = stack.enter_context(replacing(path))
                beside.write_bytes(_kept(root, out.path, md5, known.texts))
            elif md5.endswith(".dir"):
                _folder(store, out.path, md5, stack.enter_context(replacing_folder(path)))
            else:
                beside = stack.enter_context(replacing(path))
                _file(store, out.path, md5, beside)
                beside.chmod(file_modes.file_mode(out.path in executable, mask))
    return brought


def held(store: FolderStore, stage: DeclaredStage, known: KnownEntry) -> bool:
    """Whether the cache has an object for each byte of the outs; they are not hashed."""
    oids = [known.entry.outs.get(out.path, "") for out in stage.outs if out.cached]
    for oid in [oid for oid in oids if oid.endswith(".dir")]:
        listed = object_stores.read_object(store, oid)
        if listed is None:
            return False
        oids += dvc_hash.manifest(listed).values()
    return all(oid and Path(store.locate(oid)).is_file() for oid in oids)


def _current(path: Path) -> str | None:
    """An out's md5 as it is now; None where it is missing, or cannot be read."""
    try:
        return dvc_hash.md5(path)
    except (PlumblineError, OSError):
        return None


def _folder(store: FolderStore, path: str, md5: str, beside: Path) -> None:
    listed = object_stores.read_object(store, md5)
    if listed is None:
        raise PlumblineError(f"{path}: its list of files is not in the cache")
    for name, oid in dvc_hash.manifest(listed).items():
        target = beside / name
        target.parent.mkdir(parents=True, exist_ok=True)
        _file(store, f"{path}/{name}", oid, target)


def _file(store: FolderStore, path: str, md5: str, target: Path) -> None:
    try:
        with store.open(md5) as source, target.open("wb") as stream:
            copied = hashing.copy(source, stream)
    except FileNotFoundError:
        raise PlumblineError(f"{path}: not in the cache") from None
    if copied != md5:
        with suppress(OSError):  # DVC trusts what is protected; so it looks, and replaces it
            Path(store.locate(md5)).chmod(UNPROTECTED)
        raise PlumblineError(f"{path}: damaged in the cache (md5 {copied}, expected {md5})")


def _kept(root: Path, path: str, md5: str, texts: Mapping[str, str]) -> bytes:
    """The bytes of an out that git keeps: those that were remembered, or the commit's."""
    text = texts.get(path)
    data = git.output(root, "show", f"HEAD:./{path}") if text is None else text.encode("utf-8")
    if hashing.md5_bytes(data) != md5:
        raise PlumblineError(f"{path}: HEAD has another one")
    return data
