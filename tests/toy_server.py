"""A server whose delays are known, on loopback in a thread: for tests of the load generator."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Plan:
    """What happens to one request: seconds until the answer, its status (0: none, hang up; -1: never)."""

    delay: float = 0.0
    status: int = 200


@dataclass
class Toy:
    """Where it serves, and what it saw."""

    port: int = 0
    connections: int = 0
    bodies: list[bytes] = field(default_factory=list)
    stop: Callable[[], object] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving(plan: Callable[[int], Plan]) -> Iterator[Toy]:
    """Answers one request at a time, in the order in which they came; `plan` is called with each one's number."""
    toy, ready = Toy(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(toy, plan, ready)))
    thread.start()
    assert ready.wait(60)
    try:
        yield toy
    finally:
        assert toy.stop is not None
        toy.stop()
        thread.join()


async def _serve(toy: Toy, plan: Callable[[int], Plan], ready: threading.Event) -> None:
    numbers, turn, end = iter(range(1_000_000)), asyncio.Lock(), asyncio.Event()
    handling: set[asyncio.Task[None]] = set()
    loop = asyncio.get_running_loop()
    toy.stop = lambda: loop.call_soon_threadsafe(end.set)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        toy.connections += 1
        try:
            while await _answered(reader, writer, toy, turn, lambda: plan(next(numbers))):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()
        writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = loop.create_task(handle(reader, writer))
        handling.add(task)
        task.add_done_callback(handling.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    toy.port = server.sockets[0].getsockname()[1]
    ready.set()
    await end.wait()
    server.close()
    for task in list(handling):
        task.cancel()
    await asyncio.gather(*handling)
    await asyncio.sleep(0)


async def _answered(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    toy: Toy,
    turn: asyncio.Lock,
    plan: Callable[[], Plan],
) -> bool:
    """Read one request and answer it; whether the connection stays open."""
    head = await reader.readuntil(b"\r\n\r\n")
    if head.startswith(b"GET "):  # asks what it serves: it does not say
        writer.write(b"HTTP/1.1 404 X\r\nContent-Length: 2\r\n\r\n{}")
        return False
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    toy.bodies.append(await reader.readexactly(length))
    async with turn:
        one = plan()
        await asyncio.sleep(one.delay)
    if one.status < 0:
        await asyncio.sleep(60)
    if one.status <= 0:
        return False
    writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\n{}" % one.status)
    return b"connection: close" not in head.lower()
