"""Figures of the metrics that are read when they are asked for: the log's queue, how far the state is, shadows."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from plumbline.serve.http.metrics import Metrics
from plumbline.serve.requests.parts import Parts


def register(metrics: Metrics, parts: Parts) -> None:
    """The figures of one use case."""
    log, shadows = parts.log, parts.live.shadows
    figures: tuple[tuple[str, str, Callable[[], float]], ...] = (
        (
            "log_queue",
            "Rows of the journal that are not in the file of their day yet",
            lambda: log.status.waiting,
        ),
        ("log_broken", "1 while the prediction log is not written", lambda: _broken(parts)),
        ("log_sequence", "The last row of the prediction log", lambda: log.last_sequence),
        ("state_watermark", "The last row that is folded", lambda: parts.state.watermark),
        (
            "state_missing_days",
            "Whole days before today of which no event was received",
            lambda: _missing_days(parts),
        ),
        ("route_version", "Version of the routes", lambda: parts.live.router.routes.version),
        ("shadow_queue", "Events that shadows have still to score", lambda: len(shadows)),
        ("shadow_scored", "Events that shadows scored", lambda: sum(shadows.scored.values())),
        (
            "shadow_dropped",
            "Events that shadows did not score, as too many waited",
            lambda: sum(shadows.dropped.values()),
        ),
        ("shadow_failed", "Events that shadows failed on", lambda: sum(shadows.failed.values())),
    )
    for name, text, read in figures:
        metrics.figure(f"plumbline_{name}", text, parts.usecase.name, read)


def _broken(parts: Parts) -> float:
    return float(parts.log.status.broken is not None)


def _missing_days(parts: Parts) -> float:
    """Of an event that came now."""
    if parts.usecase.time is None:
        return 0.0
    seconds = parts.clock.now() / 1e6 if parts.clock.replayed else time.time()
    now = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return float(parts.state.missing_days({parts.usecase.time: now}))
