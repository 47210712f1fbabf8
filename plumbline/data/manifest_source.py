"""A source that is read in place, by its manifest: what is there must be what is listed, or nothing is read. An edge.

Files are read one after another, by one machine or by each worker: of S3 one object at a time lies in its scratch space.
"""

from __future__ import annotations

import uuid
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from plumbline.core import duckdb_session
from plumbline.core.errors import SourceError
from plumbline.data import file_manifest, manifest_changes, source_root
from plumbline.data.file_manifest import ListedFile
from plumbline.data.manifest_changes import ManifestChange
from plumbline.data.params import EventTable
from plumbline.data.source_root import SourceRoot
from plumbline.data.sources import EventSource, Opener, SourcePart, shown

WRITE = "write it with `plumbline manifest {usecase} --update`, and commit it"


def open_source(
    usecase: str, data: EventTable, suffixes: Sequence[str], opener: Opener, scratch: Path
) -> EventSource:
    """The source; SourceError naming the files that are not as the manifest lists them."""
    manifest = Path(data.manifest or "")
    listed = file_manifest.read(manifest, WRITE.format(usecase=usecase))
    if not listed:
        raise SourceError(f"{manifest}: lists no file; {WRITE.format(usecase=usecase)}")
    root = source_root.open_root(data.path or "", "data.path", suffixes)
    lines = _checked(usecase, manifest, root, listed)
    parts = tuple(_part(root, file, opener, scratch) for file in listed.values())
    return EventSource(
        data.source,
        f"{root.name} by {manifest}",
        parts,
        sheet(data, listed),
        file_manifest.digest(listed.values()),
        (*lines, *source_root.warnings(root, suffixes)),
    )


def sheet(data: EventTable, listed: Mapping[str, ListedFile]) -> dict[str, Any]:
    """What the datasheet says: the root as params.yaml names it, the manifest, and what it lists."""
    return {
        "path": shown(data.path or ""),
        "manifest": data.manifest,
        "files": len(listed),
        "bytes": sum(file.size for file in listed.values()),
    }


def _checked(
    usecase: str, manifest: Path, root: SourceRoot, listed: Mapping[str, ListedFile]
) -> list[str]:
    """SourceError where the root does not have what is listed; warnings of what is new, and does no harm."""
    changes = manifest_changes.compare(listed, root.found(listed))
    kept = [c for c in changes if c.path in listed and root.keeps(listed[c.path])]
    wrong = [change for change in changes if change not in kept]
    later = [c for c in wrong if c.kind == "not listed"] if source_root.is_reproducing() else []
    wrong = [change for change in wrong if change not in later]
    if wrong:
        raise SourceError(refusal(usecase, manifest, root.name, wrong))
    names = file_manifest.some([change.path for change in (*kept, *later)])
    return (
        [f"{root.name}: newer than {manifest}, which is read as it stands: {names}"]
        if names
        else []
    )


def refusal(usecase: str, manifest: Path, root: str, changes: Sequence[ManifestChange]) -> str:
    """The message: which files are not as listed, and what to do."""
    return (
        f"{manifest}: {root} is not what it lists: {'; '.join(manifest_changes.sentences(changes))}. Restore the files, "
        f"or look at the change with `plumbline manifest {usecase}`, accept it with --update, and commit"
    )


@dataclass
class _OpenedPart:
    """A file on its way through DuckDB, from when it is opened until the next one is."""

    root: SourceRoot
    file: ListedFile
    opener: Opener
    scratch: Path
    part: SourcePart = field(init=False)

    @property
    def name(self) -> str:
        return self.root.shown(self.file.path)

    def chunks(self, connection: duckdb.DuckDBPyConnection) -> Generator[str]:
        """What to select the file's rows from; SourceError where they are not as many as listed."""
        copy = self.scratch / f"text-{uuid.uuid4().hex}.parquet"  # workers share the folder
        try:
            with self.root.opened(self.file, self.scratch) as path:
                self.part = self.opener(path, self.name, copy)
                with closing(self.part.chunks(connection)) as chunks:
                    yield from chunks
        finally:
            copy.unlink(missing_ok=True)

    def check(self, rows: int) -> None:
        """SourceError for another number of rows than listed."""
        if rows != self.file.rows:
            raise SourceError(
                f"{self.name}: {rows:,} rows, expected {self.file.rows:,} as the manifest lists; write the manifest "
                "again with `plumbline manifest --update`"
            )


def _part(root: SourceRoot, file: ListedFile, opener: Opener, scratch: Path) -> SourcePart:
    one = _OpenedPart(root, file, opener, scratch)
    return SourcePart(
        one.name,
        one.chunks,
        str(root.local(file, scratch)),
        lambda rows: one.part.places(rows),
        lambda: one.part.explain(),
        one.check,
        file.hash,
    )


def count_rows(
    connection: duckdb.DuckDBPyConnection,
    root: SourceRoot,
    file: ListedFile,
    opener: Opener,
    scratch: Path,
) -> int:
    """The rows of a file: of Parquet by its footer, else by the reader that the data stage reads it with."""
    if file.path.lower().endswith((".parquet", ".pq")):
        return root.rows(file.path)
    part = _part(root, file, opener, scratch)
    with closing(part.chunks(connection)) as chunks:
        counted = (f"SELECT count(*) FROM {relation}" for relation in chunks)
        try:
            return sum(int(duckdb_session.rows(connection, sql)[0][0]) for sql in counted)
        except duckdb.Error as error:
            part.explain()
            reason = str(error).splitlines()[0]
            raise SourceError(f"{part.name}: cannot be read: {reason}") from None
