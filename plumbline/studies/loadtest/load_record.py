"""What a load test measured. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from plumbline.core.documents import Document
from plumbline.studies.loadtest.open_loop import Sample

MICROS, MILLIS = 1e6, 1e3


class Latency(Document):
    """Milliseconds from the moment when a request was due to the last byte of its answer.

    Each is a latency that a request had (nearest rank), of all requests, those with errors included.
    """

    p50: float
    p95: float
    p99: float
    max: float


class Load(Document):
    """One server under one schedule. `sent_late`: milliseconds at p99 by which the generator itself was late."""

    requests: int
    events: int
    seconds: float
    rate: float
    answered_per_second: float
    latency: Latency
    errors: int
    statuses: dict[str, int]
    first_error: str
    cpu_micros: float | None
    resident_mib: float | None
    pids: list[int]
    sent_late: float


class Gate(Document):
    """A limit, and whether it was kept; `value` None: cannot tell, which does not pass."""

    name: str
    limit: float
    value: float | None
    passed: bool


class LoadRecord(Document):
    """A load test: the server, the echo beside it, and the gate. `bundle`: the champion that answered; None: unknown."""

    usecase: str
    bundle: str | None = None
    url: str
    arrivals: str
    connections: int
    keep_alive: bool
    events_per_request: int
    server: Load
    echo: Load | None
    cpu_ratio: float | None
    gate: list[Gate]


def load(
    samples: Sequence[Sample],
    each: int,
    rate: float,
    cpu: float | None,
    resident: int | None,
    pids: Sequence[int],
) -> Load:
    """The figures of a run: `rate` as wanted, `cpu` in seconds, `resident` in bytes."""
    start, end = min(s.due for s in samples), max(s.done for s in samples)
    good = [s for s in samples if s.good]
    statuses = Counter(str(s.status) if s.status else s.problem for s in samples)
    return Load(
        requests=len(samples),
        events=each * len(samples),
        seconds=round(end - start, 3),
        rate=rate,
        answered_per_second=round(len(good) / (end - start), 1),
        latency=latency([s.latency for s in samples]),
        errors=len(samples) - len(good),
        statuses=dict(sorted(statuses.items())),
        first_error=next((_shown(s) for s in samples if not s.good), ""),
        cpu_micros=None if cpu is None else round(cpu / len(samples) * MICROS, 1),
        resident_mib=None if resident is None else round(resident / 2**20, 1),
        pids=list(pids),
        sent_late=round(_sent_late(samples) * MILLIS, 3),
    )


def latency(seconds: Sequence[float]) -> Latency:
    """The quantiles of latencies in seconds."""
    ordered = sorted(seconds)
    p50, p95, p99, most = (nearest_rank(ordered, q) * MILLIS for q in (0.5, 0.95, 0.99, 1.0))
    return Latency(p50=round(p50, 3), p95=round(p95, 3), p99=round(p99, 3), max=round(most, 3))


def nearest_rank(ordered: Sequence[float], share: float) -> float:
    """The least value that at least `share` of the values do not exceed.

    >>> nearest_rank([1, 2, 3, 4], 0.5), nearest_rank([1, 2, 3, 4], 0.99)
    (2, 4)
    """
    return ordered[max(0, math.ceil(share * len(ordered) - 1e-9) - 1)]


def _sent_late(samples: Sequence[Sample]) -> float:
    """Seconds at p99 by which the generator itself was late: the server has no part in them."""
    return nearest_rank(sorted(s.taken - s.due for s in samples), 0.99)


def _shown(sample: Sample) -> str:
    text = sample.body[:300].decode("utf-8", "replace")
    return f"{sample.status}: {text}" if sample.status else sample.problem
