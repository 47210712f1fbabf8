"""What a deployment needs of the machine: locked libraries, disk, clock, a free port. An edge: reads the system."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import tempfile
import time
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from plumbline.ops.doctor import kernel_clock
from plumbline.ops.doctor.health import Health, ok, problem, unknown
from plumbline.repo.requirements import FILE
from plumbline.runtime import libraries

ROOM = 2 * 2**30
"""Bytes that are to be free: a run's outs, and months of a log."""
FILES = 10_000
AHEAD = 60.0
"""Seconds by which a file's time may lie in the future: clocks of a file server differ."""
DATED = (".git/index", ".git/HEAD", ".dvc/tmp", "dvc.lock", "params.yaml", ".plumbline")


def lock(root: Path) -> Health:
    """Whether the installed libraries are those that requirements.txt locks."""
    if not (root / FILE).is_file():
        return unknown("lock", f"no {FILE} here, so nothing says which libraries are meant")
    pins = libraries.pins((root / FILE).read_text(encoding="utf-8"))
    differing = libraries.differing([(root / FILE).read_text(encoding="utf-8")])
    if not pins:
        return problem("lock", f"{FILE} pins no library", "compile it with `make lock`")
    if differing:
        found = f"{len(differing)} of {len(pins)} libraries are others than {FILE} locks: {libraries.some(differing)}"
        return problem("lock", found, "run `make install`")
    return ok(
        "lock", f"{len(pins)} libraries as {FILE} locks them, Python {platform.python_version()}"
    )


def disk(root: Path, folders: Iterable[Path] = ()) -> Health:
    """Whether the file systems that are written to have room, and files left to make."""
    places = [root, Path(tempfile.gettempdir()), *folders]
    by_device = {_existing(p).stat().st_dev: _existing(p) for p in reversed(places)}
    free = {path: shutil.disk_usage(path).free for path in by_device.values()}
    full = [f"{p.absolute()} has {_size(n)} free" for p, n in free.items() if n < ROOM]
    full += [
        f"{p.absolute()} has {os.statvfs(p).f_favail:,} files left"
        for p in free
        if os.statvfs(p).f_files and os.statvfs(p).f_favail < FILES
    ]
    if full:
        wanted = f"expected {_size(ROOM)} and {FILES:,} files"
        return problem(
            "disk", f"{' and '.join(full)}, {wanted}", "make room: `plumbline gc` lists what may go"
        )
    return ok("disk", f"{_size(min(free.values()))} free")


def clock(root: Path, now: float | None = None) -> Health:
    """Whether the clock can be right: no file is from the future, and the kernel says that it is synchronised."""
    now = time.time() if now is None else now
    newest, name = max(((_changed(root / n), n) for n in DATED), default=(0.0, ""))
    if newest > now + AHEAD:
        found = f"it says {_time(now)}, and {name} was written at {_time(newest)}"
        return problem(
            "clock", found, "set the clock, or start NTP: times of events are held against it"
        )
    synchronised = kernel_clock.synchronised()
    if synchronised is None:
        found = f"{_time(now)}, which no file contradicts; nothing here says whether it is right"
        return unknown("clock", found, "compare it with another machine's, or start NTP")
    return ok(
        "clock",
        f"{_time(now)}, synchronised to {synchronised * 1000:.0f} ms by the kernel's account",
    )


def port(host: str, number: int, served_by: int | None = None) -> Health:
    """Whether a server could listen there. `served_by`: the process of the running service, whose port it may be."""
    if not number:
        return ok("port", "any that is free, as serve.port is 0")
    try:
        family = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0][0]
        with closing(socket.socket(family, socket.SOCK_STREAM)) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((host, number))
    except OSError as error:
        if served_by is not None:
            return ok("port", f"{host}:{number} is the running service's (process {served_by})")
        reason = f"{host}:{number} cannot be bound ({error.strerror or error})"
        return problem(
            "port", reason, "end what listens there, or choose another: `--port`, or serve.port"
        )
    return ok("port", f"{host}:{number} is free")


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that there is."""
    return next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _size(count: float) -> str:
    return f"{count / 2**30:.1f} GiB"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(" ", "seconds")
