"""Limits of a load test, as `--gate p99=10,errors=0`. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from plumbline.core.errors import PlumblineError, suggest
from plumbline.studies.loadtest.load_record import Gate, Load

UNITS = {
    "p50": "ms",
    "p95": "ms",
    "p99": "ms",
    "max": "ms",
    "errors": "",
    "cpu": "µs a request",
    "cpu_ratio": "times the echo's",
    "memory": "MiB",
}
"""What may be limited, each from above."""


def parsed(text: str) -> dict[str, float]:
    """The limits by name; PlumblineError for what is none.

    >>> parsed("p99=10,errors=0")
    {'p99': 10.0, 'errors': 0.0}
    """
    limits: dict[str, float] = {}
    for word in (one.strip() for one in text.split(",") if one.strip()):
        name, sign, value = word.partition("=")
        if name not in UNITS:
            raise PlumblineError(f"--gate {word}: {suggest(name, UNITS)}")
        limits[name] = _limit(word, value if sign else "")
    if not limits:
        raise PlumblineError("--gate: expected limits like p99=10,errors=0")
    return limits


def judged(limits: Mapping[str, float], server: Load, cpu_ratio: float | None) -> list[Gate]:
    """Each limit with what was measured; a figure that is not known passes no limit."""
    values: dict[str, float | None] = {
        **server.latency.plain(),
        "errors": server.errors,
        "cpu": server.cpu_micros,
        "cpu_ratio": cpu_ratio,
        "memory": server.resident_mib,
    }
    return [
        Gate(name=n, limit=limit, value=values[n], passed=_kept(values[n], limit))
        for n, limit in limits.items()
    ]


def _kept(value: float | None, limit: float) -> bool:
    return value is not None and value <= limit


def _limit(word: str, value: str) -> float:
    try:
        limit = float(value)
    except ValueError:
        limit = -1.0
    if not 0 <= limit < float("inf"):
        raise PlumblineError(f"--gate {word}: expected a number of at least 0, as in p99=10")
    return limit
