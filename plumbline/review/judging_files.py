"""Files that decide on a change and that the change itself alters. An edge: reads git.

Every file counts, but those that are judged by themselves or that nothing runs: what nobody thought of (a
`yaml.py` that shadows a library, a `.gitattributes`) is named too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from plumbline.core.hashing import md5_bytes
from plumbline.repo import revisions
from plumbline.review import code_reach, declared_rules, packages
from plumbline.review.revision import Revision
from plumbline.runtime import git

JUDGED = re.compile(
    r"params\.yaml$|dvc\.lock$|(metrics|environment|feature_store|docs|bench|notebooks)/"
    r"|usecases/[^/]+/(__init__|contract|features|model)\.py$|usecases/shared/.*\.py$"
    r"|sources/[^/]+/|profiles/[^/]+$"
    r"|(.*/)?([^/]+\.(md|rst|ipynb|png|svg)|\.gitignore)$|LICENSE$"
)
"""What is compared by its values, or what no stage, no check and no judge reads."""
SETTINGS = re.compile(
    r"(.*/)?(\.dvcignore|\.gitattributes|\.gitmodules|dvc\.yaml|conftest\.py|[^/]+\.(so|pyd|pyc|pth))$"
    r"|.+/\.dvc/"
)
"""What changes how git, DVC, pytest and Python treat a folder, wherever it lies."""
DECLARING = re.compile(r"(usecases|sources)/[^/]+/.*\.py$")
CONFIG = ".dvc/config"
ITEM_BY_ITEM = (*packages.LOCKS, CONFIG)
"""Files whose change is said by package or by key."""
NEW_TEST = re.compile(r"tests/(.*/)?test_[^/]*\.py$")
LINKS = {"120000": "a link", "160000": "another repository"}
"""By git's mode, what is no file."""
NO_PROFILE = b"{}"
MOST = 100
"""Files that are named."""

Found = tuple[str, str | None, str | None]
"""What differs, and what it was and is, in words."""


@dataclass(frozen=True)
class ChangedFile:
    """A file that differs, with its letter of `git diff` and its mode in head."""

    name: str
    status: str
    mode: str


def changed(base: Revision, head: Revision) -> Iterator[Found]:
    """What a change alters in how it is run and judged, file by file."""
    files = list(_differing(base, head))
    own = [one for one in files if _decides(one)]
    here, there = (_texts(side, own[:MOST]) for side in (base, head))
    for one in own[:MOST]:
        yield one.name, here.get(one.name), _now(one, there)
    if len(own) > MOST:
        yield f"and {len(own) - MOST} more files", None, None
    others = [one for one in files if one not in own]
    yield from _reaching(base, head, [one.name for one in others if DECLARING.match(one.name)])
    yield from _profiles(base, head, [one.name for one in others])
    yield from _locks(base, head, [one.name for one in others])


def _differing(base: Revision, head: Revision) -> Iterator[ChangedFile]:
    sides = [base.commit, *([head.commit] if head.rev else [])]
    words = ("diff", "--raw", "--no-renames", "-z", "--relative", *sides, "--")
    parts = git.names(head.root, *words)
    for heading, name in zip(parts[::2], parts[1::2], strict=True):
        _, mode, *_, status = heading.split()
        yield ChangedFile(name, status[0], mode)


def _decides(one: ChangedFile) -> bool:
    """Whether it decides on changes; a new file of tests only adds to them."""
    if one.mode in LINKS or SETTINGS.match(one.name):
        return True
    if one.status == "A" and NEW_TEST.match(one.name):
        return False
    return one.name not in ITEM_BY_ITEM and not JUDGED.match(one.name)


def _now(one: ChangedFile, there: Mapping[str, str]) -> str:
    return LINKS.get(one.mode) or there.get(one.name, declared_rules.REMOVED)


def _texts(side: Revision, files: Sequence[ChangedFile]) -> dict[str, str]:
    blobs = revisions.blobs(side.root, side.rev, [one.name for one in files])
    return {name: _content(data) for name, data in blobs.items()}


def _content(data: bytes) -> str:
    count = len(data.splitlines())
    return f"{count} lines, md5 {md5_bytes(data)[:8]}"


def _both(base: Revision, head: Revision, names: Sequence[str]) -> list[Mapping[str, bytes]]:
    return [revisions.blobs(side.root, side.rev, names) for side in (base, head)]


def _reaching(base: Revision, head: Revision, names: Sequence[str]) -> Iterator[Found]:
    """Code of use cases and sources that does more than declare, and did not in base."""
    old, new = _both(base, head, names)
    for name, data in new.items():
        before = code_reach.beyond(name, old.get(name, b""))
        after = code_reach.beyond(name, data)
        if after - before:
            known = ", ".join(sorted(before)) or "nothing"
            yield f"{name}: beyond declarations", known, ", ".join(sorted(after))


def _profiles(base: Revision, head: Revision, names: Sequence[str]) -> Iterator[Found]:
    """An accepted profile that is another now, and a monitor's history that lost days."""
    own = [name for name in names if name.startswith("profiles/")]
    old, new = _both(base, head, own)
    for name, data in old.items():
        counts = [len(text.splitlines()) for text in (data, new.get(name, b""))]
        if name.endswith(".history.csv") and counts[1] < counts[0]:
            yield name, f"{counts[0]} days", f"{counts[1]} days"
        if name.count(".") == 1 and name.endswith(".json") and data.strip() != NO_PROFILE:
            yield f"{name}: the accepted profile", _content(data), _content(new.get(name, b""))


def _locks(base: Revision, head: Revision, names: Sequence[str]) -> Iterator[Found]:
    """Locked requirements that differ in more than versions, which are said package by package."""
    old, new = _both(base, head, [name for name in names if name in packages.LOCKS])
    for name in sorted(old.keys() | new.keys()):
        sides = [side.get(name, b"") for side in (old, new)]
        options = [packages.options(text.decode(errors="replace")) for text in sides]
        if options[0] != options[1]:
            before, after = (", ".join(sorted(own)) or "none" for own in options)
            yield f"{name}: other lines", before, after
