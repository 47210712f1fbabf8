"""Arms and bundles side by side, and shadows against what was answered. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from plumbline.core.declarations import Array
from plumbline.core.documents import finite, rounded
from plumbline.metrics import bootstrap
from plumbline.monitor.served import served_quality
from plumbline.monitor.served.label_feedback import LabelFeedback, decided
from plumbline.monitor.served.served_quality import WeightedRows
from plumbline.monitor.served.served_report import ArmReport, ShadowReport
from plumbline.monitor.served.served_rows import MatchedRows, ServedRows, places

LEAST = 20
"""Labels below which an arm's quality is not given."""
Kind = tuple[str, str, str]
"""Arm, bundle, mode."""


def kinds(rows: ServedRows) -> list[Kind]:
    """The arms with their bundles, live ones first, by traffic."""
    frame = pd.DataFrame({"arm": rows.arm, "bundle": rows.bundle, "mode": rows.mode})
    counts = frame.value_counts()
    return sorted(map(_kind, counts.index), key=lambda k: (k[2] != "live", -counts[k], k))


def _kind(index: tuple[str, ...]) -> Kind:
    arm, bundle, mode = map(str, index)
    return arm, bundle, mode


def mask(rows: ServedRows, kind: Kind) -> Array:
    """The rows of an arm, bundle and mode, bool (n,)."""
    return (rows.arm == kind[0]) & (rows.bundle == kind[1]) & (rows.mode == kind[2])


def arms(
    problem: str, every: ServedRows, served: MatchedRows, weight: Array, model: str
) -> Iterator[ArmReport]:
    """Each arm and bundle. `served`: all rows whose event the window has, `weight` (m,) of their labels."""
    live = int((every.mode == "live").sum())
    for kind in kinds(every):
        own, known = every.take(mask(every, kind)), mask(served.rows, kind) & (weight > 0)
        yield ArmReport(
            arm=kind[0],
            bundle=kind[1],
            mode=kind[2],
            rows=len(own),
            share=rounded(len(own) / live) if kind[2] == "live" and live else None,
            first=str(own.day.min()),
            last=str(own.day.max()),
            mean_score=_mean(own.score),
            alarms=_mean(own.alarm),
            labelled=int(known.sum()),
            quality=_quality(problem, served.take(known), weight[known]),
            this_model=kind[1] == model,
        )


def _mean(values: Array) -> float | None:
    return finite(rounded(float(np.mean(values)))) if len(values) else None


def _quality(problem: str, known: MatchedRows, weight: Array) -> float | None:
    if len(known) < LEAST:
        return None
    answers = known.rows.answers
    answer = answers if known.event.answers is not None else answers[:, 0]
    if not np.isfinite(answer).all():
        return None
    rows = WeightedRows(known.event.label, answer, weight, None)
    return _first(served_quality.primary(problem, rows, bootstrap.every_row_once(len(weight))))


def _first(figures: Array) -> float | None:
    value = finite(float(figures[0]))
    return None if value is None else rounded(value)


def shadows(rows: ServedRows, live: ServedRows) -> Iterator[ShadowReport]:
    """Each shadow's answers against the live ones to the same events."""
    for kind in (k for k in kinds(rows) if k[2] != "live"):
        own = rows.take(mask(rows, kind))
        place = places(own.key, live.key)
        own, answered = own.take(place >= 0), live.take(place[place >= 0])
        distance = np.abs(own.answers - answered.answers).max(axis=1) if len(own) else np.empty(0)
        yield ShadowReport(
            arm=kind[0],
            bundle=kind[1],
            rows=len(own),
            mean_difference=_mean(distance),
            largest_difference=finite(float(distance.max())) if len(own) else None,
            other_alarms=int((~_same(own.alarm, answered.alarm)).sum()),
            other_decisions=int((decided(own) != decided(answered)).sum()),
        )


def _same(one: Array, other: Array) -> Array:
    return (one == other) | (np.isnan(one) & np.isnan(other))


def weights(served: MatchedRows, live: MatchedRows, of: LabelFeedback) -> Array:
    """What the label of each row counts for, a shadow's as that of the answer to the same event; float (m,)."""
    place = places(served.rows.key, live.rows.key)
    return np.where(place >= 0, of.weight[place], 0.0) if len(live) else np.zeros(len(served))
