"""Whether sources and code are still those that dvc.lock records, by hash, independent of DVC's state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from plumbline.core import dvc_hash
from plumbline.core.hashing import md5_files
from plumbline.repo.tracked_outs import source_deps
from plumbline.runtime import dvc_lock


def changed(root: Path) -> Iterator[tuple[str, str]]:
    """Stage and path of each source or code file that is not as the stage read it.

    DVC goes by size and time: an edit that keeps both is nothing to it. Outs of other stages are
    left out.
    """
    read = source_deps(dvc_lock.read(root))
    files = md5_files({str(root / path) for _, path, md5 in read if not md5.endswith(".dir")})
    folders = {path for _, path, md5 in read if md5.endswith(".dir")}
    folder_md5s = {path: dvc_hash.folder_md5(root, path) for path in folders}
    for stage, path, md5 in read:
        now = folder_md5s.get(path) if md5.endswith(".dir") else files[str(root / path)]
        if isinstance(now, str) and now != md5:
            yield stage, path
