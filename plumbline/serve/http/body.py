"""A request's body, read while it is small enough: memory stays bounded whatever is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from plumbline.serve import reply
from plumbline.serve.reply import Reply

Receive = Callable[[], Awaitable[Any]]
CLOSE = ((b"connection", b"close"),)
TYPES = (b"application/json", b"")


class Disconnected(Exception):  # noqa: N818 (an event, not an error)
    """The client has gone; nobody reads an answer."""


def refused_head(headers: Mapping[bytes, bytes], limit: int) -> Reply | None:
    """Why a body is not read at all: it is no JSON, it is compressed, or it says itself that it is too long."""
    kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
    if kind not in TYPES or headers.get(b"content-encoding", b"identity") != b"identity":
        text = "expected a body of type application/json, not compressed"
        return reply.refusal(415, "content-type", text, headers=CLOSE)
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length[:20]) > limit:
        return too_long(limit)
    return None


def too_long(limit: int) -> Reply:
    """A body above the limit; what is still on its way is not read."""
    text = f"expected a body of at most {limit:,} bytes; send fewer events at once"
    return reply.refusal(413, "body", text, headers=CLOSE)


class Busy(Exception):  # noqa: N818 (an event, not an error)
    """So many long bodies are on their way at once that one more is not read."""


class Memory:
    """What the bodies of all requests may take together while they are on their way, bytes."""

    def __init__(self, most: int) -> None:
        self._left = most

    def take(self, size: int) -> None:
        """Busy where there is not so much left."""
        if size > self._left:
            raise Busy
        self._left -= size

    def give_back(self, size: int) -> None:
        """Once a body was read whole, or not at all."""
        self._left += size


async def read(receive: Receive, limit: int, memory: Memory) -> bytes | None:
    """The whole body; None as soon as it is longer than the limit. Busy, or Disconnected."""
    message = await receive()
    first: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body", False):
        return first if len(first) <= limit else None
    taken = 0
    try:
        parts = [first]
        while message["type"] == "http.request" and message.get("more_body", False):
            memory.take(len(parts[-1]))
            taken += len(parts[-1])
            if taken > limit:
                return None
            message = await receive()
            parts.append(message.get("body", b""))
        if message["type"] != "http.request":
            raise Disconnected
        return b"".join(parts) if taken + len(parts[-1]) <= limit else None
    finally:
        memory.give_back(taken)
