"""One connection: a head of bounded size that comes in time, and whether the connection may be closed."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD = 65_536
"""Bytes of a request's address and headers."""
TIMEOUT = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class HeadTooLongError(Exception):
    """Answered with 400, and the connection is closed."""


class Connection(HttpToolsProtocol):
    """uvicorn's, with a limit on the head and on the time in which a request must have come whole."""

    seconds = 10.0
    """In which a request must have come, from its first byte; of a new connection, from its beginning."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head = 0
        self._coming = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A new connection must send its first request in time."""
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """No more waiting."""
        self._unwatch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Wait for the rest where a request has come in part."""
        super().data_received(data)
        if self._coming and self._timer is None:
            self._watch()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._head, self._coming = 0, True

    def on_url(self, url: bytes) -> None:
        """A part of its address."""
        self._grow(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers."""
        self._grow(len(name) + len(value))
        super().on_header(name, value)

    def on_message_complete(self) -> None:
        """It has come whole."""
        self._coming = False
        self._unwatch()
        super().on_message_complete()

    @property
    def idle(self) -> bool:
        """Nothing is being received, worked on or sent."""
        answered = self.cycle is None or self.cycle.response_complete
        return answered and not self._coming and not self.pipeline

    @property
    def coming(self) -> bool:
        """A request has come in part."""
        return self._coming

    @property
    def fresh(self) -> bool:
        """It has not sent a request yet."""
        return self.cycle is None and not self._coming

    def _grow(self, size: int) -> None:
        self._head += size
        if self._head > MAX_HEAD:
            raise HeadTooLongError

    def _watch(self) -> None:
        self._timer = self.loop.call_later(self.seconds, self.refuse_late)

    def _unwatch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def refuse_late(self) -> None:
        """Close it, as its request did not come in time."""
        self._unwatch()
        if not self.transport.is_closing():
            if self.cycle is None or not self.cycle.response_started:
                self.transport.write(TIMEOUT)
            self.transport.close()
