"""CPU time of a server's processes on this machine. An edge: the process table."""

from __future__ import annotations

import sys
import time

import psutil

from plumbline.core.errors import PlumblineError
from plumbline.studies.loadtest.http_client import Address

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def processes(target: Address, pid: int | None = None) -> list[psutil.Process]:
    """The process `pid` and its children, or else those that listen on the target's port, with their children.

    Empty where the server is on another machine, or its processes may not be seen. PlumblineError where
    there is no process `pid`.
    """
    if pid is not None:
        try:
            return _with_children([psutil.Process(pid)])
        except psutil.NoSuchProcess:
            raise PlumblineError(f"--pid {pid}: there is no such process") from None
    if target.host not in LOOPBACK:
        return []
    try:
        open_ = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return []
    pids = {
        c.pid for c in open_ if c.status == "LISTEN" and c.laddr and c.laddr.port == target.port
    }
    return _with_children([psutil.Process(one) for one in sorted(p for p in pids if p)])


def seconds(running: list[psutil.Process]) -> dict[int, float]:
    """CPU time of each process so far, to the nanosecond where the system has it; one that has ended is left out."""
    result = {}
    for process in running:
        try:
            result[process.pid] = _seconds(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
            continue
    return result


def _seconds(process: psutil.Process) -> float:
    if sys.platform == "linux":  # the clock of clock_getcpuclockid(3); /proc counts in hundredths
        return time.clock_gettime((~process.pid << 3) | 2)
    times = process.cpu_times()
    return float(times.user + times.system)


def spent(before: dict[int, float], after: dict[int, float]) -> float | None:
    """Seconds of CPU between two readings; None where a process cannot be read, or has ended."""
    if not before or set(before) != set(after):
        return None
    return sum(after.values()) - sum(before.values())


def resident(running: list[psutil.Process]) -> int | None:
    """Bytes of memory that the processes hold."""
    try:
        return sum(process.memory_info().rss for process in running) if running else None
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def _with_children(parents: list[psutil.Process]) -> list[psutil.Process]:
    every = {p.pid: p for parent in parents for p in [parent, *parent.children(recursive=True)]}
    return list(every.values())
