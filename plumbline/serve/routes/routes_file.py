"""routes.json and its journal: replaced whole, each version journalled, both to the disk. An edge.

A file that is damaged, or older than the journal, gives way to the journal's last good line.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from plumbline.core import documents
from plumbline.core.documents import Document
from plumbline.core.errors import PlumblineError
from plumbline.core.files import dumps, replacing
from plumbline.serve.routes.document import Routes

FILE, JOURNAL, LOCK = "routes.json", "journal.jsonl", "lock"
SHOWN = 120


class RoutesEntry(Document):
    """A line of the journal: what was done, when, and the routes since then."""

    when: str
    what: str
    routes: Routes


@dataclass(frozen=True)
class RoutesOnDisk:
    """The routes on disk, None before the first; and what a person should know of how they were read."""

    routes: Routes | None
    notes: tuple[str, ...] = ()


def entry(routes: Routes, what: str) -> RoutesEntry:
    """The journal's line for routes that were changed now."""
    return RoutesEntry(
        when=datetime.now(UTC).isoformat(timespec="seconds"), what=what, routes=routes
    )


def read(folder: Path) -> RoutesOnDisk:
    """The newest good routes of the file and the journal; PlumblineError where both are damaged."""
    routes, problem = _file(folder / FILE)
    last, odd = _last(folder / JOURNAL)
    if problem and last is None:
        raise PlumblineError(
            f"{problem}; {folder / JOURNAL} has no good line either: remove both, and the next start routes all "
            "to the checkout's bundle"
        )
    notes = (
        (f"{folder / JOURNAL}: damaged at its end, {odd} lines were passed over",) if odd else ()
    )
    if last is not None and (routes is None or routes.version < last.version):
        reason = problem or f"{folder / FILE}: {_older(routes)}"
        note = f"{reason}; version {last.version}, the journal's last good one, is used"
        return RoutesOnDisk(last, (note, *notes))
    return RoutesOnDisk(routes, notes)


def write(folder: Path, line: RoutesEntry) -> None:
    """Journal the routes, and replace the file by them; OSError where the disk does not take both."""
    folder.mkdir(parents=True, exist_ok=True)
    _append(folder / JOURNAL, line)
    replace(folder, line.routes)


def replace(folder: Path, routes: Routes) -> None:
    """Replace the file, and bring it to the disk."""
    with replacing(folder / FILE) as beside, beside.open("w", encoding="utf-8") as stream:
        stream.write(dumps(routes.plain()))
        stream.flush()
        os.fsync(stream.fileno())
    _flush_folder(folder)


def history(folder: Path) -> list[RoutesEntry]:
    """The journal's good lines, oldest first."""
    entries = (_entry(line) for line in _lines(folder / JOURNAL))
    return [one for one in entries if one is not None]


@contextmanager
def serving(folder: Path) -> Iterator[None]:
    """For the life of a service: nobody else changes the routes on disk. Several processes may serve."""
    with _locked(folder, fcntl.LOCK_SH, "its routes are being changed; start again in a moment"):
        yield


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """While no service runs: the document may be changed. PlumblineError where one does."""
    remedy = (
        "a service runs, or another command changes its routes; where it is a service that does not answer on its "
        "control socket, stop it"
    )
    with _locked(folder, fcntl.LOCK_EX, remedy):
        yield


@contextmanager
def _locked(folder: Path, kind: int, problem: str) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("a") as stream:
        try:
            fcntl.flock(stream, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PlumblineError(f"{folder / LOCK}: {problem}") from None
        yield


def _file(path: Path) -> tuple[Routes | None, str]:
    """The routes in the file, and what is wrong with it."""
    try:
        return documents.parse(Routes, json.loads(path.read_bytes()), str(path), "damaged"), ""
    except FileNotFoundError:
        return None, ""
    except (OSError, ValueError, RecursionError) as error:
        return None, f"{path}: damaged ({str(error)[:SHOWN]})"
    except PlumblineError as error:
        return None, str(error).removesuffix("; damaged")[:400] + "; it is damaged"


def _last(path: Path) -> tuple[Routes | None, int]:
    """The routes of the journal's last good line, and how many damaged ones come after it."""
    for damaged, line in enumerate(reversed(_lines(path))):
        one = _entry(line)
        if one is not None:
            return one.routes, damaged
    return None, 0


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines()
    except OSError:
        return []


def _entry(line: bytes) -> RoutesEntry | None:
    try:
        return RoutesEntry.model_validate_json(line)
    except ValidationError:
        return None


def _append(path: Path, line: RoutesEntry) -> None:
    """One more line, after one that was cut off on a line of its own; none where the disk does not take it."""
    place = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        size = os.fstat(place).st_size
        cut = size > 0 and os.pread(place, 1, size - 1) != b"\n"
        data = (b"\n" if cut else b"") + line.model_dump_json().encode() + b"\n"
        try:
            written = os.write(place, data)
            if written < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            os.fsync(place)
        except OSError:
            os.ftruncate(place, size)
            raise
    finally:
        os.close(place)


def _flush_folder(folder: Path) -> None:
    place = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


def _older(routes: Routes | None) -> str:
    return f"version {routes.version}" if routes else "no such file"
