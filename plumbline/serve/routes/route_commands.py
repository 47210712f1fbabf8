"""What a running service does on `routes`, `red-button` and `canary` by its control socket.

Requests: `{"do": "routes", "usecase": U}` shows; with `"action"` add, set, remove or switch it changes
(`changes`). `{"do": "red-button", "usecase": U}`. `{"do": "canary", "usecase": U, "action": "start" (with
"bundle" and "plan"), "stop" or "status"}`. A use case that is not served here is answered with `served`: false.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from plumbline.core import documents
from plumbline.core.errors import PlumblineError
from plumbline.serve.routes import canary, changes, document
from plumbline.serve.routes.canary import CanaryPlan
from plumbline.serve.routes.live import LiveRoutes

Request = Mapping[str, Any]
FLUSH = 2.0
"""Seconds that an answer waits for the disk at most."""
RED_FLUSH = 0.3


class RouteCommands:
    """The handlers for the use cases of this process. `live`: by name."""

    def __init__(self, live: Mapping[str, LiveRoutes]) -> None:
        self.live = live
        self._locks = {name: asyncio.Lock() for name in live}

    def register(self, register: Callable[[str, Any], None]) -> None:
        """Hand the handlers to a control socket, by name."""
        register("routes", self.routes)
        register("red-button", self.red_button)
        register("canary", self.canary)

    async def routes(self, request: Request) -> dict[str, Any]:
        """Show the routes, or change them."""
        live = self._of(request)
        if live is None:
            return {"served": False}
        if "action" in request:
            async with self._locks[str(request["usecase"])]:
                await self._change(live, request)
            await _flushed(live, FLUSH)
        return _state(live)

    async def red_button(self, request: Request) -> dict[str, Any]:
        """Back to the champion before. Waits for nothing but, a moment, the disk."""
        live = self._of(request)
        if live is None:
            return {"served": False}
        live.router.red_button()
        await _flushed(live, RED_FLUSH)
        return _state(live)

    async def canary(self, request: Request) -> dict[str, Any]:
        """Start, stop or describe the canary."""
        live = self._of(request)
        if live is None:
            return {"served": False}
        action = request.get("action", "status")
        if action == "start":
            async with self._locks[str(request["usecase"])]:
                plan = documents.parse(
                    CanaryPlan, request.get("plan") or {}, "canary", "correct it"
                )
                loaded = await _loaded(live, str(request.get("bundle")))
                live.watch.start(loaded, plan)
        elif action == "stop":
            live.watch.stop()
        elif action != "status":
            raise PlumblineError(
                f"canary: expected start, stop or status, found '{str(action)[:40]}'"
            )
        if action != "status":
            await _flushed(live, FLUSH)
        return _state(live)

    async def _change(self, live: LiveRoutes, request: Request) -> None:
        """Load what is new beside the loop; then one assignment, unless the routes changed meanwhile."""
        routes = changes.changed(live.router.routes, request)
        new = {a.bundle for a in routes.arms} - live.router.current.loaded.keys()
        loaded = {md5: await _loaded(live, md5) for md5 in new}
        live.router.switch(routes, changes.words(request), loaded)

    def _of(self, request: Request) -> LiveRoutes | None:
        return self.live.get(str(request.get("usecase")))


async def _loaded(live: LiveRoutes, md5: str) -> Any:
    before = live.router.routes.version
    loop = asyncio.get_running_loop()
    loaded = await loop.run_in_executor(None, live.router.load, md5)
    await live.join(loaded)
    if live.router.routes.version != before:
        raise PlumblineError("the routes changed meanwhile; look at them and try again")
    return loaded


async def _flushed(live: LiveRoutes, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, live.router.writer.flush, seconds)


def _state(live: LiveRoutes) -> dict[str, Any]:
    """What every answer holds."""
    shadows, state = live.shadows, live.watch.state
    names = shadows.scored.keys() | shadows.dropped.keys() | shadows.failed.keys()
    counts = {
        name: {
            "scored": shadows.scored[name],
            "dropped": shadows.dropped[name],
            "failed": shadows.failed[name],
        }
        for name in sorted(names)
    }
    return {
        "served": True,
        "routes": live.router.routes.plain(),
        "lines": list(document.lines(live.router.routes)),
        "unwritten": live.router.unwritten(),
        "shadows": counts,
        "canary": {**state.plain(), "lines": list(canary.lines(state, live.watch.stats()))}
        if state
        else None,
    }
