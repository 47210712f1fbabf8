"""An out of any commit laid out in a folder, from DVC's cache or its default remote. An edge: reads and writes files."""

from __future__ import annotations

from pathlib import Path

from plumbline.core import dvc_hash
from plumbline.repo import object_stores, repair
from plumbline.repo.object_stores import ObjectStore
from plumbline.repo.tracked_outs import Out

MODE = 0o644


def places(root: Path) -> list[ObjectStore]:
    """Where objects are looked for: the cache, then the default remote, where there is one."""
    settings = object_stores.settings(root)
    return [settings.folder(), *([settings.remote(settings.default)] if settings.default else [])]


def restore(root: Path, out: Out, target: Path, only: str = "") -> None:
    """Write the out's file, or its folder, to `target`, each byte hashed; PlumblineError where one is missing or wrong.

    `only`: the one file of the folder that is wanted; "" for all.
    """
    sources = places(root)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not out.folder:
        repair.restore(sources, out.md5, target, MODE)
        return
    target.mkdir()
    listing = target.with_name(f"{target.name}.listing")
    repair.restore(sources, out.md5, listing, MODE)
    for name, md5 in dvc_hash.manifest(listing.read_bytes()).items():
        if not only or name == only:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            repair.restore(sources, md5, target / name, MODE)
