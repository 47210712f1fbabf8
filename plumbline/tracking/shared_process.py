"""One process that talks to MLflow for all stages of a run by DVC, which pay for its import once.

It listens on a socket in a folder of this user's own, serves one stage after another, and ends when none
has come for `IDLE` seconds. It is taken by a stage with the very environment, folder and code that it was
started with; where another stage has it, or anything is in the way, a stage starts one of its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import socket
import stat
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

IDLE = 10.0
"""Seconds that the process waits for the next stage."""
GREETING = 1.0
"""Seconds for the process to take a stage's connection; it is silent while it serves another."""
PASSING = ("DVC_", "PWD", "OLDPWD", "SHLVL", "_")
"""Variables, or beginnings of their names, that differ between the stages of one run."""
LISTENER = 3
"""The descriptor of the socket in the process."""
LONGEST = 100
"""Bytes of a socket's path that every system allows."""


def connect(command: list[str], environment: Mapping[str, str]) -> socket.socket | None:
    """A connection to the process, started where there is none; None where it cannot be shared."""
    try:
        path = _folder() / _name(command, environment)
        if len(os.fsencode(path)) > LONGEST:
            return None
        with path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return _connected(path) or _started(path, command, environment)
    except OSError:
        return None


def greeted(connection: socket.socket) -> int | None:
    """The process's id once it has taken the connection; None where it serves another stage."""
    connection.settimeout(GREETING)
    try:
        text = connection.recv(64, socket.MSG_PEEK)
        line = connection.recv(text.index(b"\n") + 1) if b"\n" in text else b""
    except OSError:
        return None
    finally:
        with suppress(OSError):
            connection.settimeout(None)
    return int(json.loads(line)["pid"]) if line else None


def _folder() -> Path:
    """A folder that no other user can enter; OSError where it is somebody else's."""
    folder = Path(tempfile.gettempdir()) / f"plumbline-{os.getuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{folder}: not this user's alone")
    return folder


def _name(command: list[str], environment: Mapping[str, str]) -> str:
    """The socket's name: the same for the same command, folder, environment and code."""
    kept = {k: v for k, v in environment.items() if not k.startswith(PASSING)}
    code = [(p.name, p.read_bytes().hex()) for p in sorted(Path(__file__).parent.glob("*.py"))]
    facts = json.dumps([command, str(Path.cwd()), sorted(kept.items()), code])
    return f"mlflow-{hashlib.sha256(facts.encode()).hexdigest()[:16]}"


def _connected(path: Path) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        return None
    return connection


def _started(
    path: Path, command: list[str], environment: Mapping[str, str]
) -> socket.socket | None:
    """A new process, which owns the socket and outlives this one."""
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(4)
        log = str(path.with_suffix(".log"))
        os.posix_spawn(
            shutil.which(command[0]) or command[0],
            [*command, str(LISTENER), str(path)],
            dict(environment),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
                (os.POSIX_SPAWN_DUP2, listener.fileno(), LISTENER),
            ],
            setsid=True,
        )
        return _connected(path)


def last_words(connection: socket.socket) -> str:
    """The last line that the process wrote aside, "" where there is none."""
    with suppress(OSError):
        log = Path(connection.getpeername()).with_suffix(".log")
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else ""
    return ""


class Seat:
    """The server's side: connections one after another, until none comes."""

    def __init__(self, descriptor: int, path: str) -> None:
        self.listener = socket.socket(fileno=descriptor)
        self.path = Path(path)
        self.file = self.path.stat().st_ino

    def next(self) -> socket.socket | None:
        """The next stage's connection, greeted; None when none has come for `IDLE` seconds."""
        self.listener.settimeout(IDLE)
        try:
            connection, _ = self.listener.accept()
        except OSError:
            self.leave()
            return None
        connection.settimeout(None)
        with suppress(OSError):
            connection.sendall(json.dumps({"pid": os.getpid()}).encode() + b"\n")
        return connection

    def leave(self) -> None:
        """Remove the socket and what is beside it, if it still is this process's."""
        with suppress(OSError):
            if self.path.stat().st_ino == self.file:
                for suffix in ("", ".log", ".lock"):
                    self.path.with_suffix(suffix).unlink(missing_ok=True)
        self.listener.close()


def main_arguments() -> tuple[int, str] | None:
    """The descriptor and the path that this process was started with, None where it serves one stage."""
    return (int(sys.argv[1]), sys.argv[2]) if len(sys.argv) > 2 else None
