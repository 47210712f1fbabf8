"""What was told to whom, and who could not be reached: a small file, never in git. An edge: reads and writes it.

A fresh machine has no such file. There the open issue of a use case, which carries its part, stands in.
"""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from plumbline.core.files import dumps, write_json
from plumbline.monitor.verdict import LEVELS
from plumbline.ops.alerts.usecase_alerts import Case

FILE = Path(".plumbline") / "alerts.json"
FORMAT = 1
MARK = re.compile(r"<!-- plumbline-told: ([A-Za-z0-9+/=]+) -->")

log = logging.getLogger("plumbline")


@dataclass(frozen=True)
class Said:
    """The findings that a channel was told of a use case, and when."""

    day: date
    told: Mapping[str, str]


@dataclass(frozen=True)
class Failure:
    """A channel that could not be reached."""

    since: date
    reason: str


@dataclass
class Memory:
    """By use case and channel; failures by channel. What changes is written by `write`."""

    said: dict[str, dict[str, Said]] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)

    def last(self, usecase: str, channel: str) -> Said | None:
        """What was last told; None where nothing was, or all is over."""
        return self.said.get(usecase, {}).get(channel)

    def keep(self, one: Case, channel: str, today: date) -> None:
        """A channel was told of a case as it is now."""
        if one.told:
            self.said.setdefault(one.name, {})[channel] = Said(today, one.keys)
        else:
            self.said.get(one.name, {}).pop(channel, None)

    def failed(self, channel: str, reason: str, today: date) -> bool:
        """Remember that a channel was not reached; whether that is new."""
        before = self.failures.get(channel)
        self.failures[channel] = Failure(before.since if before else today, reason)
        return before is None


def read(path: Path) -> Memory:
    """The memory; an empty one, with a warning, where the file is damaged: then all is told again."""
    try:
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Memory()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("alert: %s: not usable (%s); all is told anew", path, type(error).__name__)
        return Memory()


def write(path: Path, memory: Memory) -> None:
    """Beside it and renamed; a warning where the disk refuses: then all is told again next time."""
    try:
        write_json(path, plain(memory))
    except OSError as error:
        log.warning("alert: %s: not written (%s); all is told again", path, error.strerror)


def parse(value: Any) -> Memory:
    """ValueError, KeyError, TypeError or AttributeError where it is not what `plain` makes."""
    if value["format"] != FORMAT:
        raise ValueError(f"format {value['format']}")
    said = {
        name: {channel: _said(one) for channel, one in channels.items()}
        for name, channels in value["usecases"].items()
    }
    failures = {
        channel: Failure(date.fromisoformat(one["since"]), str(one["reason"]))
        for channel, one in value["failures"].items()
    }
    return Memory(said, failures)


def plain(memory: Memory) -> dict[str, Any]:
    """For JSON."""
    return {
        "format": FORMAT,
        "usecases": {
            name: {c: {"day": str(s.day), "told": dict(s.told)} for c, s in channels.items()}
            for name, channels in memory.said.items()
            if channels
        },
        "failures": {
            c: {"since": str(f.since), "reason": f.reason} for c, f in memory.failures.items()
        },
    }


def mark(memory: Memory, usecase: str) -> str:
    """A use case's part, hidden in its issue."""
    mine = Memory({usecase: memory.said.get(usecase, {})}, memory.failures)
    return f"<!-- plumbline-told: {base64.b64encode(dumps(plain(mine)).encode()).decode()} -->"


def unmark(body: str) -> Memory:
    """What `mark` hid in a body; empty where there is none, or it is damaged."""
    found = MARK.search(body)
    try:
        return parse(json.loads(base64.b64decode(found[1]))) if found else Memory()
    except (ValueError, KeyError, TypeError, AttributeError):
        return Memory()


def _said(one: Any) -> Said:
    told = {str(k): str(v) for k, v in one["told"].items()}
    if not set(told.values()) <= set(LEVELS):
        raise ValueError("a level that is none")
    return Said(date.fromisoformat(one["day"]), told)
