"""Two locks of dependencies compared: which libraries moved, which stages they reach, what came of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from plumbline.core.hashing import md5_bytes
from plumbline.review import lock_changes
from plumbline.review.comparison_sections import ChangedPackage, ChangedValue
from plumbline.runtime import libraries, library
from plumbline.runtime.dvc_lock import Entries, Entry, ordered

LOCKS = ("requirements.txt", "requirements-comment.txt", library.PINS)
Texts = Mapping[str, str]
"""By path, the texts of one side's locks and files in environment/."""


def changed(base: Texts, head: Texts) -> list[ChangedValue]:
    """Packages whose version differs between two sides' locks: key, base, head."""
    old, new = (
        {n: v for f in LOCKS for n, v in libraries.versions(side.get(f, "")).items()}
        for side in (base, head)
    )
    return lock_changes.values(old, new)


def options(text: str) -> set[str]:
    """The lines of a lock that are neither a version nor its hashes: indexes, addresses, other files.

    >>> text = "a==1 \\\\\\n    --hash=sha256:ab\\n# b\\n--index-url https://x\\nc @ https://y"
    >>> sorted(options(text))
    ['--index-url https://x', 'c @ https://y']
    """
    lines = (line.strip().rstrip("\\").rstrip() for line in text.splitlines())
    others = (line for line in lines if not line.startswith(("#", "--hash=")))
    return {line for line in others if line and not libraries.pins(line)}


def effects(base: tuple[Texts, Entries], head: tuple[Texts, Entries]) -> list[ChangedPackage]:
    """The changed packages with the stages that each can reach, and those stages' outs that differ."""
    moved = [ChangedPackage(key=p.key, base=p.base, head=p.head) for p in changed(base[0], head[0])]
    if not all(any(map(files, entries.values())) for _, entries in (base, head)):
        return moved
    return [_with_effect(package, base, head) for package in moved]


def files(entry: Entry) -> list[str]:
    """The files of pins that a stage has as deps."""
    return libraries.files(entry.deps)


def _with_effect(
    package: ChangedPackage, base: tuple[Texts, Entries], head: tuple[Texts, Entries]
) -> ChangedPackage:
    stages = list(_reached(package.key, base, head))
    outs = {
        change.path
        for stage in stages
        if stage in base[1]
        for change in lock_changes.changes(base[1][stage].outs, head[1][stage].outs)
    }
    rebuilt = bool(stages) and all(_ran_with(head[0], head[1][stage]) for stage in stages)
    found = {"reaches": bool(stages), "stages": stages, "rebuilt": rebuilt, "outs": sorted(outs)}
    return package.model_copy(update=found)


def _reached(name: str, base: tuple[Texts, Entries], head: tuple[Texts, Entries]) -> Iterator[str]:
    """Head's stages with a file of pins that has, or had, the library, in the order they run."""
    for stage in ordered(head[1]):
        entry = head[1][stage]
        if name == library.NAME and _fingerprint(base[1], stage) != _fingerprint(head[1], stage):
            yield stage
        used = (side[0].get(file, "") for side in (base, head) for file in files(entry))
        if any(name in libraries.versions(text) for text in used):
            yield stage


def _ran_with(texts: Texts, entry: Entry) -> bool:
    """Whether the stage's entry in dvc.lock was made with the files of pins, and the library, as they are noted."""
    notes = library.parse(texts.get(library.FILE, "")).get(library.MD5S) or {}
    same = all(entry.params.get(library.param(name), md5) == md5 for name, md5 in notes.items())
    return same and all(entry.deps[f] == md5_bytes(texts.get(f, "").encode()) for f in files(entry))


def _fingerprint(entries: Entries, stage: str) -> str | None:
    """The library's fingerprint that a stage ran with, where it tracks one."""
    params = entries[stage].params if stage in entries else {}
    return params.get(library.param(stage.partition("@")[0]))


def of(entries: Iterable[Entry]) -> list[str]:
    """All files of pins that stages have as deps."""
    return sorted({file for entry in entries for file in files(entry)})
