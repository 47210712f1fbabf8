"""The process: sockets, signals, the loop; and an end at which nothing that was accepted is lost.

uvicorn reads HTTP here, but is not its server: at its end it closes connections whose request is still on
its way. Here the end has five steps: every answer says `Connection: close` for a while (`lame_duck`); no
connection is accepted any more; what waits to be accepted is; every connection is answered, and closed
when it is idle; then `closed` is called, which flushes the log.
"""

from __future__ import annotations

import asyncio
import fcntl
import functools
import logging
import signal
import socket
import ssl
import sys
import termios
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

import uvicorn
import uvloop
from uvicorn.server import ServerState

from plumbline.core.errors import PlumblineError
from plumbline.serve.http.connection import Connection
from plumbline.serve.http.phase import Phase

BACKLOG = 2048
FIRST_REQUEST = 1.0
"""Seconds that a new connection has for its first request when the process ends."""
QUIET = 0.25
"""Seconds without a byte, after which a connection that is kept alive is closed then."""
SLOW = 2.0
"""Seconds that the rest of a request may take to come then: others wait meanwhile."""
GRACE = 30.0
"""Seconds after which connections that are still at work are cut."""
STEP = 0.02
log = logging.getLogger("plumbline")


@dataclass(frozen=True)
class Listening:
    """How connections are taken."""

    sockets: Sequence[socket.socket]
    tls: ssl.SSLContext | None
    lame_duck: float
    body_timeout: float


class Server:
    """Accepts connections for an ASGI application until it is stopped."""

    def __init__(self, app: Any, phase: Phase, listening: Listening) -> None:
        self.phase, self.listening = phase, listening
        self.state = ServerState()
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # no line per odd request
        phase.connections = self.state.connections
        self._config = uvicorn.Config(
            app, loop="none", http=Connection, ws="none", lifespan="off", interface="asgi3",
            log_config=None, access_log=False, proxy_headers=False, timeout_keep_alive=75,
        )  # fmt: skip
        self._accepting: list[asyncio.Server] = []
        self._stop = asyncio.Event()
        self._successor: Callable[[], bool] | None = None
        self._left: asyncio.Future[bool] | None = None

    @property
    def connections(self) -> int:
        """Open at the moment."""
        return len(self.state.connections)

    def stop(self) -> None:
        """Begin the end, once."""
        self._stop.set()

    async def hand_over(self, waits: Callable[[], bool]) -> None:
        """End, while another process holds the sockets; return when nothing is in work here any more.

        `waits`: whether that process is still there; where it is not, this one accepts again and PlumblineError
        is raised.
        """
        if self._successor is not None or self._stop.is_set():
            raise PlumblineError("this process is ending already")
        self._successor = waits
        self._left = asyncio.get_running_loop().create_future()
        self._stop.set()
        if not await self._left:
            raise PlumblineError("whoever was to take over has gone; this process serves on")

    async def run(self, closed: Callable[[], Awaitable[None]]) -> None:
        """Accept until `stop`; then end. `closed`: what is done once nothing is in work any more."""
        loop = asyncio.get_running_loop()
        if threading.current_thread() is threading.main_thread():  # where signals can be caught
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self.stop)
        ticking = loop.create_task(self._tick())
        self._config.load()
        Connection.seconds = self.listening.body_timeout
        while True:
            await self._accept()
            self.phase.name = "serving"
            await self._stop.wait()
            await self._leave()
            if self._successor is None or self._successor():
                break
            self._serve_on()
        ticking.cancel()
        for one in self.listening.sockets:  # a successor has its own
            one.close()
        await closed()
        if self._left is not None:
            self._left.set_result(True)
            await asyncio.sleep(STEP)  # the answer to it is sent

    def _serve_on(self) -> None:
        log.warning("whoever was to take over has gone: this process accepts again")
        self._stop.clear()
        self._successor = None
        if self._left is not None:
            self._left.set_result(False)
            self._left = None

    async def _accept(self) -> None:
        self._accepting = [
            await asyncio.get_running_loop().create_server(
                self._protocol, sock=one.dup(), ssl=self.listening.tls, backlog=BACKLOG
            )
            for one in self.listening.sockets
        ]

    def _protocol(self) -> Connection:
        return Connection(config=self._config, server_state=self.state, app_state={})

    async def _leave(self) -> None:
        self.phase.name = "leaving"
        log.info("leaving: %d connections are open", self.connections)
        await asyncio.sleep(self.listening.lame_duck)
        for server in self._accepting:
            server.close()
        await asyncio.sleep(0)
        if self._successor is None:
            await self._take_waiting()
        await self._answer_all()

    async def _take_waiting(self) -> None:
        """Accept whoever the kernel holds, until there is none; then close the sockets."""
        loop = asyncio.get_running_loop()
        for one in self.listening.sockets:
            accepted = list(iter(functools.partial(_accepted, one), None))
            one.close()  # at once: whoever connects now is refused, not lost
            for connection in accepted:
                await loop.connect_accepted_socket(
                    self._protocol, connection, ssl=self.listening.tls
                )

    async def _answer_all(self) -> None:
        began = time.monotonic()
        quiet_since: dict[Any, float] = dict.fromkeys(self.state.connections, began)
        hidden = FIRST_REQUEST if self.listening.tls else 0.0  # while TLS is being agreed on
        while self.state.connections or self.state.tasks or time.monotonic() - began < hidden:
            now = time.monotonic()
            if now - began > GRACE:
                log.warning("leaving: %d connections are cut", self.connections)
                break
            for one in list(self.state.connections):
                self._close(one, now, now - began, quiet_since)
            await asyncio.sleep(STEP)

    def _close(self, one: Any, now: float, since: float, quiet_since: dict[Any, float]) -> None:
        """Close a connection that is idle, or whose request does not come; `since`: seconds since the end began."""
        if one.coming and since > SLOW:
            one.refuse_late()
        if not one.idle:
            quiet_since[one] = now
            return
        seconds = FIRST_REQUEST if one.fresh else QUIET
        if now - quiet_since.setdefault(one, now) >= seconds and not _unread(one.transport):
            one.transport.close()

    async def _tick(self) -> None:
        """The header Date, once a second."""
        while True:
            date = formatdate(time.time(), usegmt=True).encode()
            self.state.default_headers = [(b"date", date)]
            await asyncio.sleep(1 - time.time() % 1)


def _unread(transport: Any) -> int:
    """Bytes that have come and were not read yet."""
    number = transport.get_extra_info("socket").fileno()
    return int.from_bytes(fcntl.ioctl(number, termios.FIONREAD, bytes(4)), sys.byteorder)


def _accepted(one: socket.socket) -> socket.socket | None:
    try:
        connection, _ = one.accept()
    except OSError:
        return None
    connection.setblocking(False)
    return connection


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; OSError where the address is taken or not this machine's."""
    family, kind, number, _, place = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    one = socket.socket(family, kind, number)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        one.bind(place)
        one.listen(BACKLOG)
    except OSError:
        one.close()
        raise
    one.setblocking(False)
    return one


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run on uvloop."""
    uvloop.run(main())  # type: ignore[arg-type]
