"""Hashing of many files at once: md5 lets other threads run, so that the disk is the limit."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from typing import BinaryIO

CHUNK = 1 << 20
Digest = str | OSError
"""A file's md5, or why it could not be read."""


def md5_bytes(data: bytes) -> str:
    """The md5 of bytes, in hexadecimal."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def md5_file(path: str, buffer: bytearray | None = None) -> str:
    """The md5 of a file's bytes; OSError where it cannot be read. `buffer` is scratch space."""
    view = memoryview(buffer or bytearray(CHUNK))
    digest = hashlib.md5(usedforsecurity=False)
    with io.FileIO(path) as file:
        while size := file.readinto(view):
            digest.update(view[:size])
    return digest.hexdigest()


def md5_files(paths: Iterable[str], *, threads: int | None = None) -> dict[str, Digest]:
    """Each path's md5 or the error that reading it gave; shows progress on a terminal."""
    wanted = list(dict.fromkeys(paths))
    digests: dict[str, Digest] = {}
    todo = iter(wanted)  # a list's iterator may be shared: each thread takes the next one
    count = min(threads or os.cpu_count() or 1, max(1, len(wanted)))
    pool = [threading.Thread(target=_work, args=(todo, digests), daemon=True) for _ in range(count)]
    for thread in pool:
        thread.start()
    _wait(pool, digests, len(wanted))
    return digests


def copy(source: BinaryIO, target: BinaryIO) -> str:
    """Copy a stream; the md5 of what was copied."""
    digest = hashlib.md5(usedforsecurity=False)
    while data := source.read(CHUNK):
        digest.update(data)
        target.write(data)
    return digest.hexdigest()


def _work(todo: Iterator[str], digests: dict[str, Digest]) -> None:
    buffer = bytearray(CHUNK)
    for path in todo:
        try:
            digests[path] = md5_file(path, buffer)
        except OSError as error:
            digests[path] = error


def _wait(pool: list[threading.Thread], digests: dict[str, Digest], total: int) -> None:
    started = time.monotonic()
    shown = False
    for thread in pool:
        while thread.is_alive():
            thread.join(0.5)
            if sys.stderr.isatty():
                shown = True
                seconds = time.monotonic() - started
                sys.stderr.write(f"\rhashed {len(digests):,} of {total:,} files, {seconds:.0f} s")
                sys.stderr.flush()
    if shown:
        sys.stderr.write("\r\x1b[K")
