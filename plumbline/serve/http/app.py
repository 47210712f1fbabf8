"""The paths of the service as one ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from starlette.routing import Route, Router

from plumbline.serve import reply
from plumbline.serve.http.endpoint import Answer, Endpoint, Gate
from plumbline.serve.reply import Reply
from plumbline.serve.service import Service

TEXT = b"text/plain; version=0.0.4; charset=utf-8"
NONE = "-"
"""Where a figure belongs to no use case."""
Read = Callable[[], Reply]


def build(services: Mapping[str, Service], gate: Gate, documents: Mapping[str, Read]) -> Router:
    """Every path. `documents`: by path, what is answered to a GET, e.g. /openapi.json."""
    routes = [*_own(services, gate), *_process(services, gate, documents)]
    paths = sorted({route.path for route in routes})
    missing = Endpoint(gate, NONE, "none", "", _missing(paths))
    return Router(routes, redirect_slashes=False, default=_AnyMethod(missing))


class _AnyMethod:
    """What no path is found for, whatever the method."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def __call__(self, scope: object, receive: object, send: object) -> None:
        one = self._endpoint
        method = scope["method"]  # type: ignore[index]
        same = Endpoint(one.gate, one.usecase, one.name, method, one.answer)
        await same(scope, receive, send)  # type: ignore[arg-type]


def _own(services: Mapping[str, Service], gate: Gate) -> list[Route]:
    """The paths of the use cases."""
    routes = []
    for name, service in services.items():
        posts = {
            "score": _settled(service, service.score),
            "outcomes": _settled(service, service.outcomes),
            "features": _plain(service.features),
            "explain": _beside(service.explain),
        }
        for word, answer in posts.items():
            endpoint = Endpoint(gate, name, word, "POST", answer)
            routes.append(Route(f"/v1/{name}/{word}", endpoint))
        model = Endpoint(gate, name, "model", "GET", _read(service.model))
        routes.append(Route(f"/v1/{name}/model", model))
    return routes


def _process(
    services: Mapping[str, Service], gate: Gate, documents: Mapping[str, Read]
) -> list[Route]:
    """The paths of the process. Whether it lives, and may be sent requests, is open to all."""
    reads: dict[str, Read] = {
        "/model": lambda: reply.of({name: one.described() for name, one in services.items()}),
        "/metrics": lambda: Reply(200, gate.metrics.text(), TEXT),
        **documents,
    }
    open_: dict[str, Read] = {
        "/healthz": lambda: reply.of({"status": "alive"}),
        "/readyz": lambda: _ready(services, gate),
    }
    return [
        *(Route(p, Endpoint(gate, NONE, p[1:], "GET", _read(r))) for p, r in reads.items()),
        *(Route(p, Endpoint(gate, NONE, p[1:], "GET", _read(r), False)) for p, r in open_.items()),
    ]


def _ready(services: Mapping[str, Service], gate: Gate) -> Reply:
    """503 while warming up or leaving, and where a use case cannot answer."""
    problems = {name: text for name, one in services.items() if (text := one.problem())}
    phase = gate.phase.name
    status = 200 if gate.phase.ready and not problems else 503
    return reply.of({"status": phase, "problems": problems}, status)


def _read(read: Read) -> Answer:
    async def answer(_body: bytes, _request_id: str) -> Reply:
        return read()

    return answer


def _plain(work: Callable[[bytes, str], Reply]) -> Answer:
    async def answer(body: bytes, request_id: str) -> Reply:
        return work(body, request_id)

    return answer


def _beside(work: Callable[[bytes, str], Reply]) -> Answer:
    """For what reads files: other requests go on meanwhile."""

    async def answer(body: bytes, request_id: str) -> Reply:
        return await asyncio.to_thread(work, body, request_id)

    return answer


def _settled(service: Service, work: Callable[[bytes, str], Reply]) -> Answer:
    """An answer that is given once its rows are on disk, where the log is durable."""
    if not service.settings.durable:
        return _plain(work)

    async def answer(body: bytes, request_id: str) -> Reply:
        given = work(body, request_id)
        return given if given.status != 200 else await service.settled(given)

    return answer


def _missing(paths: Sequence[str]) -> Answer:
    text = f"no such path; there are {', '.join(paths)}"

    async def answer(_body: bytes, _request_id: str) -> Reply:
        return reply.refusal(404, "path", text)

    return answer
