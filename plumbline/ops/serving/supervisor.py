"""Several processes that serve together on one socket, and the one that started them. An edge: processes.

They share the online state in Redis. This process answers nothing; it holds the control socket, and passes on what
comes there to each of them. One that ends by itself is started again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.ops.serving import places, process
from plumbline.ops.serving.process import Start
from plumbline.ops.serving.worker import READY
from plumbline.serve.http import control, handover, server
from plumbline.serve.http.control import Control
from plumbline.serve.http.metrics import MULTIPLE

log = logging.getLogger("plumbline")

WARM = 120.0
"""Seconds in which a process must have loaded."""
PASSED_ON = ("routes", "red-button", "canary")
PAUSE = 1.0
"""Seconds between looks at the processes."""


@dataclass
class Worker:
    """One process; `channel`: the socket by which it is given the listening sockets, and which it lives by."""

    name: str
    process: subprocess.Popen[bytes]
    channel: socket.socket

    def wait(self) -> None:
        """Until it is warm; PlumblineError where it ended before, whose message it has written."""
        self.channel.settimeout(WARM)
        if self.channel.recv(len(READY)) != READY:
            raise PlumblineError(
                f"process {self.name} ended before it served; its message is above"
            )

    def give(self, sockets: Sequence[socket.socket]) -> None:
        """Let it serve."""
        socket.send_fds(self.channel, [b"s"], [one.fileno() for one in sockets])

    def end(self) -> None:
        """End it, once it has answered what it accepted."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        self.channel.close()


def run(project: Path, start: Start, count: int) -> None:
    """Serve by so many processes until SIGTERM, Ctrl-C, or a successor."""
    own = process.checked(project, start)
    _check_shared(start)
    group = Group(project, start, count)
    try:
        group.spawn()
        taken = handover.take(places.control(project)) if start.replace else None
        sockets = taken.sockets if taken else [process.bound(own)]
        if taken:
            process.warn_of_other_address(own, sockets)
            taken.finish()
        group.serve(sockets)
    finally:
        group.end()


def _check_shared(start: Start) -> None:
    alone = [name for name, own in process.read(start).items() if own.state is None]
    if alone:
        raise PlumblineError(
            f"--workers: several processes share the online state of {', '.join(alone)}; put it into Redis: name the "
            "environment variable with its URL in serve.state"
        )


class Group:
    """The processes of one service."""

    def __init__(self, project: Path, start: Start, count: int) -> None:
        self.project, self.start = project, start
        self.names = [f"w{i}" for i in range(count)]
        self.workers: dict[str, Worker] = {}
        self.sockets: Sequence[socket.socket] = ()
        self._figures = places.figures(project, os.getpid())

    def spawn(self) -> None:
        """Start all, and wait until they are warm."""
        self._figures.mkdir(parents=True, exist_ok=True)
        self.workers = {name: self._started(name) for name in self.names}
        for one in self.workers.values():
            one.wait()

    def serve(self, sockets: Sequence[socket.socket]) -> None:
        """Give them the sockets, and look after them until the end."""
        self.sockets = sockets
        for one in self.workers.values():
            one.give(sockets)
        server.run(self._main)

    def end(self) -> None:
        """End whatever still runs, and forget the counters."""
        for one in self.workers.values():
            if one.process.poll() is None:
                one.process.terminate()
        for one in self.workers.values():
            one.end()
        shutil.rmtree(self._figures, ignore_errors=True)

    async def _main(self) -> None:
        self._stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        by = Control(places.control(self.project))
        by.register("stats", lambda _: self._stats())
        by.register("drain", lambda _: self._drain())
        by.register_with_socket("handover", lambda _, given: self._hand_over(given))
        for name in PASSED_ON:
            by.register(name, self._pass_on)
        await by.open()
        watching = loop.create_task(self._watch())
        await self._stop.wait()
        watching.cancel()
        for one in self.sockets:  # first: whoever connects now is refused, not forgotten
            one.close()
        await asyncio.to_thread(self.end)
        await by.close()

    async def _stats(self) -> dict[str, Any]:
        each = await self._ask_all({"do": "stats"})
        return {
            "pid": os.getpid(),
            **{k: v for k, v in each[0].items() if k != "pid"},
            "workers": each,
        }

    def _drain(self) -> dict[str, Any]:
        self._stop.set()
        return {"pid": os.getpid()}

    async def _pass_on(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """What each of them answers is the same; the first one's."""
        if request["do"] == "canary" and request.get("action") == "start":
            raise PlumblineError(
                "a canary needs one process that sees all answers; serve without --workers"
            )
        return (await self._ask_all(request))[0]

    async def _hand_over(self, by: Any) -> dict[str, Any]:
        """Give the sockets away; return once every process has answered what it accepted."""
        handover.give(by, self.sockets)
        await self._ask_all({"do": "leave"})
        asyncio.get_running_loop().call_later(0.1, self._stop.set)
        return {"pid": os.getpid()}

    async def _ask_all(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        paths = [places.worker(self.project, name) for name in self.names]
        calls = (asyncio.to_thread(control.call, path, request, 120.0) for path in paths)
        answers = await asyncio.gather(*calls, return_exceptions=True)
        failed = next((one for one in answers if isinstance(one, BaseException)), None)
        if failed is not None:
            raise failed
        return [one for one in answers if isinstance(one, dict)]

    async def _watch(self) -> None:
        """Start again what ended by itself."""
        while True:
            await asyncio.sleep(PAUSE)
            for name, one in list(self.workers.items()):
                code = one.process.poll()
                if code:
                    log.warning(
                        "process %s ended with exit code %d; it is started again", name, code
                    )
                    await asyncio.to_thread(self._again, name)

    def _again(self, name: str) -> None:
        self.workers[name].channel.close()
        one = self.workers[name] = self._started(name)
        try:
            one.wait()
            one.give(self.sockets)
        except (PlumblineError, OSError) as error:
            log.warning("process %s: %s", name, error)
            time.sleep(PAUSE)

    def _started(self, name: str) -> Worker:
        own, its = socket.socketpair()
        start = replace(self.start, writer=name, names=list(self.start.names))
        words = [sys.executable, "-m", "plumbline.ops.serving.worker"]
        environment = {**os.environ, MULTIPLE: str(self._figures.absolute())}
        with its:
            started = subprocess.Popen(
                [*words, str(its.fileno()), json.dumps(asdict(start))],
                cwd=self.project,
                env=environment,
                pass_fds=[its.fileno()],
                start_new_session=True,  # Ctrl-C comes to this process, which ends them
            )
        return Worker(name, started, own)
