"""Where the files of a manifest lie: a folder of this machine, or a prefix in S3. An edge.

Names that begin with `_` or `.`, and what is in folders called so, are passed by, as Spark does.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from plumbline.core.errors import SourceError
from plumbline.core.hashing import Digest
from plumbline.data import hash_index
from plumbline.data.environment import expand
from plumbline.data.file_manifest import ListedFile, check_path, some
from plumbline.data.manifest_changes import FoundFile

S3 = "s3://"
TABLES = {"_delta_log": "Delta", ".hoodie": "Hudi"}
"""Folders by which table formats are known whose Parquet files include rows that the table no longer has."""
REPRODUCING = "PLUMBLINE_REPRODUCING"
"""Set by `plumbline reproduce`, whose clone is elsewhere: the project from which relative paths start. Files that came
since the commit are no fault there."""


class SourceRoot(ABC):
    """A folder or a prefix. `name`: as params.yaml has it, for messages. `beside`: names that are not read."""

    name: str
    beside: Sequence[str]

    @abstractmethod
    def found(
        self, listed: Mapping[str, ListedFile], *, again: bool = False
    ) -> dict[str, FoundFile]:
        """The files there by path. `listed`: by which hash each is compared; `again`: every byte is read, whatever is
        known of it."""

    @abstractmethod
    @contextmanager
    def opened(self, file: ListedFile, scratch: Path) -> Iterator[Path]:
        """A file of this machine with the listed bytes, good within the block; SourceError where they are others."""

    @abstractmethod
    def local(self, file: ListedFile, scratch: Path) -> Path:
        """Where `opened` puts the file, or finds it."""

    @abstractmethod
    def rows(self, path: str) -> int:
        """The rows of a Parquet file by its footer; SourceError where it is none."""

    def keeps(self, file: ListedFile) -> bool:  # noqa: ARG002
        """Whether the listed bytes can still be had, though another version stands in their place."""
        return False

    def shown(self, path: str) -> str:
        """A file's name for messages."""
        return f"{self.name.rstrip('/')}/{path}"


def open_root(
    place: str, key: str, suffixes: Sequence[str], project: Path = Path(".")
) -> SourceRoot:
    """The root that a path of params.yaml names; SourceError where it cannot be listed.

    `key`: of the path, for messages; `suffixes`: of files that are read; `project`: from which a relative path starts.
    """
    actual = expand(place, key)
    if actual.startswith(S3):
        from plumbline.data.s3_root import S3Root

        return S3Root(actual, place, key, suffixes)
    start = Path(os.environ.get(REPRODUCING) or project)
    folder = Path(os.path.abspath(start / actual))  # a worker's current folder is another one
    return FolderRoot(folder, (place, key), suffixes, project / hash_index.INDEX)


def is_reproducing() -> bool:
    """Whether a past commit is run again, whose source may have grown since."""
    return bool(os.environ.get(REPRODUCING))


def is_read(path: str, suffixes: Sequence[str]) -> bool:
    """Whether a path below the root is one of the source's files."""
    return not _is_hidden(path) and path.lower().endswith(tuple(suffixes))


def read_paths(name: str, paths: Sequence[str], suffixes: Sequence[str]) -> list[str]:
    """Those of the source's files, in order; SourceError for a name that is no text."""
    chosen = sorted(path for path in paths if is_read(path, suffixes))
    for path in chosen:
        try:
            check_path(path)
        except ValueError as error:
            raise SourceError(f"{name}: {error}; rename it") from None
    return chosen


def refuse_tables(name: str, folders: Sequence[str]) -> None:
    """SourceError for a folder of a table format, whose files are not its rows. `folders`: names that lie there."""
    for folder in folders:
        if kind := TABLES.get(folder):
            raise SourceError(
                f"{name}: a {kind} table ({folder}): its Parquet files include rows that the table no longer has; export "
                "the table to a folder of its own"
            )


def beside(paths: Sequence[str], suffixes: Sequence[str]) -> list[str]:
    """The paths that look like data and are not read: neither hidden, nor a README."""
    return [
        path
        for path in sorted(paths)
        if path.isprintable()
        and not _is_hidden(path)
        and not is_read(path, suffixes)
        and not path.lower().rpartition("/")[2].startswith("readme")
    ]


def _is_hidden(path: str) -> bool:
    return any(part.startswith(("_", ".")) for part in path.split("/"))


class FolderRoot(SourceRoot):
    """A folder; symbolic links in it are followed, where what they lead to is not read anyway."""

    def __init__(
        self, folder: Path, named: tuple[str, str], suffixes: Sequence[str], index: Path
    ) -> None:
        name, key = named
        if not folder.is_dir():
            found = "a file; expected a folder" if folder.exists() else "no such folder"
            raise SourceError(f"{name}: {found}; correct {key}, or mount it")
        self.folder, self.name, self.index = folder, name, index
        self.seen: dict[str, str] = {}
        paths = list(self._paths())
        self.paths = read_paths(name, paths, suffixes)
        self._refuse_links()
        self.beside = beside(paths, suffixes)

    def found(
        self, listed: Mapping[str, ListedFile], *, again: bool = False
    ) -> dict[str, FoundFile]:
        """The files, hashed by the index where it knows them."""
        self.seen = {path: self._facts(path) for path in self.paths}
        places = [str(self.folder / path) for path in self.paths]
        md5s = hash_index.md5s(places, self.index, again=again)
        return {path: self._found(path, md5s, listed) for path in self.paths}

    def _found(
        self, path: str, md5s: Mapping[str, Digest], listed: Mapping[str, ListedFile]
    ) -> FoundFile:
        place = self.folder / path
        md5 = md5s[str(place)]
        facts = self.seen[path]
        if isinstance(md5, OSError) or not facts:
            reason = md5.strerror if isinstance(md5, OSError) else ""
            return FoundFile(0, problem=reason or "cannot be read")
        expected = listed[path].hash if path in listed else ""
        kind = (
            "etag" if expected == f"etag:{md5}" else "md5"
        )  # of an object in one part they are one
        return FoundFile(hash_index.size(facts), f"{kind}:{md5}")

    def local(self, file: ListedFile, scratch: Path) -> Path:  # noqa: ARG002
        """The file itself."""
        return self.folder / file.path

    @contextmanager
    def opened(self, file: ListedFile, scratch: Path) -> Iterator[Path]:
        """The file itself; SourceError where it changes meanwhile."""
        before = self.seen.get(file.path) or self._facts(file.path)
        self._refuse_changed(file.path, before)
        yield self.local(file, scratch)
        self._refuse_changed(file.path, before)

    def rows(self, path: str) -> int:
        """By the footer."""
        return footer_rows(self.folder / path, self.shown(path))

    def _refuse_changed(self, path: str, before: str) -> None:
        if not before or self._facts(path) != before:
            raise SourceError(f"{self.shown(path)}: changed since the run began; run again")

    def _facts(self, path: str) -> str:
        """What identifies the file's bytes, on any machine that mounts the folder; empty where it is gone."""
        try:
            return hash_index.facts(str(self.folder / path)).partition(" ")[2]
        except OSError:
            return ""

    def _paths(self) -> Iterator[str]:
        """All files below, with slashes; SourceError for a folder that cannot be listed."""
        visited: set[str] = set()
        for place, folders, names in os.walk(self.folder, followlinks=True, onerror=self._refuse):
            refuse_tables(self.name, folders)
            here = os.path.realpath(place)
            if here in visited:
                raise SourceError(_twice(place, "folder"))
            visited.add(here)
            folders[:] = sorted(f for f in folders if not f.startswith(("_", ".")))
            for name in names:
                yield (Path(place) / name).relative_to(self.folder).as_posix()

    def _refuse_links(self) -> None:
        """SourceError for a link to another of the files."""
        places = [str(self.folder / path) for path in self.paths]
        links = [place for place in places if os.path.islink(place)]
        others = {os.path.realpath(place) for place in places if place not in links}
        for link in links:
            if os.path.realpath(link) in others:
                raise SourceError(_twice(link, "file"))
            others.add(os.path.realpath(link))

    def _refuse(self, error: OSError) -> None:
        raise SourceError(
            f"{error.filename}: cannot be listed ({error.strerror}); correct its rights"
        ) from None


def _twice(place: str, kind: str) -> str:
    return f"{place}: a link to a {kind} that is read already, so that rows would count twice; remove it"


def footer_rows(file: object, name: str) -> int:
    """The rows that a Parquet footer counts; SourceError where there is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return int(pq.read_metadata(file).num_rows)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise SourceError(
            f"{name}: not readable as parquet: {reason}; check that it is complete"
        ) from None


def warnings(root: SourceRoot, suffixes: Sequence[str]) -> tuple[str, ...]:
    """What lies beside the files and is not read."""
    if not root.beside:
        return ()
    return (
        f"{root.name}: not read: {some(root.beside)}; read are files that end with {' or '.join(suffixes)}, in all "
        "folders below",
    )
