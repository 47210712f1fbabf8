"""One writer per log, held by a lock on a file beside it. An edge: files."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from plumbline.serve.protocols import LogError


def held(folder: Path) -> bool:
    """Whether a process writes the log in a folder."""
    return any(_is_held(path) for path in (*folder.glob("lock"), *folder.glob("*.lock")))


class WriterLock:
    """Held until `release`, or until the process ends, however it does."""

    def __init__(self, folder: Path, writer: str) -> None:
        """Take it; LogError where another process, or another log of this one, has it."""
        path = folder / (f"{writer}.lock" if writer else "lock")
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._file, 20).decode(errors="replace").strip()
            os.close(self._file)
            raise LogError(_held(folder, writer, holder)) from error
        self._sign()

    def release(self) -> None:
        """Give it up; a second call does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _sign(self) -> None:
        """Who has it, for the other's message; a full disk does not matter."""
        try:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            pass


def _is_held(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _held(folder: Path, writer: str, holder: str) -> str:
    name = f"{folder}, writer {writer}" if writer else str(folder)
    return (
        f"{name}: process {holder or 'unknown'} writes this log, and a log has one writer. Stop that process, "
        "let it hand over, or serve with several workers and Redis"
    )
