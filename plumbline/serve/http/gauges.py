"""Figures of the metrics that are read when they are asked for: the log's queue, how far the state is, shadows."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from plumbline.serve.http.metrics import Metrics
from plumbline.serve.live_check.check import LiveCheck
from plumbline.serve.live_check.recorded import SCORE
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
    if parts.live_check is not None:
        figures += _live(parts.live_check)
    for name, text, read in figures:
        metrics.figure(f"plumbline_{name}", text, parts.usecase.name, read)


def _live(check: LiveCheck) -> tuple[tuple[str, str, Callable[[], float]], ...]:
    """The last whole window of the live check."""
    return (
        ("live_events", "Events of the window", lambda: check.state.events),
        ("live_findings", "Findings of the window", lambda: len(check.state.findings)),
        ("live_refused", "Share of refused events", lambda: check.state.shares.get("refused", 0.0)),
        ("live_alarms", "Share of alarms", lambda: check.state.shares.get("alarms", 0.0)),
        (
            "live_score_distance",
            "Distance of the scores from the recorded, 0 to 1",
            lambda: check.state.distances.get(SCORE, 0.0),
        ),
        (
            "live_column_distance",
            "Greatest distance of a column's values from the recorded, 0 to 1",
            lambda: max((d for n, d in check.state.distances.items() if n != SCORE), default=0.0),
        ),
    )


def _broken(parts: Parts) -> float:
    return float(parts.log.status.broken is not None)


def _missing_days(parts: Parts) -> float:
    """Of an event that came now."""
    if parts.usecase.time is None:
        return 0.0
    seconds = parts.clock.now() / 1e6 if parts.clock.replayed else time.time()
    now = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return float(parts.state.missing_days({parts.usecase.time: now}))
