"""Whether sources that are read in place still have what the manifests of a revision list. An edge: lists roots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from plumbline.core.errors import PlumblineError
from plumbline.data import file_manifest, manifest_changes, source_root
from plumbline.data.file_manifest import ListedFile
from plumbline.data.manifest_changes import ManifestChange
from plumbline.data.sources import SUFFIXES
from plumbline.repo import revisions
from plumbline.runtime import dvc_yaml

TABLES = ("seed", "outcomes")
"""Keys of `data`, or of one of these, that name a source again."""


@dataclass(frozen=True)
class SourceManifest:
    """A manifest as a revision has it, and the root that it lists. `path`: of the manifest, in the project."""

    usecase: str
    path: str
    root: str
    kind: str


@dataclass(frozen=True)
class CheckedManifest:
    """How many files were compared, which are not as listed, and why nothing could be compared."""

    manifest: SourceManifest
    listed: Mapping[str, ListedFile]
    changes: tuple[ManifestChange, ...] = ()
    problem: str = ""


def check(root: Path, rev: str | None) -> Iterator[CheckedManifest]:
    """Each manifest that the params.yaml of a revision (None: of the work tree) names, beside its root.

    Files that came since are no fault of a past revision, nor is a version that is kept.
    """
    manifests = list(named(root, rev))
    blobs = revisions.blobs(root, rev, {one.path for one in manifests})
    for one in manifests:
        try:
            if one.path not in blobs:
                raise PlumblineError("no such file")
            listed = file_manifest.parse(blobs[one.path], one.path)
        except (PlumblineError, ValueError) as error:
            yield CheckedManifest(one, {}, problem=f"not a manifest: {error}")
            continue
        try:
            yield CheckedManifest(one, listed, tuple(_changes(root, rev, one, listed)))
        except PlumblineError as error:
            yield CheckedManifest(one, listed, problem=str(error))


def _changes(
    root: Path, rev: str | None, one: SourceManifest, listed: Mapping[str, ListedFile]
) -> Iterator[ManifestChange]:
    place = source_root.open_root(one.root, "data.path", SUFFIXES[one.kind], root)
    for change in manifest_changes.compare(listed, place.found(listed)):
        if change.kind == "not listed" and rev is not revisions.WORK_TREE:
            continue
        if change.path not in listed or not place.keeps(listed[change.path]):
            yield change


def named(root: Path, rev: str | None) -> Iterator[SourceManifest]:
    """The manifests that the params.yaml of a revision (None: of the work tree) names."""
    text = revisions.blobs(root, rev, (dvc_yaml.PARAMS,)).get(dvc_yaml.PARAMS, b"")
    try:
        params = yaml.safe_load(text)
    except yaml.YAMLError:
        return  # the run says what is wrong with it
    for name in _some(params, "usecases", list):
        section = _some(params, name, dict)
        data = _some(section, "data", dict)
        yield from _tables(str(name), data, str(data.get("source")))


def _tables(usecase: str, table: Mapping[str, Any], kind: str) -> Iterator[SourceManifest]:
    kind = str(table.get("source") or kind)
    manifest, place = table.get("manifest"), table.get("path")
    if isinstance(manifest, str) and isinstance(place, str) and kind in SUFFIXES:
        yield SourceManifest(usecase, Path(manifest).as_posix(), place, kind)
    for key in TABLES:
        if isinstance(inner := table.get(key), dict):
            yield from _tables(usecase, inner, kind)


def _some(value: Any, key: Any, kind: type) -> Any:
    """The part of this kind, or an empty one."""
    part = value.get(key) if isinstance(value, dict) else None
    return part if isinstance(part, kind) else kind()
