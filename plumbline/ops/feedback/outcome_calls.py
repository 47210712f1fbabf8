"""Outcomes sent to a running service, some at a time. What was taken counts once, however often it is sent. An edge: HTTP."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from plumbline.core.errors import PlumblineError

ATTEMPTS = 5
"""Times that a request is sent which the service puts off (429), or a connection that broke."""
LONGEST_WAIT = 30.0
"""Seconds."""
BROKEN = (OSError, http.client.HTTPException)
Outcome = Mapping[str, Any]


@dataclass
class Sent:
    """What became of the outcomes so far; `refused`: by place among them, what is wrong with it."""

    taken: int = 0
    repeated: int = 0
    unknown: int = 0
    refused: dict[int, str] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """Outcomes that were taken, earlier ones too, or refused."""
        return self.taken + self.repeated + len(self.refused)


class OutcomeCalls:
    """A connection to `url`, the service's address, for the use case `name`. `token`: in each request; `ca`: a file of
    certificates to trust."""

    def __init__(
        self, url: str, name: str, token: str | None, ca: str | None, timeout: float
    ) -> None:
        self.url, self.path = url, f"{urlsplit(url).path.rstrip('/')}/v1/{name}/outcomes"
        self._headers = {"Content-Type": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._connection = _connection(url, ca, timeout)

    def send(self, outcomes: Sequence[Outcome], most: int) -> Sent:
        """Send all, `most` in a request; PlumblineError where the service cannot be reached, or takes none."""
        sent = Sent()
        for first in range(0, len(outcomes), most):
            try:
                self._send(dict(enumerate(outcomes[first : first + most], first)), sent)
            except PlumblineError as error:
                raise PlumblineError(
                    f"{error}; {sent.done:,} of {len(outcomes):,} outcomes were sent before. Send the file again: what "
                    "was taken counts once"
                ) from None
        self._connection.close()
        return sent

    def _send(self, some: dict[int, Outcome], sent: Sent) -> None:
        """Send these, by their places, without those that the service refuses."""
        while some:
            status, answer = self._call({"outcomes": list(some.values())})
            if status == 200:
                repeated = int(answer.get("repeated", 0))
                sent.taken += len(some) - repeated
                sent.repeated += repeated
                sent.unknown += int(answer.get("unknown", 0))
                return
            refused = dict(_refused(list(some), answer)) if status == 422 else {}
            if not refused:
                raise PlumblineError(
                    f"{self.url}: {status}: {answer.get('error', 'no reason given')}"
                )
            sent.refused |= refused
            some = {place: one for place, one in some.items() if place not in refused}

    def _call(self, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """The answer's status and JSON; waits where the service says so."""
        data = json.dumps(body, allow_nan=False).encode()
        for left in reversed(range(ATTEMPTS)):
            try:
                self._connection.request("POST", self.path, data, self._headers)
                response = self._connection.getresponse()
                content = response.read()
            except BROKEN as error:
                self._connection.close()
                if not left:
                    raise PlumblineError(
                        f"{self.url}: no answer ({error}); is the service running, and is this its address?"
                    ) from None
                continue
            if response.status != 429 or not left:
                return response.status, _object(content)
            time.sleep(min(float(response.headers.get("Retry-After", 1)), LONGEST_WAIT))
        raise AssertionError("the last attempt returns or raises")


def _connection(url: str, ca: str | None, timeout: float) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PlumblineError(f"{url}: expected an address like http://127.0.0.1:8400")
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    context = ssl.create_default_context(cafile=ca)
    return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout, context=context)


def _refused(places: Sequence[int], answer: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """By place, the first thing that is wrong with an outcome."""
    for problem in reversed(answer.get("problems", [])):
        number = problem.get("event")
        if isinstance(number, int) and 0 <= number < len(places):
            words = f"{problem['column']}: found {problem['found']}, expected {problem['expected']}"
            yield places[number], words


def _object(content: bytes) -> dict[str, Any]:
    """The answer; what is no JSON object, of a proxy say, as an error without a reason."""
    try:
        value = json.loads(content)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
