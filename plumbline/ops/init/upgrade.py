"""A project moved to the installed library: what it would rewrite, what a team changed and keeps. An edge: writes files.

Three texts decide on each file: what the older library wrote (environment/template.json), what is there, and what
the installed library writes. All is planned before anything is written; a conflict that is not settled writes nothing.
"""

from __future__ import annotations

import difflib
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from plumbline.core.errors import PlumblineError, suggest
from plumbline.ops.init import locks, merge, pin, texts, written
from plumbline.ops.init.merge import Conflict
from plumbline.ops.init.written import Written
from plumbline.repo import library_file
from plumbline.runtime import library

PART = ".upgrade.part"


@dataclass(frozen=True)
class Change:
    """One file: what becomes of it in a word, its text before and after (None: there is none), its conflicts."""

    path: str
    word: str
    before: str | None
    after: str | None
    conflicts: tuple[Conflict, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The versions on both sides, and the files that change or are in conflict."""

    old: str
    new: str
    changes: tuple[Change, ...]

    @property
    def conflicts(self) -> list[Change]:
        """The files that both sides changed, each in its way."""
        return [change for change in self.changes if change.conflicts]


def plan(root: Path, keep: Collection[str] = (), take: Collection[str] = ()) -> Plan:
    """What the installed library would change; `keep`, `take`: paths in conflict, settled for a side.

    PlumblineError where the project was not written by `plumbline init`, or a path settles nothing.
    """
    before = written.read(root)
    changes = [change for change in _changes(root, before) if change.word]
    _refuse_unknown(changes, {*keep, *take})
    settled = (_settled(change, keep, take) for change in changes)
    return Plan(before.version, library.version(), tuple(settled))


def apply(root: Path, planned: Plan) -> list[str]:
    """Write what was planned, all of it or nothing, and note the library; the paths written.

    PlumblineError where a conflict is not settled.
    """
    if planned.conflicts:
        names = " ".join(change.path for change in planned.conflicts)
        raise PlumblineError(
            f"changed by you and by the library, each in its way: {names}; nothing was written. Settle each with "
            "--keep FILE (yours) or --take FILE (the library's), or edit it to agree, and run this again"
        )
    paths = _replace(root, planned.changes)
    wheel = pin.installed().wheel
    if wheel and (root / pin.FOLDER).is_dir():
        for old in (root / pin.FOLDER).glob(f"{library.NAME}-*.whl"):
            old.unlink()
        shutil.copyfile(wheel, root / pin.FOLDER / wheel.name)
    written.write(root, texts.upgraded())
    return [*paths, *library_file.sync(root)]


def lines(planned: Plan) -> Iterator[str]:
    """The plan as a person reads it: each file's difference, then each conflict with both texts."""
    for change in planned.changes:
        yield f"{change.path}: {change.word}"
        if not change.conflicts and change.path not in texts.LOCKS:
            yield from _difference(change)
        for conflict in change.conflicts:
            yield f"  line {conflict.line}, yours:"
            yield from _indented(conflict.yours)
            yield f"  the library's ({planned.new}):"
            yield from _indented(conflict.library)


def _changes(root: Path, before: Written) -> Iterator[Change]:
    after = texts.upgraded()
    for path in sorted({*before.files, *after}):
        current = _read(root / path)
        yield _change(path, before.files.get(path), current, after.get(path))
    for path, text in texts.locks().items():
        yield _lock(path, before.locks.get(path, {}), _read(root / path), text)


def _change(path: str, old: str | None, current: str | None, new: str | None) -> Change:
    """What becomes of one file; no word where it stays as it is."""
    if new in (old, current):
        return Change(path, "", current, current)
    if current == old:
        word = "removed" if new is None else "new" if current is None else "rewritten"
        return Change(path, word, current, new)
    if current is None or new is None:
        side = "you removed it" if current is None else "no longer of the library"
        return Change(path, f"stays as it is ({side})", current, current)
    merged = merge.merge(old or "", current, new)
    word = "in conflict" if merged.conflicts else "rewritten; your changes stay"
    return Change(path, word, current, merged.text, merged.conflicts)


def _lock(path: str, old: Mapping[str, str], current: str | None, new: str) -> Change:
    if current is None or current == new:
        return Change(path, "", current, current)
    merged = locks.merge(old, current, new)
    if merged.text == current and not merged.conflicts:
        return Change(path, "", current, current)
    word = "in conflict" if merged.conflicts else "rewritten; packages that you added or moved stay"
    return Change(path, word, current, merged.text, merged.conflicts)


def _settled(change: Change, keep: Collection[str], take: Collection[str]) -> Change:
    if change.path in keep:
        return replace(change, word="stays as it is", after=change.before, conflicts=())
    if change.path in take:
        new = {**texts.upgraded(), **texts.locks()}[change.path]
        return replace(change, word="rewritten; the library's", after=new, conflicts=())
    return change


def _refuse_unknown(changes: Collection[Change], named: Collection[str]) -> None:
    inside = [change.path for change in changes]
    for path in sorted(set(named) - set(inside)):
        hint = suggest(path, inside) if inside else "no file changes"
        raise PlumblineError(f"{path}: expected a file that the upgrade changes; {hint}")


def _replace(root: Path, changes: Collection[Change]) -> list[str]:
    """Write all texts beside their places first, then rename all; where one fails, put back what was there."""
    moved = {change.path: change for change in changes if change.before != change.after}
    try:
        for path, change in moved.items():
            _write(root / f"{path}{PART}", change.after)
        for path, change in moved.items():
            _put(root / path, change.after)
    except OSError:
        for path, change in moved.items():
            if _read(root / path) != change.before:
                _write(root / f"{path}{PART}", change.before)
                _put(root / path, change.before)
        raise
    finally:
        for path in moved:
            (root / f"{path}{PART}").unlink(missing_ok=True)
    return list(moved)


def _write(path: Path, text: str | None) -> None:
    if text is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _put(path: Path, text: str | None) -> None:
    """Rename what was written beside a place to it; remove what is no longer there."""
    if text is None:
        path.unlink(missing_ok=True)
    else:
        os.replace(f"{path}{PART}", path)


def _difference(change: Change) -> Iterator[str]:
    before, after = ((text or "").splitlines() for text in (change.before, change.after))
    yield from difflib.unified_diff(before, after, "yours", "after", n=1, lineterm="")


def _indented(text: str) -> Iterator[str]:
    yield from (f"    {line}" for line in text.splitlines() or ["(no line)"])


def _read(path: Path) -> str | None:
    """A file's text; PlumblineError where something else is there, or it is no UTF-8."""
    if not path.exists():
        return None
    if not path.is_file() or path.is_symlink():
        raise PlumblineError(f"{path}: expected a file of text, found something else; move it away")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise PlumblineError(f"{path}: not UTF-8 ({error.reason}); save it in UTF-8") from None
