"""What hostile bodies are sent to: checks and scorer in this process, or a running service."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from plumbline.core.errors import PlumblineError
from plumbline.serve.online import answers, bodies, times
from plumbline.serve.online.answers import AnswerWriter
from plumbline.serve.online.checks import CompiledCheck
from plumbline.serve.online.scorer import CompiledScorer

Target = Callable[[bytes], int]
"""From a body to the status of its answer."""


def in_process(compiled: CompiledScorer, late_days: float = 7) -> Target:
    """Body to answer without a server: entities are never known."""
    case = compiled.usecase
    check, writer = (
        CompiledCheck(case, late_days),
        AnswerWriter(case.key, compiled.bundle, "a", "b"),
    )
    past = [history.empty_value for history in case.aggregates]

    def answered(body: bytes) -> int:
        try:
            now = times.micros(datetime.now(UTC).replace(tzinfo=None))
            events = [event for event, _ in check.events(bodies.objects(body, "events"), now)]
            scored = compiled.score(events, [past] * len(events))
            pairs = zip(events, scored, strict=True)
            json.loads(answers.response(writer.write(e[case.key], one) for e, one in pairs))
            return 200
        except PlumblineError as error:
            json.loads(answers.refusal(error))
            return int(getattr(error, "status", 500))

    return answered


@contextmanager
def over_http(url: str, usecase: str, token: str | None) -> Iterator[Target]:
    """Each body to a running service, on one connection while it lasts."""
    place, headers = urlsplit(url), {"Content-Type": "application/json"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    kind = HTTPSConnection if place.scheme == "https" else HTTPConnection
    connection = kind(place.netloc, timeout=30)

    def sent(body: bytes) -> int:
        for _ in range(2):
            try:
                with suppress(BrokenPipeError, ConnectionResetError):  # refused before it was read
                    connection.request("POST", f"/v1/{usecase}/score", body, headers)
                response = connection.getresponse()
                response.read()
                return response.status
            except (HTTPException, OSError):
                connection.close()
        return 599

    with closing(connection):
        yield sent


def memory_of(url: str, token: str | None) -> float:
    """MB that a service says it uses."""
    request = Request(f"{url}/metrics", headers={"Authorization": f"Bearer {token}"})
    with urlopen(request, timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    name = "process_resident_memory_bytes "
    return float(next(line for line in lines if line.startswith(name)).split()[1]) / 2**20
