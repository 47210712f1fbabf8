"""How what lies in a source differs from its manifest: file by file, in one word each. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from plumbline.data.file_manifest import ListedFile, some

Kind = Literal["replaced", "truncated", "absent", "not listed", "unreadable"]
KINDS: tuple[Kind, ...] = ("replaced", "truncated", "absent", "not listed", "unreadable")


@dataclass(frozen=True)
class FoundFile:
    """A file as it is now; `problem` says why it cannot be read."""

    size: int
    hash: str = ""
    version: str = ""
    problem: str = ""


@dataclass(frozen=True)
class ManifestChange:
    """One file that is not as listed. `expected`, `actual`: hash, or size; empty where there is none."""

    kind: Kind
    path: str
    expected: str = ""
    actual: str = ""

    @property
    def text(self) -> str:
        """The path, and what was found and expected where both are known."""
        if self.expected and self.actual:
            return f"{self.path} ({self.actual}, expected {self.expected})"
        return f"{self.path} ({self.actual})" if self.kind == "unreadable" else self.path


def compare(
    listed: Mapping[str, ListedFile], found: Mapping[str, FoundFile]
) -> list[ManifestChange]:
    """The files that differ, by path."""
    paths = sorted(listed.keys() | found.keys())
    changes = (_change(path, listed.get(path), found.get(path)) for path in paths)
    return [change for change in changes if change]


def sentences(changes: Sequence[ManifestChange]) -> Iterator[str]:
    """A line per kind of change: how many files, and the first of them."""
    for kind in KINDS:
        names = [change.text for change in changes if change.kind == kind]
        if names:
            yield f"{kind}: {some(names)}"


def _change(path: str, listed: ListedFile | None, found: FoundFile | None) -> ManifestChange | None:
    if found is None:
        return ManifestChange("absent", path, listed.hash if listed else "")
    if found.problem:
        return ManifestChange("unreadable", path, listed.hash if listed else "", found.problem)
    if listed is None:
        return ManifestChange("not listed", path, "", found.hash)
    if found.size != listed.size:
        kind: Kind = "truncated" if found.size < listed.size else "replaced"
        return ManifestChange(kind, path, f"{listed.size:,} bytes", f"{found.size:,} bytes")
    if found.hash != listed.hash:
        return ManifestChange("replaced", path, listed.hash, found.hash)
    return None
