"""Known vulnerabilities of what requirements.txt locks, by pip-audit. An edge: a process, the network.

pip-audit reports "no known vulnerabilities" where its lookup failed. So each query contains a package that
is known to be vulnerable, and an answer without it is rejected.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError

CANARY = ("pycrypto", "2.6.1")
"""Its last version, of 2013: CVE-2013-7459 and CVE-2018-6594 will never be fixed."""
SERVICE = "https://api.osv.dev/v1/query"
ACCEPTED = Path(".ci") / "advisories"
PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)")
TIMEOUT = 30
"""Seconds for one answer."""

Pin = tuple[str, str]


@dataclass(frozen=True)
class Advisory:
    """One locked package, what is known of it, and the versions that fix it."""

    name: str
    version: str
    id: str
    mended: tuple[str, ...]


def audit(lock: Path, address: str = SERVICE, ignored: Iterable[str] = ()) -> list[Advisory]:
    """The advisories that concern `lock`'s pins, without those in `ignored` (by any of their ids).

    `address`: an OSV query service. PlumblineError where it could not look: no answer, the canary not
    flagged, a pin not looked up.
    """
    wanted = pins(lock.read_text(encoding="utf-8"))
    if not wanted:
        raise PlumblineError(f"{lock}: no line like name==1.0 there; expected the lock file")
    advisories: list[Advisory] = []
    for some in rounds(wanted):
        answer = _query([*some, CANARY], address)
        advisories += believed(answer, some, address, set(ignored))
    return advisories


def pins(text: str) -> list[Pin]:
    """Name and version of each pin of a lock, for whatever platform, normalised and in order.

    >>> pins("Py_Yaml==6.0 ; x < '1' \\\\\\n    --hash=sha256:0\\n# a==1\\n")
    [('py-yaml', '6.0')]
    """
    matches = (PIN.match(line) for line in text.splitlines())
    return sorted({(_normal(match[1]), match[2]) for match in matches if match})


def read_accepted(path: Path) -> dict[str, str]:
    """The accepted advisories in a file; none without the usual one, PlumblineError where another cannot be read."""
    if path == ACCEPTED and not path.exists():
        return {}
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise PlumblineError(f"{path}: {error.strerror}; expected a text file") from None
    return accepted(text, str(path))


def accepted(text: str, name: str) -> dict[str, str]:
    """Ids of advisories and why each is accepted: "ID  # reason" to a line. PlumblineError without one.

    >>> accepted("# all\\nCVE-1  # never called\\n", "file")
    {'CVE-1': 'never called'}
    """
    reasons = {}
    for line in text.splitlines():
        known, _, why = (part.strip() for part in line.partition("#"))
        if known and not why:
            raise PlumblineError(f"{name}: {known}: no reason; expected '{known}  # why'")
        if known:
            reasons[known] = why
    return reasons


def rounds(wanted: Iterable[Pin]) -> list[list[Pin]]:
    """The pins in lists that name no package twice, as pip-audit wants them.

    >>> rounds([("a", "1"), ("a", "2"), ("b", "1")])
    [[('a', '1'), ('b', '1')], [('a', '2')]]
    """
    lists: list[list[Pin]] = []
    for name, version in wanted:
        free = next((r for r in lists if name not in {n for n, _ in r}), None)
        if free is None:
            free = []
            lists.append(free)
        free.append((name, version))
    return lists


def believed(
    answer: Mapping[str, Any], wanted: Iterable[Pin], address: str, ignored: set[str]
) -> list[Advisory]:
    """pip-audit's answer as advisories; PlumblineError where it is incomplete."""
    by_pin = {(_normal(d["name"]), d.get("version")): d for d in answer.get("dependencies") or ()}
    if not (by_pin.get(CANARY) or {}).get("vulns"):
        raise PlumblineError(
            _blind(f"{'=='.join(CANARY)}, known to be vulnerable, was not", address)
        )
    unseen = [f"{n}=={v}" for n, v in wanted if "vulns" not in by_pin.get((n, v), {})]
    if unseen:
        raise PlumblineError(
            _blind(f"{', '.join(unseen[:5])} (of {len(unseen)}) were not", address)
        )
    return [a for pin in wanted for a in _advisories(pin, by_pin[pin]["vulns"], ignored)]


def _advisories(
    pin: Pin, vulns: Iterable[Mapping[str, Any]], ignored: set[str]
) -> Iterator[Advisory]:
    for entry in vulns:
        if not ignored & {entry["id"], *entry.get("aliases", ())}:
            yield Advisory(*pin, entry["id"], tuple(entry.get("fix_versions") or ()))


def _query(wanted: Iterable[Pin], address: str) -> dict[str, Any]:
    """What pip-audit says as JSON; it resolves and installs nothing."""
    with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
        pins_file = Path(folder) / "pins.txt"
        pins_file.write_text("".join(f"{n}=={v}\n" for n, v in wanted), encoding="utf-8")
        arguments = [
            sys.executable,
            "-m",
            "pip_audit",
            "-r",
            str(pins_file),
            "--no-deps",
            "--disable-pip",
        ]
        arguments += ["--strict", "-s", "osv", "--osv-url", address, "--timeout", str(TIMEOUT)]
        arguments += ["-f", "json", "--progress-spinner", "off", "--cache-dir", f"{folder}/cache"]
        done = subprocess.run(
            arguments, capture_output=True, text=True, check=False, env=dict(os.environ)
        )
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        errors = done.stderr.strip().splitlines() or ["no word"]
        raise PlumblineError(
            _blind(f"pip-audit gave no answer ({errors[-1][:300]})", address)
        ) from None
    return answer if isinstance(answer, dict) else {}


def _blind(what: str, address: str) -> str:
    end = "" if "answer" in what else " looked up"
    return (
        f"could not look: {what}{end}; nothing is known of the dependencies. "
        f"Look whether {address} can be reached, and try again"
    )


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
