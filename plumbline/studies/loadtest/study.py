"""A load test from its plan to its record. An edge: sockets and processes."""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.serve.params import Serve
from plumbline.studies.loadtest import (
    echo,
    gates,
    http_client,
    load_events,
    load_record,
    open_loop,
    schedule,
    served_bundle,
    server_cpu,
)
from plumbline.studies.loadtest.http_client import Address
from plumbline.studies.loadtest.load_events import Clock
from plumbline.studies.loadtest.load_record import Load, LoadRecord
from plumbline.studies.loadtest.open_loop import OpenLoop, Sample
from plumbline.studies.loadtest.schedule import Arrivals

MOST_REQUESTS = 1_000_000
"""They are made before the first is sent, and their answers kept."""
ECHO_SECONDS = 10.0
"""The echo's figures are steady after this long."""
BodiesOf = Callable[[Sequence[float]], list[bytes]]


@dataclass(frozen=True)
class LoadPlan:
    """What is sent where. `rate`: requests a second; `warmup`: seconds before, which count nowhere."""

    url: str
    rate: float = 200.0
    seconds: float = 30.0
    warmup: float = 2.0
    connections: int = 16
    keep_alive: bool = True
    each: int = 1
    arrivals: Arrivals = "poisson"
    clock: Clock = "system"
    timeout: float = 10.0
    seed: int = 7
    pid: int | None = None
    with_echo: bool = True
    token: str | None = None
    ca: str | None = None
    limits: Mapping[str, float] = field(default_factory=dict)


def check(plan: LoadPlan) -> None:
    """PlumblineError for a plan that cannot be carried out."""
    limits = {
        "--rate": (plan.rate, 0, 20_000),
        "--seconds": (plan.seconds, 0, 86_400),
        "--connections": (plan.connections, 0, open_loop.MOST),
        "--batch": (plan.each, 0, 1_000),
        "--timeout": (plan.timeout, 0, 3_600),
    }
    for name, (value, low, high) in limits.items():
        if not low < value <= high:
            raise PlumblineError(f"{name} {value:g}: expected more than {low} and at most {high:,}")
    count = round(plan.rate * plan.seconds)
    if not 1 <= count <= MOST_REQUESTS:
        raise PlumblineError(
            f"--rate {plan.rate:g} for --seconds {plan.seconds:g} are {count:,} requests: expected at least one, and at "
            f"most {MOST_REQUESTS:,}"
        )
    if not 0 <= plan.warmup <= 600:
        raise PlumblineError(f"--warmup {plan.warmup:g}: expected seconds from 0 to 600")


def needed(plan: LoadPlan) -> int:
    """How many events of the table are read; they are sent again where more are needed."""
    return min(200_000, sum(plan.each * round(plan.rate * s) for s in (plan.warmup, plan.seconds)))


def measure(usecase: FeatureSet, events: list[dict[str, Any]], plan: LoadPlan) -> LoadRecord:
    """Load the server, and the echo just before it; PlumblineError where nothing listens."""
    check(plan)
    target = http_client.address(plan.url, plan.ca)
    _listens(target)

    bodies = load_events.Bodies(usecase, events, plan.each, plan.clock)
    yardstick = _echo(plan, usecase, events) if plan.with_echo else None
    server = loaded(target, plan, f"/v1/{usecase.name}/score", bodies.of, plan.seconds, plan.pid)
    ratio = _ratio(server, yardstick)
    return LoadRecord(
        usecase=usecase.name,
        bundle=served_bundle.champion(target, usecase.name, plan.token),
        url=plan.url,
        arrivals=plan.arrivals,
        connections=plan.connections,
        keep_alive=plan.keep_alive,
        events_per_request=plan.each,
        server=server,
        echo=yardstick,
        cpu_ratio=ratio,
        gate=gates.judged(plan.limits, server, ratio),
    )


def loaded(
    target: Address,
    plan: LoadPlan,
    path: str,
    bodies: BodiesOf,
    seconds: float,
    pid: int | None = None,
) -> Load:
    """One server under the plan's schedule for so many seconds."""
    rng = np.random.default_rng(plan.seed)
    warmup, offsets = (
        schedule.moments(plan.rate, span, plan.arrivals, rng).tolist()
        for span in (plan.warmup, seconds)
    )

    def requests(offsets: Sequence[float]) -> list[bytes]:
        headers = {"Authorization": f"Bearer {plan.token}"} if plan.token else {}
        return [
            http_client.post(target, path, body, headers, keep_alive=plan.keep_alive)
            for body in bodies(offsets)
        ]

    running = server_cpu.processes(target, plan.pid if pid is None else pid)
    loop = OpenLoop(target, plan.connections, plan.keep_alive, plan.timeout)
    samples, cpu = open_loop.run(_timed(loop, warmup, offsets, requests, running))
    resident, pids = server_cpu.resident(running), [one.pid for one in running]
    return load_record.load(samples, plan.each, plan.rate, cpu, resident, pids)


async def _timed(
    loop: OpenLoop,
    warmup: Sequence[float],
    offsets: Sequence[float],
    requests: BodiesOf,
    running: list[Any],
) -> tuple[list[Sample], float | None]:
    """The samples after the warm-up, and the seconds of CPU that they cost."""
    if warmup:
        await loop.run(requests(warmup), warmup)
    ready = requests(offsets)
    gc.collect()
    gc.disable()  # a collection here would be counted as the server's
    try:
        before = server_cpu.seconds(running)
        samples = await loop.run(ready, offsets)
        return samples, server_cpu.spent(before, server_cpu.seconds(running))
    finally:
        gc.enable()
        await loop.close()


def _echo(plan: LoadPlan, usecase: FeatureSet, events: list[dict[str, Any]]) -> Load:
    """The same requests to the echo, for a shorter time; events are sent as at the time of sending."""

    bodies = load_events.Bodies(usecase, events, plan.each)
    with echo.serving() as (url, pid):
        target, seconds = http_client.address(url), min(plan.seconds, ECHO_SECONDS)
        return loaded(target, plan, f"/v1/{usecase.name}/score", bodies.of, seconds, pid)


def _ratio(server: Load, yardstick: Load | None) -> float | None:
    if yardstick is None or not yardstick.cpu_micros or server.cpu_micros is None:
        return None
    return round(server.cpu_micros / yardstick.cpu_micros, 2)


def _listens(target: Address) -> None:
    try:
        socket.create_connection((target.host, target.port), 5).close()
    except OSError as error:
        raise PlumblineError(
            f"nothing answers at {target.authority} ({error.strerror or error}); start `plumbline serve`, or give "
            "the server's address with --url"
        ) from None


def address(settings: Serve) -> str:
    """Where a service with these settings is reached from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    scheme = "https" if settings.tls_cert else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}"


def token(path: Path | None) -> str | None:
    """The first line of a file of tokens; PlumblineError where there is none."""
    if path is None:
        return None
    try:
        lines = [w for w in path.read_text(encoding="ascii").split("\n") if w and w[0] != "#"]
    except (OSError, UnicodeDecodeError) as error:
        raise PlumblineError(f"--token-file {path}: it cannot be read ({error})") from None
    if not lines:
        raise PlumblineError(f"--token-file {path}: it is empty; expected a token per line")
    return lines[0].strip()
