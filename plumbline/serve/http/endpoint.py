"""One path of the service: its method, its limits, its answer. Never a 500."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from plumbline.serve import reply
from plumbline.serve.http import body, request_id
from plumbline.serve.http.metrics import Metrics
from plumbline.serve.http.phase import Phase
from plumbline.serve.http.rate import Rate
from plumbline.serve.http.tokens import Tokens
from plumbline.serve.reply import Reply

Scope = MutableMapping[str, Any]
Send = Callable[[Any], Awaitable[None]]
Answer = Callable[[bytes, str], Awaitable[Reply]]
"""From a body and a request id."""

MEMORY = 64 * 1024 * 1024
"""Bytes of bodies that are on their way, of all connections together."""
log = logging.getLogger("plumbline")


@dataclass(frozen=True)
class Gate:
    """What stands before every answer. `tokens`: None where the service is open to whoever reaches it."""

    phase: Phase
    metrics: Metrics
    tokens: Tokens | None
    rate: Rate | None
    max_body: int
    max_connections: int = 1000
    memory: body.Memory = field(default_factory=lambda: body.Memory(MEMORY))

    @property
    def crowded(self) -> bool:
        """Whether more connections are open than may be."""
        return len(self.phase.connections) > self.max_connections


@dataclass(frozen=True)
class Endpoint:
    """An ASGI application for one path. `guarded`: needs a token, where there are any."""

    gate: Gate
    usecase: str
    name: str
    method: str
    answer: Answer
    guarded: bool = True

    async def __call__(self, scope: Scope, receive: body.Receive, send: Send) -> None:
        """Answer one request."""
        started = time.perf_counter()
        headers = dict(scope["headers"])
        own = request_id.of(headers.get(request_id.HEADER))
        phase = self.gate.phase
        phase.requests += 1
        try:
            answered = await self._answered(scope["method"], headers, receive, own.decode())
            await _send(send, answered, own, close=phase.name == "leaving")
        except body.Disconnected:
            return
        finally:
            phase.requests -= 1
        metrics = self.gate.metrics
        metrics.request(self.usecase, self.name, answered.status, time.perf_counter() - started)
        if answered.reason:
            metrics.refused(self.usecase, answered.reason)

    async def _answered(
        self, method: str, headers: dict[bytes, bytes], receive: body.Receive, own: str
    ) -> Reply:
        try:
            refused = self._refused(method, headers)
            if refused:
                return refused
            gate = self.gate
            content = (
                await body.read(receive, gate.max_body, gate.memory) if method == "POST" else b""
            )
            if content is None:
                return body.too_long(gate.max_body)
            return await self.answer(content, own)
        except body.Disconnected:
            raise
        except body.Busy:
            text = "too many long requests at once; try again later"
            return reply.refusal(503, "busy", text, headers=body.CLOSE)
        except Exception:  # a fault of ours: one message, and the log has the rest
            log.exception("request %s: an error of the service, answered with 503", own)
            self.gate.metrics.caught()
            text = f"an error of the service, logged under the request id {own}; try again later"
            return reply.refusal(503, "error", text)

    def _refused(self, method: str, headers: dict[bytes, bytes]) -> Reply | None:
        if method != self.method and (method, self.method) != ("HEAD", "GET"):
            allow = ((b"allow", self.method.encode()),)
            text = f"expected {self.method}, found {method}"
            return reply.refusal(405, "method", text, headers=(*allow, *body.CLOSE))
        if not self.guarded:
            return None
        return self._unwelcome(headers) or (
            body.refused_head(headers, self.gate.max_body) if method == "POST" else None
        )

    def _unwelcome(self, headers: dict[bytes, bytes]) -> Reply | None:
        gate, caller = self.gate, ""
        if gate.crowded:
            text = "too many connections; try again later"
            return reply.refusal(503, "connections", text, headers=body.CLOSE)
        if gate.tokens is not None:
            known = gate.tokens.who(headers.get(b"authorization"))
            if known is None:
                header = ((b"www-authenticate", b'Bearer realm="plumbline"'), *body.CLOSE)
                text = (
                    "expected a header `Authorization: Bearer TOKEN` with a token of this service"
                )
                return reply.refusal(401, "token", text, headers=header)
            caller = known
        seconds = gate.rate.wait(caller) if gate.rate else 0.0
        if seconds:
            header = ((b"retry-after", str(int(seconds) + 1).encode()), *body.CLOSE)
            return reply.refusal(429, "rate", "too many requests; see Retry-After", headers=header)
        return None


async def _send(send: Send, answered: Reply, own: bytes, *, close: bool) -> None:
    headers = [
        (b"content-type", answered.kind),
        (b"content-length", str(len(answered.body)).encode()),
        (request_id.HEADER, own),
        *answered.headers,
    ]
    if close:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answered.status, "headers": headers})
    await send({"type": "http.response.body", "body": answered.body, "more_body": False})
