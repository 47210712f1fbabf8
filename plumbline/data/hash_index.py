"""The md5s of files of this machine that were read before, by what the file system says of them. An edge.

Untracked, and only a saving of time: a file whose size, times and number (inode) are as they were when it was read is not
read again. Without the index, as in a clean room, every byte is. The time of the last change of a file's entry (ctime)
cannot be set by a user, so that a file that was replaced under its old time of modification is noticed.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
import time
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path

from plumbline.core.hashing import Digest, md5_files

INDEX = Path(".plumbline") / "source-hashes.db"
SETTLED = 2.0
"""Seconds after its last change before which a file's md5 is not kept: it may change again within a tick of the clock."""
TABLE = "CREATE TABLE IF NOT EXISTS hashes (path TEXT PRIMARY KEY, facts TEXT NOT NULL, md5 TEXT NOT NULL)"


def facts(path: str) -> str:
    """What identifies a file's bytes without reading them: device, inode, size, and both times in nanoseconds.

    OSError for what is no file with bytes, such as a pipe, which would never end.
    """
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "expected a file with bytes", path)
    return f"{status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def size(known: str) -> int:
    """The size that `facts` has, with or without the device."""
    return int(known.split()[-3])


def md5s(paths: Iterable[str], index: Path = INDEX, *, again: bool = False) -> dict[str, Digest]:
    """Each file's md5, or why it cannot be read. `again`: all are read, whatever the index knows."""
    places = {path: os.path.realpath(path) for path in paths}
    before = {real: _facts(real) for real in places.values()}
    known = {} if again else _known(index)
    same = {real: known[real][1] for real, now in before.items() if _is_same(known, real, now)}
    odd = {real: now for real, now in before.items() if isinstance(now, OSError)}
    read = md5_files(real for real in before if real not in same and real not in odd)
    _keep(index, {real: before[real] for real in read}, read)
    digests: dict[str, Digest] = {**odd, **same, **read}
    return {path: digests[real] for path, real in places.items()}


def _is_same(known: Mapping[str, tuple[str, str]], path: str, now: Digest) -> bool:
    return path in known and known[path][0] == now


def _facts(path: str) -> Digest:
    """`facts`, or why there are none."""
    try:
        return facts(path)
    except OSError as error:
        return error


def _known(index: Path) -> dict[str, tuple[str, str]]:
    """Facts and md5 by path; none where there is no index, or one that is damaged."""
    if not index.is_file():
        return {}
    try:
        with closing(sqlite3.connect(index, timeout=10)) as connection:
            rows = connection.execute("SELECT path, facts, md5 FROM hashes").fetchall()
    except sqlite3.DatabaseError:
        with suppress(OSError):
            index.unlink()
        return {}
    return {path: (then, md5) for path, then, md5 in rows}


def _keep(index: Path, before: Mapping[str, Digest], read: Mapping[str, Digest]) -> None:
    """Note the md5s of files that did not change while they were read, nor just before."""
    rows = [
        (path, then, read[path])
        for path, then in before.items()
        if isinstance(then, str)
        and isinstance(read[path], str)
        and then == _facts(path)
        and _is_settled(then)
    ]
    if not rows:
        return
    with suppress(OSError, UnicodeError, sqlite3.DatabaseError):  # it saves time only
        index.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(index, timeout=10)) as connection, connection:
            connection.execute(TABLE)
            connection.executemany("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?)", rows)


def _is_settled(then: str) -> bool:
    *_, modified, changed = map(int, then.split())
    return time.time() - max(modified, changed) / 1e9 > SETTLED
