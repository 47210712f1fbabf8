"""One HTTP/1.1 connection of a load test. An edge: sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from urllib.parse import urlsplit

import httptools

from plumbline.core.errors import PlumblineError


@dataclass(frozen=True)
class Address:
    """Where requests go: host, port, whether by TLS, and the path of the URL."""

    host: str
    port: int
    path: str
    tls: ssl.SSLContext | None = None

    @property
    def authority(self) -> str:
        """For the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def address(url: str, ca: str | None = None) -> Address:
    """The parts of a URL; PlumblineError for what is no http or https address. `ca`: a file of certificates."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        if not parts.hostname:
            raise ValueError("no host")
    except (ValueError, KeyError):
        raise PlumblineError(
            f"{url}: expected an address like http://127.0.0.1:8000; give the server's with --url"
        ) from None
    tls = ssl.create_default_context(cafile=ca) if parts.scheme == "https" else None
    return Address(parts.hostname, port, parts.path.rstrip("/"), tls)


def post(
    target: Address, path: str, body: bytes, headers: dict[str, str], *, keep_alive: bool = True
) -> bytes:
    """The bytes of a request with a JSON body."""
    lines = [
        f"POST {target.path}{path} HTTP/1.1",
        f"Host: {target.authority}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *([] if keep_alive else ["Connection: close"]),
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@dataclass
class Reply:
    """The status, the body, and when its last byte was read (`perf_counter`); `problem` where none came."""

    moment: float
    status: int = 0
    body: bytes = b""
    problem: str = ""


@dataclass
class HttpConnection(asyncio.Protocol):
    """A connection that carries one request at a time; `receive` is called once for each."""

    transport: asyncio.Transport | None = None
    reusable: bool = True
    _receive: Callable[[Reply], None] | None = None
    _parser: httptools.HttpResponseParser | None = None
    _parts: list[bytes] = field(default_factory=list)

    def request(self, data: bytes, receive: Callable[[Reply], None]) -> None:
        """Send a request; the reply goes to `receive`."""
        assert self.transport is not None
        self._receive, self._parts = receive, []
        self._parser = httptools.HttpResponseParser(self)
        self.transport.write(data)

    def abandon(self, problem: str) -> None:
        """Give the request up and close the connection."""
        self.reusable = False
        if self.transport is not None:
            self.transport.abort()
        self._finish(Reply(perf_counter(), problem=problem))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self._parser is None:  # bytes that nobody is waiting for
            self.abandon("")
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.abandon("no HTTP")

    def connection_lost(self, _exc: Exception | None) -> None:
        self.reusable = False
        self._finish(Reply(perf_counter(), problem="connection lost"))

    def on_body(self, part: bytes) -> None:
        """Of httptools: a part of the body."""
        self._parts.append(part)

    def on_message_complete(self) -> None:
        """Of httptools: the reply is whole."""
        parser = self._parser
        assert parser is not None
        self.reusable = self.reusable and parser.should_keep_alive()
        self._finish(Reply(perf_counter(), parser.get_status_code(), b"".join(self._parts)))

    def _finish(self, reply: Reply) -> None:
        receive, self._receive, self._parser = self._receive, None, None
        if receive is not None:
            receive(reply)
