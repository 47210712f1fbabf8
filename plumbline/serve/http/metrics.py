"""What /metrics shows, in Prometheus' text format."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import lru_cache

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from plumbline.core.errors import PlumblineError

MULTIPLE = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that names the folder in which processes put their counters together."""
SECONDS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
SCORES = (
    0.001,
    0.002,
    0.005,
    0.01,
    0.02,
    0.05,
    0.1,
    0.2,
    0.3,
    0.4,
    0.5,
    0.6,
    0.7,
    0.8,
    0.9,
    0.95,
    1.0,
)


class Metrics:
    """The counters of one process; `process`: its name where there are several."""

    def __init__(self, process: str = "") -> None:
        disable_created_metrics()
        self.registry = registry = CollectorRegistry()
        self._several = bool(process)
        self._own, self._figures = CollectorRegistry(), Figures(process)
        self._own.register(self._figures)
        ProcessCollector(registry=self._own)
        where = ["usecase", "endpoint"]
        self._requests = Counter(
            "plumbline_requests", "Requests answered", [*where, "status"], registry=registry
        )
        self._seconds = Histogram(
            "plumbline_request_seconds", "From the head's arrival to the answer", where,
            registry=registry, buckets=SECONDS,
        )  # fmt: skip
        self._refused = Counter(
            "plumbline_refused", "Requests refused", ["usecase", "reason"], registry=registry
        )
        self._caught = Counter(
            "plumbline_errors", "Errors of the service, answered with 503", registry=registry
        )
        own = ["usecase", "arm"]
        self._events = Counter("plumbline_events", "Events scored", own, registry=registry)
        self._scores = Histogram(
            "plumbline_score", "Scores", own, registry=registry, buckets=SCORES
        )
        self._alarms = Counter("plumbline_alarms", "Events with an alarm", own, registry=registry)
        self._flags = Counter(
            "plumbline_flags", "Events answered with a flag", ["usecase", "flag"], registry=registry
        )
        self._outcomes = Counter(
            "plumbline_outcomes", "Outcomes received", ["usecase", "matched"], registry=registry
        )
        # a child is looked up once, not per request
        self._answered = lru_cache(4096)(self._requests.labels)
        self._timed = lru_cache(1024)(self._seconds.labels)
        self._arm = lru_cache(1024)(self._children)

    def _children(self, usecase: str, arm: str) -> tuple[Counter, Histogram, Counter]:
        one = (usecase, arm)
        return self._events.labels(*one), self._scores.labels(*one), self._alarms.labels(*one)

    def request(self, usecase: str, endpoint: str, status: int, seconds: float) -> None:
        """Count an answer."""
        self._answered(usecase, endpoint, str(status)).inc()
        self._timed(usecase, endpoint).observe(seconds)

    def refused(self, usecase: str, reason: str) -> None:
        """Count a refusal by its reason."""
        self._refused.labels(usecase, reason).inc()

    def caught(self) -> None:
        """Count an error that should not be."""
        self._caught.inc()

    def event(self, usecase: str, arm: str, score: float | None, alarm: bool | None) -> None:
        """Count a scored event; without a score where the model does not score it, or of several classes."""
        events, scores, alarms = self._arm(usecase, arm)
        events.inc()
        if score is not None:
            scores.observe(score)
        if alarm:
            alarms.inc()

    def flag(self, usecase: str, flag: str) -> None:
        """Count a flag of an answer."""
        self._flags.labels(usecase, flag).inc()

    def outcome(self, usecase: str, matched: bool) -> None:
        """Count an outcome."""
        self._outcomes.labels(usecase, str(matched).lower()).inc()

    def figure(self, name: str, text: str, usecase: str, read: Callable[[], float]) -> None:
        """A figure that is read when it is asked for, e.g. the length of a queue."""
        self._figures.add(name, text, usecase, read)

    def text(self) -> bytes:
        """All of them; where several processes serve, the counters of all and this one's figures."""
        counters = self.registry
        if self._several and MULTIPLE in os.environ:  # libraries set it for their own servers
            counters = CollectorRegistry()
            multiprocess.MultiProcessCollector(counters)
        return b"".join(bytes(generate_latest(one)) for one in (counters, self._own))


class Figures(Collector):
    """Gauges of this process, by name and use case."""

    def __init__(self, process: str) -> None:
        self._process = process
        self._read: dict[tuple[str, str], dict[str, Callable[[], float]]] = {}

    def add(self, name: str, text: str, usecase: str, read: Callable[[], float]) -> None:
        """Read one more figure."""
        self._read.setdefault((name, text), {})[usecase] = read

    def collect(self) -> Iterator[Metric]:
        """The figures as they are now."""
        for (name, text), each in self._read.items():
            family = GaugeMetricFamily(name, text, labels=["usecase", "process"])
            for usecase, read in each.items():
                family.add_metric([usecase, self._process], _value(read))
            yield family


def _value(read: Callable[[], float]) -> float:
    """NaN where the figure cannot be read now, e.g. while Redis is away."""
    try:
        return read()
    except PlumblineError:
        return float("nan")
