"""What runs in the loop of a serving process: the server, the control socket, the canaries' watch."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from plumbline.ops.serving.successor import Successor
from plumbline.serve import reply
from plumbline.serve.http import app, handover
from plumbline.serve.http.app import Read
from plumbline.serve.http.control import Control
from plumbline.serve.http.endpoint import Gate
from plumbline.serve.http.server import Listening, Server
from plumbline.serve.live_check import running as live_checking
from plumbline.serve.online.openapi import Served
from plumbline.serve.reply import Reply
from plumbline.serve.routes.route_commands import RouteCommands
from plumbline.serve.service import Service

HTML = b"text/html; charset=utf-8"
SECOND = 1.0


class Running:
    """The services of a process, from the first request to the last. `slices`: each writes a part of a checkpoint."""

    def __init__(
        self,
        services: Mapping[str, Service],
        gate: Gate,
        listening: Listening,
        by: Control,
        slices: Sequence[Callable[[], object]] = (),
        successor: Successor | None = None,
    ) -> None:
        self._slices, self._successor = slices, successor
        self.services, self.gate, self.listening, self.control = services, gate, listening, by
        self.address = _address(listening)

    async def serve(self, held: ExitStack) -> None:
        """Until the end; then everything is written and let go of."""
        one = Server(self._application(), self.gate.phase, self.listening)
        self._register(one)
        await self.control.open()
        loop = asyncio.get_running_loop()
        watching = [loop.create_task(s.parts.live.watch.run()) for s in self.services.values()]
        watching.append(loop.create_task(self._write_slices()))
        checks = {n: c for n, s in self.services.items() if (c := s.parts.live_check)}
        watching += [loop.create_task(live_checking.run(n, c)) for n, c in checks.items()]

        async def closed() -> None:
            for task in watching:
                task.cancel()
            for service in self.services.values():
                service.parts.live.close()
            held.close()

        await one.run(closed)
        await self.control.close()

    async def _write_slices(self) -> None:
        """The states' checkpoints, a slice a second."""
        while True:
            await asyncio.sleep(SECOND)
            for write in self._slices:
                write()

    def stats(self, one: Server) -> dict[str, Any]:
        """What a person asks of a running service."""
        return {
            "pid": os.getpid(),
            "address": self.address,
            "phase": self.gate.phase.name,
            "connections": one.connections,
            "successor": self._successor.described() if self._successor else {},
            "usecases": {name: service.stats() for name, service in self.services.items()},
        }

    def _register(self, one: Server) -> None:
        self.control.register("stats", lambda _: self.stats(one))
        self.control.register("drain", lambda _: _stopped(one))
        self.control.register_with_socket("handover", lambda _, by: self._hand_over(one, by))
        self.control.register("leave", lambda _: self._leave(one))
        if self._successor is not None:
            successor = self._successor
            self.control.register("replace", lambda _: successor.start())
        live = {name: service.parts.live for name, service in self.services.items()}
        RouteCommands(live).register(self.control.register)

    def _application(self) -> Any:
        documents: dict[str, Read] = {
            "/openapi.json": lambda: reply.of(self._openapi()),
            "/docs": lambda: Reply(200, self._page().encode(), HTML),
        }
        return app.build(self.services, self.gate, documents)

    def _openapi(self) -> dict[str, Any]:
        from plumbline.serve.online import openapi

        return openapi.document(self._served(), _now(), tokens=self.gate.tokens is not None)

    def _page(self) -> str:
        from plumbline.serve.online import docs_page

        tokens = self.gate.tokens is not None
        return docs_page.page(self._served(), self.address, _now(), tokens=tokens)

    def _served(self) -> list[Served]:
        served = []
        for one in self.services.values():
            routing, settings = one.parts.live.router.current, one.settings
            loaded = routing.loaded[routing.routes.champion]
            served.append(
                Served(
                    loaded.compiled,
                    loaded.md5,
                    settings.late_days,
                    settings.max_events,
                    one.parts.usecase,
                )
            )
        return served

    async def _leave(self, one: Server) -> dict[str, Any]:
        """End, as others hold the listening sockets; return once nothing is in work."""
        await one.hand_over(lambda: True)
        return {"pid": os.getpid()}

    async def _hand_over(self, one: Server, by: Any) -> dict[str, Any]:
        handover.give(by, self.listening.sockets)
        await one.hand_over(lambda: handover.waits(by))
        return {"pid": os.getpid()}


def _address(listening: Listening) -> str:
    """Where it listens."""
    scheme = "https" if listening.tls else "http"
    host, port = listening.sockets[0].getsockname()[:2]
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _stopped(one: Server) -> dict[str, Any]:
    one.stop()
    return {"pid": os.getpid()}


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
