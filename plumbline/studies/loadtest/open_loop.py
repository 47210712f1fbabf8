"""Requests sent at moments that were fixed before, whatever the answers do. An edge: sockets, the clock.

A closed loop waits for an answer before it sends the next request: while the server stalls nothing is sent,
and what customers would have waited is not counted ("coordinated omission"). Here a request that is due waits
for one of the connections, and its latency is counted from the moment when it was due.
"""

from __future__ import annotations

import asyncio
import selectors
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, TypeVar

from plumbline.studies.loadtest.http_client import Address, HttpConnection, Reply

Result = TypeVar("Result")
MOST = 900
"""Connections at most: `select`, which keeps time to the microsecond, takes 1,024 files."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One request: when it was due, taken up here, sent and answered (`perf_counter`), and how.

    `status` 0: no answer came, and `problem` says why.
    """

    due: float
    taken: float
    sent: float
    done: float
    status: int
    problem: str
    body: bytes

    @property
    def good(self) -> bool:
        """Whether it was answered as wanted."""
        return 200 <= self.status < 300

    @property
    def latency(self) -> float:
        """Seconds from the moment when it was due."""
        return self.done - self.due


@dataclass
class OpenLoop:
    """Connections to one server, and what waits for one of them."""

    target: Address
    connections: int
    keep_alive: bool = True
    timeout: float = 10.0
    _free: list[HttpConnection] = field(default_factory=list)
    _busy: int = 0
    _waiting: deque[int] = field(default_factory=deque)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, requests: Sequence[bytes], offsets: Sequence[float]) -> list[Sample]:
        """Send each request at its moment, seconds from now; the samples in the same order."""
        begin = perf_counter()
        due = [begin + float(offset) for offset in offsets]
        samples: list[Sample | None] = [None] * len(due)
        finished = asyncio.get_running_loop().create_future()
        sending = _Sending(self, requests, due, samples, finished)
        for index, moment in enumerate(due):
            while (ahead := moment - perf_counter()) > 0:
                await asyncio.sleep(ahead)
            sending.taken.append(perf_counter())
            self._waiting.append(index)
            self.pump(sending)
        if any(sample is None for sample in samples):
            await finished
        return [sample for sample in samples if sample is not None]

    def pump(self, sending: _Sending) -> None:
        """Start what waits, while a connection is free."""
        while self._waiting and self._busy < self.connections:
            index = self._waiting.popleft()
            self._busy += 1
            while self._free and not self._free[-1].reusable:
                self._free.pop()
            if self._free:
                sending.send(index, self._free.pop())
            else:
                task = asyncio.get_running_loop().create_task(self._connect(index, sending))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def release(self, connection: HttpConnection | None) -> None:
        """Take a connection back after its reply."""
        self._busy -= 1
        if connection is None:
            return
        if self.keep_alive and connection.reusable:
            self._free.append(connection)
        elif connection.transport is not None:
            connection.transport.close()

    async def close(self) -> None:
        """Close all connections."""
        for connection in self._free:
            if connection.transport is not None:
                connection.transport.abort()
        self._free.clear()
        await asyncio.sleep(0)

    async def _connect(self, index: int, sending: _Sending) -> None:
        host, port, tls = self.target.host, self.target.port, self.target.tls
        opening = asyncio.get_running_loop().create_connection(HttpConnection, host, port, ssl=tls)
        try:
            _, connection = await asyncio.wait_for(opening, self.timeout)
        except TimeoutError:
            sending.failed(index, "connect: no answer in time")
        except ConnectionRefusedError:
            sending.failed(index, "connection refused")
        except OSError as error:
            sending.failed(index, f"connect: {error.strerror or type(error).__name__}")
        else:
            sending.send(index, connection)


@dataclass
class _Sending:
    """The requests of one run, and their samples as they come."""

    loop: OpenLoop
    requests: Sequence[bytes]
    due: Sequence[float]
    samples: list[Sample | None]
    finished: asyncio.Future[None]
    taken: list[float] = field(default_factory=list)
    count: int = 0

    def send(self, index: int, connection: HttpConnection) -> None:
        sent = perf_counter()
        late = self.loop.timeout
        timer = asyncio.get_running_loop().call_later(late, connection.abandon, "timeout")

        def receive(reply: Reply) -> None:
            timer.cancel()
            self._keep(index, sent, reply, connection)

        connection.request(self.requests[index], receive)

    def failed(self, index: int, problem: str) -> None:
        self._keep(index, perf_counter(), Reply(perf_counter(), problem=problem), None)

    def _keep(
        self, index: int, sent: float, reply: Reply, connection: HttpConnection | None
    ) -> None:
        due, taken = self.due[index], self.taken[index]
        self.samples[index] = Sample(
            due, taken, sent, reply.moment, reply.status, reply.problem, reply.body
        )
        self.count += 1
        self.loop.release(connection)
        self.loop.pump(self)
        if self.count == len(self.due) and not self.finished.done():
            self.finished.set_result(None)


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run in an event loop whose timers are exact: epoll rounds up to whole milliseconds, select does not."""

    def exact() -> asyncio.AbstractEventLoop:
        return asyncio.SelectorEventLoop(selectors.SelectSelector())

    with asyncio.Runner(loop_factory=exact) as runner:
        return runner.run(coroutine)
