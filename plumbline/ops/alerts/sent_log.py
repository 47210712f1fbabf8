"""What was sent to whom, and which channels failed: a small file, never in git. An edge: reads and writes it.

A fresh machine has no such file. There the open issue of a use case, which carries its part, replaces it.
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
from typing import Any, Literal

from plumbline.core.documents import Document
from plumbline.core.files import dumps, write_json
from plumbline.monitor.verdict import Level
from plumbline.ops.alerts.usecase_alerts import UseCaseAlert

FILE = Path(".plumbline") / "alerts.json"
FORMAT: Literal[1] = 1
MARK = re.compile(r"<!-- plumbline-sent: ([A-Za-z0-9+/=]+) -->")
DAMAGED = (ValueError, KeyError, TypeError, AttributeError)
"""What `parse` raises where the JSON is not what `document` writes."""

log = logging.getLogger("plumbline")


class Sent(Document):
    """The findings of a use case that were sent to a channel, each with its level, and when."""

    day: date
    findings: Mapping[str, Level]


class Failure(Document):
    """A channel that could not be reached."""

    since: date
    reason: str


class SentLogDocument(Document):
    """The file: what was sent by use case and channel, and failures by channel."""

    format: Literal[1]
    usecases: dict[str, dict[str, Sent]]
    failures: dict[str, Failure]


@dataclass
class SentLog:
    """What was sent, by use case and channel; failures by channel. Changes are written by `write`."""

    sent: dict[str, dict[str, Sent]] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)

    def last(self, usecase: str, channel: str) -> Sent | None:
        """What was sent last; None where nothing was, or all is resolved."""
        return self.sent.get(usecase, {}).get(channel)

    def keep(self, alert: UseCaseAlert, channel: str, today: date) -> None:
        """Record that a channel received an alert as it is now."""
        if alert.findings:
            self.sent.setdefault(alert.name, {})[channel] = Sent(day=today, findings=alert.keys)
        else:
            self.sent.get(alert.name, {}).pop(channel, None)

    def failed(self, channel: str, reason: str, today: date) -> bool:
        """Record that a channel was not reached; whether that is new."""
        before = self.failures.get(channel)
        self.failures[channel] = Failure(since=before.since if before else today, reason=reason)
        return before is None


def read(path: Path) -> SentLog:
    """The log; an empty one, with a warning, where the file is damaged: then all is sent again."""
    try:
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return SentLog()
    except (OSError, *DAMAGED) as error:
        log.warning("alert: %s: not usable (%s); all is sent again", path, type(error).__name__)
        return SentLog()


def write(path: Path, sent_log: SentLog) -> None:
    """Write it whole; a warning where that fails: then all is sent again next time."""
    try:
        write_json(path, document(sent_log).plain())
    except OSError as error:
        log.warning("alert: %s: not written (%s); all is sent again", path, error.strerror)


def parse(value: Any) -> SentLog:
    """One of DAMAGED where it is not what `document` makes."""
    written = SentLogDocument.model_validate(value)
    return SentLog(written.usecases, written.failures)


def document(sent_log: SentLog) -> SentLogDocument:
    """For JSON; a use case of which nothing was sent is left out."""
    sent = {name: channels for name, channels in sent_log.sent.items() if channels}
    return SentLogDocument(format=FORMAT, usecases=sent, failures=sent_log.failures)


def mark(sent_log: SentLog, usecase: str) -> str:
    """A use case's part, hidden in its issue."""
    part = SentLog({usecase: sent_log.sent.get(usecase, {})}, sent_log.failures)
    return f"<!-- plumbline-sent: {base64.b64encode(dumps(document(part).plain()).encode()).decode()} -->"


def unmark(body: str) -> SentLog:
    """What `mark` hid in a body; empty where there is none, or it is damaged."""
    match = MARK.search(body)
    try:
        return parse(json.loads(base64.b64decode(match[1]))) if match else SentLog()
    except DAMAGED:
        return SentLog()
