"""What a command and all processes below it use: wall and processor seconds, memory and scratch at the peak."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

EVERY = 0.2
"""Seconds between two looks."""
MB = 1_000_000


@dataclass(frozen=True)
class Used:
    """Of one command. `resident`: the sum over its processes at the peak, what they share counted in each;
    `anonymous`: of it what no file backs. MB. `scratch`: files in the scratch folder at the peak, MB."""

    ok: bool
    wall: float
    cpu: float
    resident: float
    anonymous: float
    scratch: float
    output: str


def run(words: Sequence[str], folder: Path, scratch: Path, environment: Mapping[str, str]) -> Used:
    """Run the command in `folder` and watch it to its end; both streams are its output."""
    scratch.mkdir(exist_ok=True)
    log = scratch.with_suffix(".log")
    started = time.perf_counter()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            words, cwd=folder, env=dict(environment), stdout=stream, stderr=subprocess.STDOUT
        )
        watch = Watch(process.pid, scratch)
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.stop()
    return Used(
        ok=process.returncode == 0,
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        # of a process so short that nobody looked
        resident=max(watch.resident, usage.ru_maxrss * 1024 / MB),
        anonymous=watch.anonymous,
        scratch=watch.scratch,
        output=log.read_text(encoding="utf-8", errors="replace"),
    )


class Watch(threading.Thread):
    """Looks at the processes below one, and at a folder, until it is stopped; the greatest of each."""

    def __init__(self, pid: int, folder: Path) -> None:
        super().__init__(daemon=True)
        self._pid, self._folder, self._done = pid, folder, threading.Event()
        self.resident = self.anonymous = self.scratch = 0.0

    def run(self) -> None:
        while not self._done.wait(EVERY):
            resident, anonymous = memory(below(self._pid))
            self.resident = max(self.resident, resident / MB)
            self.anonymous = max(self.anonymous, anonymous / MB)
            self.scratch = max(self.scratch, size(self._folder) / MB)

    def stop(self) -> None:
        self._done.set()
        self.join()


def below(pid: int) -> list[int]:
    """The process and all that descend from it."""
    children = defaultdict(list)
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with suppress(OSError, IndexError, ValueError):
                # the name may hold blanks and brackets
                stat = Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()
                children[int(stat[1])].append(int(entry))
    known = [pid]
    for one in known:
        known += children[one]
    return known


def memory(pids: Iterable[int]) -> tuple[int, int]:
    """Resident bytes of the processes together, and those that no file backs."""
    resident = anonymous = 0
    for pid in pids:
        with suppress(OSError, ValueError):
            for line in Path("/proc", str(pid), "status").read_text().splitlines():
                name, _, value = line.partition(":")
                if name in ("VmRSS", "RssAnon"):
                    amount = 1024 * int(value.split()[0])
                    resident += amount * (name == "VmRSS")
                    anonymous += amount * (name == "RssAnon")
    return resident, anonymous


def size(folder: Path) -> int:
    """Bytes on disk of all files below the folder; one with several names counts once."""
    seen: dict[tuple[int, int], int] = {}
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                found = os.lstat(os.path.join(root, name))
                seen[found.st_dev, found.st_ino] = 512 * found.st_blocks
    return sum(seen.values())
