"""What `clean` may remove: products that a command makes again, each by its name. An edge: removes files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from plumbline.core import dvc_hash
from plumbline.core.errors import PlumblineError
from plumbline.core.hashing import md5_file
from plumbline.repo import object_stores, revisions
from plumbline.repo.object_stores import FolderStore
from plumbline.repo.tracked_outs import Out
from plumbline.runtime import git

FOLDERS = (
    ".mypy_cache", ".pytest_cache", ".ruff_cache", ".import_linter_cache", ".hypothesis",
    "dvc_plots", "mlartifacts", ".cml", "plumbline.egg-info",
)  # fmt: skip
"""In the project's root."""
FILES = ("mlflow.db", "mlflow.db-journal", "mlflow.db-shm", "mlflow.db-wal", ".coverage")
PATTERNS = (".coverage.*", "feature_store/*.db", "feature_store/*.db-*")
KEPT_FILES = (".coveragerc", ".coverage.toml")
BYTECODE = "__pycache__"
OUTS = ("data", "models", "reports")
"""Where the stages write: an out there is removed where the cache has its bytes."""
CLOSED = (".git", ".dvc", ".plumbline", ".venv", "sources", "usecases")
"""Folders that are never entered."""


@dataclass(frozen=True)
class Products:
    """Paths relative to the project: files to remove by what they belong to, and outs that stay."""

    files: Mapping[str, tuple[Path, ...]]
    kept: tuple[str, ...]


def find(root: Path) -> Products:
    """The products that are here, and the outs whose bytes no cache has; nothing that git tracks."""
    names = set(git.names(root, "ls-files", "-z")) if git.here(root) else set()
    files: dict[str, tuple[Path, ...]] = {
        str(path): (path,)
        for path in sorted({*_named(root), *_bytecode(root)})
        if not _tracked(path, names)
    }
    kept = []
    for out in _outs(root):
        contents = stored(root, out)
        if contents is None:
            kept.append(out.path)
        elif not names.intersection(map(str, contents)):
            files[out.path] = contents
    return Products(files, tuple(kept))


def remove(root: Path, products: Products) -> None:
    """Remove them, and the outs' folders where they are empty then."""
    for name, paths in products.files.items():
        for path in paths:
            _remove(root / path)
        _prune(root, Path(name))


def _named(root: Path) -> Iterator[Path]:
    yield from (Path(name) for name in FOLDERS if (root / name).is_dir())
    yield from (Path(name) for name in FILES if (root / name).is_file())
    for pattern in PATTERNS:
        matches = (path for path in root.glob(pattern) if path.is_file())
        yield from (path.relative_to(root) for path in matches if path.name not in KEPT_FILES)


def _bytecode(root: Path) -> Iterator[Path]:
    """Folders of bytecode, but for those of environments and of other repositories."""
    for folder, names, files in os.walk(root):
        here = Path(folder)
        if here != root and (".git" in {*names, *files} or "pyvenv.cfg" in files):
            names.clear()
            continue
        if BYTECODE in names:
            yield (here / BYTECODE).relative_to(root)
        closed = {BYTECODE, *(CLOSED if here == root else ())}
        names[:] = [name for name in names if name not in closed]


def _tracked(path: Path, names: set[str]) -> bool:
    return str(path) in names or any(name.startswith(f"{path}/") for name in names)


def _outs(root: Path) -> list[Out]:
    """The outs of the work tree's lock that stages write and that are here."""
    try:
        outs = revisions.outs(root, revisions.WORK_TREE)
    except PlumblineError:
        return []  # without a readable lock no out is known to be one
    produced = (o for o in outs if o.cached and not o.file.endswith(".dvc"))
    return [o for o in produced if Path(o.path).parts[0] in OUTS and (root / o.path).exists()]


def stored(root: Path, out: Out) -> tuple[Path, ...] | None:
    """The out's files as they are now; None where the cache does not have the bytes of each."""
    store = object_stores.settings(root).folder()
    try:
        if not (root / out.path).is_dir():
            held = _holds(store, [md5_file(str(root / out.path))])
            return (Path(out.path),) if held else None
        if (root / out.path).is_symlink():
            return None
        contents = dvc_hash.contents(root, out.path)
    except OSError:
        return None
    held = _holds(store, [dvc_hash.manifest_md5(contents), *contents.values()])
    return tuple(Path(out.path) / name for name in contents) if held else None


def _holds(store: FolderStore, oids: list[str]) -> bool:
    return all(md5 == oid.removesuffix(".dir") for oid, md5 in store.digests(oids).items())


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _prune(root: Path, name: Path) -> None:
    """Remove the folders of an out, and those above it, that are empty."""
    below = sorted((root / name).glob("**/"), reverse=True) if (root / name).is_dir() else []
    for folder in (*below, *(root / parent for parent in list(name.parents)[:-1])):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
