"""A server in a thread of the test's process, and clients that use raw sockets."""

from __future__ import annotations

import asyncio
import http.client
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from plumbline.serve import reply
from plumbline.serve.http import handover, server
from plumbline.serve.http.control import Control
from plumbline.serve.http.endpoint import Endpoint, Gate
from plumbline.serve.http.metrics import Metrics
from plumbline.serve.http.phase import Phase
from plumbline.serve.http.rate import Rate
from plumbline.serve.http.server import Listening, Server
from plumbline.serve.http.tokens import Tokens
from plumbline.serve.reply import Reply
from tests.waiting import LONG

JSON = {"content-type": "application/json"}


@dataclass
class Running:
    """A server that answers in its own thread. `closed`: what was done at its end."""

    port: int
    gate: Gate
    loop: Any = None
    one: Server | None = None
    closed: list[str] = field(default_factory=list)
    thread: threading.Thread | None = None

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] = JSON,
        ca: Path | None = None,
    ) -> Any:
        """One request on a connection of its own: status, headers, body. `ca`: by TLS."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONG)
        if ca:
            context = ssl.create_default_context(cafile=ca)
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context)
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def stop(self) -> None:
        """End it, as SIGTERM does, and wait."""
        self.loop.call_soon_threadsafe(self.one.stop)
        self.thread.join(LONG)
        assert not self.thread.is_alive()


def gate(tokens: Tokens | None = None, rate: Rate | None = None, max_body: int = 100_000) -> Gate:
    """What stands before every answer."""
    return Gate(Phase(), Metrics(), tokens, rate, max_body)


async def echo(body: bytes, _request_id: str) -> Reply:
    """Answer with the body's size; fail on a body that asks for it."""
    if body == b"fail":
        raise ValueError("a secret of the service")
    await asyncio.sleep(0.002)
    return reply.of({"size": len(body)})


@contextmanager
def running(
    app: Any,
    own: Gate,
    *,
    taken: handover.Taken | None = None,
    control: Path | None = None,
    lame: float = 0.1,
    body_timeout: float = 2.0,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Running]:
    """A running server; it is stopped at the end where it still runs."""
    sockets = taken.sockets if taken else [server.bind("127.0.0.1", 0)]
    run = Running(sockets[0].getsockname()[1], own)
    ready = threading.Event()

    async def main() -> None:
        run.loop = asyncio.get_running_loop()
        run.one = one = Server(app, own.phase, Listening(sockets, tls, lame, body_timeout))
        by = Control(control) if control else None
        if by:
            by.register("stats", lambda request: {**request, "phase": own.phase.name})
            by.register_with_socket("handover", lambda _, given: _give(one, sockets, given))
            await by.open()
        run.loop.call_later(0.05, ready.set)
        await one.run(_closing(run))
        if by:
            await by.close()

    run.thread = threading.Thread(target=lambda: uvloop.run(main()), daemon=True)
    run.thread.start()
    assert ready.wait(LONG)
    yield run
    if run.thread.is_alive():
        run.stop()


def _closing(run: Running) -> Any:
    async def closed() -> None:
        run.closed.append("closed")

    return closed


async def _give(one: Server, sockets: Any, by: Any) -> dict[str, Any]:
    handover.give(by, sockets)
    await one.hand_over(lambda: handover.waits(by))
    return {}


def echoing(own: Gate) -> Endpoint:
    """An application with one path."""
    return Endpoint(own, "toy", "echo", "POST", echo)
