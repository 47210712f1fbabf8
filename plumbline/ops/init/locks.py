"""A lock merged package by package: what a team added, moved or removed stays, the rest becomes the library's. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from plumbline.ops.init.merge import Conflict, Merged
from plumbline.review import packages
from plumbline.runtime import libraries

PIN = re.compile(r"^(?=[A-Za-z0-9][A-Za-z0-9._-]*==)", re.MULTILINE)


def merge(base: Mapping[str, str], yours: str, library: str) -> Merged:
    """The library's lock with a team's own packages and options; `base`: each package's version as it was written.

    >>> merge({"a": "1", "b": "1"}, "a==1\\nb==2\\nx==1\\n", "a==2\\nb==1\\nc==1\\n").text
    'a==2\\nb==2\\nc==1\\nx==1\\n'
    >>> merge({"a": "1"}, "a==2\\n", "a==3\\n").conflicts
    (Conflict(line=1, yours='a==2', library='a==3'),)
    """
    head = _head(yours)
    here, there = (blocks(_without(text, head)) for text in (yours, library))
    merged, conflicts = {}, []
    for name in sorted(here.keys() | there.keys()):
        old, own, theirs = base.get(name), _version(here, name), _version(there, name)
        if theirs == old or (own is None and old is not None):
            merged[name] = here.get(name, "")
        elif own in (old, theirs):
            merged[name] = there.get(name, "")
        else:
            first = here[name].splitlines()[0]
            line = yours[: yours.index(first)].count("\n") + 1
            conflicts.append(Conflict(line, f"{name}=={own}", f"{name}=={theirs or 'none'}"))
    return Merged(head + "".join(merged.values()), tuple(conflicts))


def blocks(text: str) -> dict[str, str]:
    """Each package's lines in a lock, by its name; what stands before the first is left out."""
    found: dict[str, str] = {}
    for block in PIN.split(text):
        for pin in libraries.pins(block)[:1]:
            found[pin.name] = found.get(pin.name, "") + block
    return found


def _head(text: str) -> str:
    """What a team's lock has before the first package, and the options that stand between packages."""
    first = PIN.search(text)
    head = text[: first.start()] if first else text
    between = packages.options(text) - packages.options(head)
    return head + "".join(f"{line}\n" for line in sorted(between))


def _without(text: str, head: str) -> str:
    """A lock without the lines of a head: those that stand between packages go with it."""
    options = set(head.splitlines())
    return "".join(line for line in text.splitlines(keepends=True) if line.strip() not in options)


def _version(found: Mapping[str, str], name: str) -> str | None:
    return libraries.versions(found[name])[name] if name in found else None
