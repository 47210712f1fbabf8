"""Which addresses a trace of system calls shows; tests/system/test_runs.py watches a whole run by it."""

from __future__ import annotations

import re

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
