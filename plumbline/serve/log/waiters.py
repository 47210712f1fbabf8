"""Answers that wait until their rows are safe, each in its own event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from plumbline.serve.protocols import LogError

Waiter = tuple[int, "asyncio.AbstractEventLoop", "asyncio.Future[None]"]


class Waiters:
    """Who waits for which row. Called under the log's lock, but for `wake`."""

    def __init__(self) -> None:
        self._waiting: list[Waiter] = []

    def add(self, target: int) -> asyncio.Future[None]:
        """Wait, in this loop, until so many rows are safe."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._waiting.append((target, loop, future))
        return future

    def ready(self, safe: int) -> list[Waiter]:
        """Those that wait for no more rows than are safe; they wait no longer."""
        done = [one for one in self._waiting if one[0] <= safe]
        self._waiting = [one for one in self._waiting if one[0] > safe]
        return done

    def all(self) -> list[Waiter]:
        """All of them; they wait no longer."""
        done, self._waiting = self._waiting, []
        return done


def wake(waiters: Sequence[Waiter], message: str | None) -> None:
    """Let them go on; `message`: with this LogError."""
    for _, loop, future in waiters:
        with suppress(RuntimeError):  # where the loop has ended, nobody waits
            loop.call_soon_threadsafe(_settle, future, message)


def _settle(future: asyncio.Future[None], message: str | None) -> None:
    if future.done():
        return
    if message is None:
        future.set_result(None)
    else:
        future.set_exception(LogError(message))
