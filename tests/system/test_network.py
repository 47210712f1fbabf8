"""A run opens no connection to the outside: every system call that could is watched."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.project import make

OUTSIDE = re.compile(r"sa_family=AF_INET6?, .*?(?:inet_addr\(\"|inet_pton\(AF_INET6, \")([^\"]+)\"")
LOOPBACK = ("127.", "::1", "0.0.0.0", "::")


def addresses(trace: str) -> set[str]:
    """Internet addresses, other than this machine's loopback, that a trace shows being used."""
    return {
        a for a in OUTSIDE.findall(trace) if not a.startswith(LOOPBACK[0]) and a not in LOOPBACK
    }


def test_addresses_are_found() -> None:
    line = 'connect(3, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("192.0.2.7")}, 16) = 0'
    assert addresses(line) == {"192.0.2.7"}
    assert addresses(line.replace("192.0.2.7", "127.0.0.1")) == set()


@pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace is not installed (.ci/run installs it)"
)
def test_a_run_talks_to_nobody(tmp_path: Path) -> None:
    project = make(tmp_path, ["diabetes"])
    log = tmp_path / ".trace.part"
    watch = [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-qq",
        "-e",
        "trace=connect,sendto,sendmsg",
        "-o",
        str(log),
    ]
    project.run(*watch, "dvc", "repro")
    trace = log.read_text()
    assert "connect(" in trace or "sendto(" in trace, "the trace saw nothing at all"
    assert addresses(trace) == set()
