"""The control socket: one JSON object per line and per answer, for this user on this machine only.

Changes of a running service come by it and by no other way. A request is `{"do": NAME, ...}`; the answer
holds `ok`, and `error` where it is false. Handlers are registered by name.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError, suggest

LONGEST = 1_048_576
"""Bytes of a request."""
Plain = Mapping[str, Any]
Handler = Callable[[Plain], "Plain | Awaitable[Plain]"]
SocketHandler = Callable[[Plain, Any], "Plain | Awaitable[Plain]"]
log = logging.getLogger("plumbline")


class Control:
    """The handlers, and the socket once it is open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handlers: dict[str, SocketHandler] = {}
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    def register(self, name: str, handler: Handler) -> None:
        """What is done on `{"do": name}`: it takes the request and returns what is answered."""
        self._handlers[name] = lambda request, _: handler(request)

    def register_with_socket(self, name: str, handler: SocketHandler) -> None:
        """As `register`; the handler takes the connection's socket, too."""
        self._handlers[name] = handler

    async def open(self) -> None:
        """Listen, in place of whoever listened there before; mode 0600."""
        beside = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        beside.unlink(missing_ok=True)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        listening = _bound(beside)
        self._server = await asyncio.start_unix_server(self._serve, sock=listening, limit=LONGEST)
        beside.replace(self.path)

    async def close(self) -> None:
        """Stop listening, and end the connections; the path is the next process's."""
        if self._server:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        own = asyncio.current_task()
        assert own is not None
        self._connections.add(own)
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line, writer)).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError, asyncio.CancelledError):  # it is over either way
            pass
        finally:
            writer.close()
            with suppress(OSError):  # else the loop may end before the socket is closed
                await writer.wait_closed()
            self._connections.discard(own)

    async def _answer(self, line: bytes, writer: asyncio.StreamWriter) -> Plain:
        try:
            request = _request(line)
            handler = self._handlers.get(request["do"])
            if handler is None:
                hint = suggest(str(request["do"])[:60], self._handlers)
                raise PlumblineError(f"no handler for this request; {hint}")
            given = handler(request, writer.get_extra_info("socket"))
            return {"ok": True, **(await given if inspect.isawaitable(given) else given)}
        except PlumblineError as error:
            return {"ok": False, "error": str(error)}
        except Exception as error:  # the service goes on, and whoever sent it learns of it
            log.exception("control socket: an error of the service")
            return {
                "ok": False,
                "error": f"an error of the service ({type(error).__name__}), see its log",
            }


def _request(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except ValueError:
        request = None
    if not isinstance(request, dict) or not isinstance(request.get("do"), str):
        raise PlumblineError('expected one JSON object a line, like {"do": "stats"}')
    return request


def _bound(path: Path) -> socket.socket:
    """A listening Unix socket that only this user can open; bound by a relative path where it is too long."""
    place = address(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(place)
    finally:
        os.umask(before)
    listening.listen()
    listening.setblocking(False)
    return listening


def address(path: Path) -> str:
    """A path that fits into a Unix socket's address: the shorter of absolute and relative.

    PlumblineError where neither does.
    """
    short = min(str(path.absolute()), os.path.relpath(path), key=lambda one: len(os.fsencode(one)))
    if len(os.fsencode(short)) > 100:
        raise PlumblineError(
            f"{path}: too long for a socket's address ({len(os.fsencode(short))} bytes of 100); run in the "
            "project's root, or move the project up"
        )
    return short


def call(path: Path, request: Plain, timeout: float = 30.0) -> dict[str, Any]:
    """Send one request to a running service; PlumblineError where there is none, or it refuses."""
    with connected(path, timeout) as client:
        client.sendall(json.dumps(request).encode() + b"\n")
        with client.makefile("rb") as lines:
            line = lines.readline()
    if not line:
        raise PlumblineError(f"{path}: the service ended before it answered")
    answer: dict[str, Any] = json.loads(line)
    if not answer.pop("ok"):
        raise PlumblineError(answer["error"])
    return answer


def connected(path: Path, timeout: float = 30.0) -> socket.socket:
    """A connection to a running service's control socket; PlumblineError where none listens."""
    place = address(path)
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(timeout)
    try:
        client.connect(place)
    except OSError as error:
        client.close()
        reason = error.strerror or "no answer"
        raise PlumblineError(
            f"{path}: no service is running here ({reason}); start one with `plumbline serve`"
        ) from None
    return client


def running(path: Path) -> bool:
    """Whether a service listens there."""
    try:
        connected(path, 5.0).close()
    except PlumblineError:
        return False
    return True
