"""What a source has beside what its manifest lists, and the manifest written anew. An edge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from plumbline.core import duckdb_session
from plumbline.core.errors import ParamsError, SourceError
from plumbline.data import (
    file_manifest,
    manifest_changes,
    manifest_source,
    source_root,
    source_tables,
    sources,
    tracked,
)
from plumbline.data.file_manifest import ListedFile
from plumbline.data.manifest_changes import FoundFile, ManifestChange
from plumbline.data.params import Data, EventTable
from plumbline.data.source_root import SourceRoot
from plumbline.data.source_tables import SourceTable

MANY = 100_000
"""Files from which a manifest is better kept as Parquet."""


@dataclass(frozen=True)
class ManifestSurvey:
    """A table's manifest beside its root: what is listed, what is there, and how that differs."""

    read: SourceTable
    path: Path
    root: SourceRoot
    listed: Mapping[str, ListedFile]
    found: Mapping[str, FoundFile]
    changes: tuple[ManifestChange, ...]
    warnings: tuple[str, ...]


def surveys(
    usecase: str, data: Data, source: Path, *, again: bool = False
) -> Iterator[ManifestSurvey]:
    """Of each table with a manifest. `source`: the use case's folder; `again`: read every byte.

    Raises ParamsError where no table has one, SourceError where a root or a manifest cannot be read.
    """
    tracked.check(usecase, data, source)
    tables = [one for one in source_tables.of(data) if one.table.manifest]
    if not tables:
        raise ParamsError(
            f"params.yaml, {usecase}.data.manifest: missing; set it to {source}/NAME.json, and data.path to the folder or "
            "the s3:// prefix whose files it is to list"
        )
    return (_survey(usecase, one, again) for one in tables)


def updated(survey: ManifestSurvey, scratch: Path) -> list[ListedFile]:
    """The files as they are now, counted where they are new; SourceError where one cannot be read."""
    unreadable = [c.text for c in survey.changes if c.kind == "unreadable"]
    if unreadable:
        raise SourceError(
            f"{survey.root.name}: cannot be read: {file_manifest.some(unreadable)}; correct their rights, or remove them"
        )
    changed = {change.path for change in survey.changes}
    with duckdb_session.connect(scratch) as connection:
        return [
            _counted(connection, survey, path, scratch) if path in changed else survey.listed[path]
            for path in survey.found
        ]


def _survey(usecase: str, one: SourceTable, again: bool) -> ManifestSurvey:
    suffixes = sources.SUFFIXES[one.kind]
    path = Path(one.table.manifest or "")
    root = source_root.open_root(one.table.path or "", f"{usecase}.{one.key}.path", suffixes)
    remedy = f"restore it from git, or remove it and run `plumbline manifest {usecase} --update`"
    listed = file_manifest.read(path, remedy) if path.exists() else {}
    found = root.found(listed, again=again)
    if not found:
        raise SourceError(
            f"{root.name}: no file ends with {' or '.join(suffixes)}; correct {usecase}.{one.key}.path"
        )
    changes = tuple(manifest_changes.compare(listed, found))
    notes = source_root.warnings(root, suffixes)
    return ManifestSurvey(one, path, root, listed, found, changes, notes)


def _counted(
    connection: duckdb.DuckDBPyConnection, survey: ManifestSurvey, path: str, scratch: Path
) -> ListedFile:
    one, found = survey.read, survey.found[path]
    style = one.table.model_dump(include={"delimiter", "encoding", "max_unpacking"})
    opener = sources.opener(one.kind, EventTable(source="csv", **style), None)
    bare = ListedFile(path, found.size, found.hash, 0, found.version)
    rows = manifest_source.count_rows(connection, survey.root, bare, opener, scratch)
    return ListedFile(path, found.size, bare.hash, rows, found.version)
