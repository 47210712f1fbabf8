"""Which files of sources that are read in place differ between two revisions, by their manifests. An edge: reads git."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plumbline.data import file_manifest
from plumbline.data.file_manifest import ListedFile
from plumbline.repo import revisions, sources_in_place
from plumbline.review.revision import Revision

SHOWN = 3
"""Files of each kind that a line names."""
LONGEST = 80
"""Characters of a file's path in it."""
Listed = Mapping[str, ListedFile]


def of(base: Revision, head: Revision, usecase_name: str) -> list[str]:
    """A line for each manifest of the use case that differs: how many files, and the first of them."""
    old, new = (_manifests(side, usecase_name) for side in (base, head))
    lines = {path: _line(old.get(path), new.get(path)) for path in sorted({*old, *new})}
    return [f"{path}: {line}" for path, line in lines.items() if line]


def _manifests(side: Revision, usecase_name: str) -> dict[str, Listed | str]:
    """The manifests by path, or why one cannot be read."""
    every = sources_in_place.named(side.root, side.rev)
    paths = [one.path for one in every if one.usecase == usecase_name]
    blobs = revisions.blobs(side.root, side.rev, paths)
    return {path: _parsed(side, path, blobs.get(path)) for path in paths}


def _parsed(side: Revision, path: str, data: bytes | None) -> Listed | str:
    try:
        return file_manifest.parse(data or b"", path)
    except ValueError:
        return f"cannot tell which files differ: {side.name} has no readable manifest"


def _line(old: Listed | str | None, new: Listed | str | None) -> str:
    """What differs; empty for nothing."""
    if isinstance(old, str) or isinstance(new, str):
        return old if isinstance(old, str) else str(new)
    if old is None or new is None:
        return f"{len(new):,} files, read in place for the first time" if new else "read no more"
    kinds = {
        "replaced": [p for p in old if p in new and _bytes(old[p]) != _bytes(new[p])],
        "added": [p for p in new if p not in old],
        "removed": [p for p in old if p not in new],
    }
    return "; ".join(_counted(kind, paths) for kind, paths in kinds.items() if paths)


def _bytes(file: ListedFile) -> tuple[int, str]:
    """What tells a file's bytes."""
    return file.size, file.hash


def _counted(kind: str, paths: Sequence[str]) -> str:
    """The number of the files, and the first of them."""
    first = ", ".join(path[:LONGEST] for path in sorted(paths)[:SHOWN])
    return f"{len(paths):,} {kind} ({first}{', ...' if len(paths) > SHOWN else ''})"
