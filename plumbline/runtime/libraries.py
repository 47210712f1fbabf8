"""The libraries that can change a stage's outs: the pins of its file in `environment/`, and those installed.

The files are written by `plumbline.repo.environment_files`; a stage depends on its own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

FOLDER = "environment"
PIN = re.compile(
    r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)(?:[ \t]*;[ \t]*([^\\\n]*[^\\\s]))?", re.MULTILINE
)


@dataclass(frozen=True)
class Pin:
    """A library's version in a lock, and the marker that says on which machines it is this one."""

    name: str
    version: str
    marker: str = ""

    def __str__(self) -> str:
        """As a requirements file has it."""
        return f"{self.name}=={self.version}" + (f" ; {self.marker}" if self.marker else "")

    @property
    def applies(self) -> bool:
        """Whether this machine installs it."""
        if not self.marker:
            return True
        from packaging.markers import Marker

        return Marker(self.marker).evaluate()


def file_of(stage: str) -> str:
    """The path of a stage's file."""
    return f"{FOLDER}/{stage}.txt"


def files(paths: Iterable[str]) -> list[str]:
    """Those of a stage's deps that are such files."""
    return [path for path in paths if path.startswith(f"{FOLDER}/")]


def normal(name: str) -> str:
    """A distribution's name as indexes compare it.

    >>> normal("Num_Py")
    'num-py'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text: str) -> list[Pin]:
    """The pins in the text of a lock or of a stage's file; hashes and comments are left out.

    >>> pins("duckdb==2.0 ; python_version > '3' \\\\\\n --hash=sha256:ab\\n# xgboost==1\\nNum_Py==2.4")
    [Pin(name='duckdb', version='2.0', marker="python_version > '3'"), Pin(name='num-py', version='2.4', marker='')]
    """
    return [Pin(normal(name), version, marker) for name, version, marker in PIN.findall(text)]


def versions(text: str) -> dict[str, str]:
    """Each library's version in such a text, or versions where machines differ.

    >>> versions("a==1 ; x < '2'\\na==2 ; x > '2'")
    {'a': '1, 2'}
    """
    versions_of: dict[str, list[str]] = defaultdict(list)
    for pin in pins(text):
        versions_of[pin.name].append(pin.version)
    return {name: ", ".join(dict.fromkeys(listed)) for name, listed in versions_of.items()}


def differing(texts: Iterable[str]) -> list[str]:
    """The pins of stages' files that this environment does not have, each with what it has instead."""
    wanted = dict.fromkeys(pin for text in texts for pin in pins(text))
    return list(_differing(pin for pin in wanted if pin.applies))


def some(names: list[str], most: int = 3) -> str:
    """The first of a list of differences, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _differing(wanted: Iterable[Pin]) -> Iterator[str]:
    for pin in wanted:
        installed = _installed(pin.name)
        if installed != pin.version:
            yield f"{pin.name} {pin.version} (installed: {installed or 'none'})"


def _installed(name: str) -> str | None:
    from importlib import metadata  # not at the top: a stage that does not run starts without it

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
