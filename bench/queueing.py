"""Serving processes that share one server of state: events a second and latency, from service times. Pure.

The model: N processes, each with one request at a time (a process waits while the state is asked, as the service does),
and one server of state that does one thing at a time (Redis runs a script whole). A request takes `own` seconds of its
process and `shared` seconds of the state; `network` seconds pass on the way there and back, in which the process waits and
nobody works. `throughput` is the exact mean value analysis of the closed network (the machine-repair model; Reiser and
Lavenberg, 1980): exact for exponential times, and at most a few per cent low for constant ones. `simulated` plays requests
that arrive at random one by one, and gives latencies.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from dataclasses import dataclass
from typing import Literal

Times = Literal["constant", "exponential"]


@dataclass(frozen=True)
class Request:
    """Seconds of one request: of its process, of the state's server, and on the network between the two."""

    own: float
    shared: float
    network: float = 0.0

    @property
    def alone(self) -> float:
        """What a request takes where there is no other one."""
        return self.own + self.shared + self.network


def throughput(request: Request, processes: int) -> float:
    """Most requests a second of so many processes, each on a core of its own.

    >>> round(throughput(Request(0.001, 0.0), 4)), round(throughput(Request(0.0005, 0.0005), 1))
    (4000, 1000)
    """
    waiting, rate = 0.0, 0.0
    for count in range(1, processes + 1):
        response = request.shared * (1 + waiting)
        rate = count / (request.own + request.network + response)
        waiting = rate * response
    return rate


def on_cores(request: Request, processes: int, cores: float, beside: float = 0.0) -> float:
    """The same on a machine whose cores also carry the state, and `beside` seconds of others a request."""
    return min(throughput(request, processes), cores / (request.own + request.shared + beside))


def needed(request: Request, rate: float, most: float = 0.7, limit: int = 10_000) -> int | None:
    """The fewest processes that are busy at most `most` of the time at a rate; None where the state is the limit."""
    if rate * request.shared >= 1:
        return None
    for processes in range(1, limit + 1):
        if rate <= most * throughput(request, processes):
            return processes
        if throughput(request, processes) * request.shared > 0.999:
            return None
    return None


@dataclass
class _Process:
    """A process, and the requests that wait for it, by when they came."""

    queue: deque[float]
    since: float | None = None


def simulated(
    request: Request,
    processes: int,
    rate: float,
    requests: int = 20_000,
    times: Times = "exponential",
    seed: int = 7,
) -> list[float]:
    """Seconds from arrival to answer of requests that arrive at random, each at a process drawn at random; sorted.

    The first tenth, in which queues fill, is left out.
    """
    chance = random.Random(seed)
    workers = [_Process(deque()) for _ in range(processes)]
    events: list[tuple[float, int, str, int]] = []
    state: deque[int] = deque()
    at, done, order = 0.0, [], 0

    def drawn(mean: float) -> float:
        return chance.expovariate(1 / mean) if mean and times == "exponential" else mean

    def later(when: float, kind: str, number: int) -> None:
        nonlocal order
        order += 1
        heapq.heappush(events, (when, order, kind, number))

    def begin(number: int, now: float) -> None:
        worker = workers[number]
        if worker.since is None and worker.queue:
            worker.since = worker.queue.popleft()
            later(now + drawn(request.own) + request.network, "asks", number)

    for _ in range(requests):
        at += chance.expovariate(rate)
        later(at, "arrives", chance.randrange(processes))
    while events:
        now, _, kind, number = heapq.heappop(events)
        if kind == "arrives":
            workers[number].queue.append(now)
            begin(number, now)
        elif kind == "asks":
            state.append(number)
            if len(state) == 1:
                later(now + drawn(request.shared), "answered", number)
        else:
            state.popleft()
            if state:
                later(now + drawn(request.shared), "answered", state[0])
            began, workers[number].since = workers[number].since, None
            done.append(now - (began or 0.0))
            begin(number, now)
    return sorted(done[requests // 10 :])
