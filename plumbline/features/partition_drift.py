"""Whether the newest month of a stored history is like the months before: looked at as it is written. Pure.

Values of one entity on following days are nearly the same, so that no test over rows tells what is ordinary: the
months before do. Each of them is compared with those before it in the same way, and the newest is drifted where it
is more than TIMES as far from its past as any of them was, and far enough to matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
from pydantic import Field

from plumbline.core.declarations import Array, Hourly, Snapshot
from plumbline.core.documents import SparseDocument, rounded

PSI = 0.1
"""Population stability index, nats, from which a difference matters."""
SHIFT = 0.15
"""Shift of the rank, standard deviations, from which it matters."""
NULLS = 0.01
"""Change in the share of nulls from which it matters."""
TIMES = 2.0
"""How many times the largest difference of earlier months is no longer ordinary."""
BEFORE = 6
"""Months before that one is compared with, at most."""
DIFFERENCES = 3
"""Earlier months that must have been compared themselves."""
LEAST_DAYS = 7
"""Days of a month below which its weekdays, not its values, would be compared."""
BINS = 16
"""Quantile bins of the values."""
MIDDLES = (0.1, 0.5, 0.9)
"""Quantiles that are reported."""


@dataclass(frozen=True)
class Partition:
    """One month of a stored history: its first day, its days, and the values of one feature (n,)."""

    first: date
    days: int
    values: Array


class PartitionShift(SparseDocument):
    """A feature in the newest month, beside the months before it.

    `psi` in nats, `shift` of the rank in standard deviations; `usual` and `usual_shift`: the largest of the earlier
    months' own. `quantiles`: at 10, 50 and 90 %. `cannot_tell`: why the month is not judged, "" where it is.
    """

    name: str
    drifted: bool = False
    psi: float | None = None
    usual: float | None = None
    shift: float | None = None
    usual_shift: float | None = None
    mean: float | None = None
    mean_before: float | None = None
    quantiles: list[float] = Field(default_factory=list)
    quantiles_before: list[float] = Field(default_factory=list)
    null: float = 0.0
    null_before: float = 0.0
    cannot_tell: str = ""


class HistoryDrift(SparseDocument):
    """The newest month of a stored history that can be judged, and its features."""

    history: str
    partition: str
    features: list[PartitionShift]


def shift(name: str, months: Sequence[Partition]) -> PartitionShift:
    """The newest of `months` (oldest first, all filled) beside those before it."""
    if len(months) < DIFFERENCES + 2:
        need = f"{len(months)} whole months, {DIFFERENCES + 2} are needed"
        return PartitionShift(name=name, cannot_tell=need)
    now, before = months[-1], months[-1 - BEFORE : -1]
    edges = _edges(_joined(before))
    pairs = [(m, months[max(0, i - BEFORE) : i]) for i, m in enumerate(months) if i]
    psis, shifts = zip(*(_distance(one, past, edges) for one, past in pairs), strict=True)
    nulls = [_null(m.values) for m in months]
    gaps = [abs(after - one) for one, after in pairwise(nulls)]
    past = _joined(before)
    return PartitionShift(
        name=name,
        drifted=_beyond(psis, PSI) or _beyond(shifts, SHIFT) or _beyond(gaps, NULLS),
        psi=rounded(psis[-1]),
        usual=rounded(max(psis[:-1])),
        shift=rounded(shifts[-1]),
        usual_shift=rounded(max(map(abs, shifts[:-1]))),
        mean=_mean(now.values),
        mean_before=_mean(past),
        quantiles=_quantiles(now.values),
        quantiles_before=_quantiles(past),
        null=rounded(nulls[-1]) or 0.0,
        null_before=rounded(_null(past)) or 0.0,
    )


def filled(spec: Snapshot | Hourly, delay: int, months: Sequence[Partition]) -> list[Partition]:
    """The months in which the feature's window lies wholly after the history's first day, and that have days enough."""
    if not months:
        return []
    window = spec.days if isinstance(spec, Snapshot) else -(-spec.hours // 24)
    reach = (
        window + (delay if spec.matured else 0) + (spec.lag if isinstance(spec, Snapshot) else 1)
    )
    start = months[0].first + timedelta(days=reach)
    return [m for m in months if m.first >= start and m.days >= LEAST_DAYS]


def drifted(reports: Sequence[HistoryDrift]) -> list[str]:
    """A line for each feature that drifted."""
    return [
        f"{one.history}-{one.partition}: {f.name}: {_words(f)}"
        for one in reports
        for f in one.features
        if f.drifted
    ]


def _words(one: PartitionShift) -> str:
    if abs(one.null - one.null_before) >= NULLS:
        return f"null in {one.null:.1%}, {one.null_before:.1%} before"
    if one.psi is None or one.shift is None or one.usual is None or one.usual_shift is None:
        return "unlike the months before"
    mean = "" if one.mean is None else f"; mean {one.mean_before:.4g} → {one.mean:.4g}"
    if one.psi >= PSI and one.psi > TIMES * one.usual:
        return f"PSI {one.psi:.2f} to the months before, at most {one.usual:.2f} until now{mean}"
    return f"shift {one.shift:+.2f} deviations of its rank, at most {one.usual_shift:.2f} until now{mean}"


def _beyond(sizes: Sequence[float], least: float) -> bool:
    newest, earlier = abs(sizes[-1]), max(map(abs, sizes[:-1]))
    return newest >= least and newest > TIMES * earlier


def _joined(months: Sequence[Partition]) -> Array:
    return np.concatenate([m.values for m in months])


def _known(values: Array) -> Array:
    return values[np.isfinite(values)]


def _null(values: Array) -> float:
    return 1 - len(_known(values)) / max(1, len(values))


def _mean(values: Array) -> float | None:
    known = _known(values)
    return rounded(float(known.mean())) if len(known) else None


def _quantiles(values: Array) -> list[float]:
    """Values that occur, so that they are the same on every machine."""
    known = _known(values)
    return np.quantile(known, MIDDLES, method="lower").tolist() if len(known) else []


def _edges(values: Array) -> Array:
    """Inner edges of quantile bins; values equal to one are at or below it."""
    known = _known(values)
    if not len(known):
        return np.zeros(0)
    parts = np.arange(1, BINS) / BINS
    edges = np.unique(np.quantile(known, parts, method="lower"))
    return edges[edges < known.max()]


def _distance(now: Partition, before: Sequence[Partition], edges: Array) -> tuple[float, float]:
    """PSI in nats, and the shift of the mean rank in standard deviations of a rank."""
    p, q = (_shares(values, edges) for values in (now.values, _joined(before)))
    rank = np.cumsum(q) - q / 2
    spread = float(np.sqrt((q * (rank - 0.5) ** 2).sum()))
    shift = float((p * (rank - 0.5)).sum()) / spread if spread > 0 else 0.0
    return float(((p - q) * np.log(p / q)).sum()), shift


def _shares(values: Array, edges: Array) -> Array:
    counts = np.bincount(np.searchsorted(edges, _known(values)), minlength=len(edges) + 1)
    return (counts + 0.5) / (counts.sum() + 0.5 * len(counts))


def months_of(days: Mapping[str, Array], values: Mapping[str, Array]) -> list[Partition]:
    """Partitions by month ("2025-06"), oldest first; `days` datetime64[D] (n,) and `values` (n,) of each."""
    return [
        Partition(days[m].min().astype(date), len(np.unique(days[m])), values[m])
        for m in sorted(days)
    ]
