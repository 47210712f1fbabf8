"""From records to figures: false alerts, detection, delay, names, precision against true losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from statistics import median

import numpy as np

from bench.monitoring.populations import DELAY
from bench.monitoring.runs import Record
from bench.monitoring.scenarios import BY_NAME, Group
from bench.monitoring.true_loss import TrueLoss

Key = tuple[int, str]
"""Seed and scenario: one stream."""
Flag = Callable[[Record], bool]
NAMED = 3
"""How many of a detector's columns, gravest first, count as named."""
LATE: frozenset[Group] = frozenset(("label", "concept"))
"""Groups that only labels can tell: their windows count from the first known labels on."""


@dataclass(frozen=True)
class Rate:
    """`count` of `total`, with the 95 % interval of Clopper and Pearson, and the upper end of a
    bootstrap over streams."""

    count: int
    total: int
    low: float
    high: float
    high_streams: float

    @property
    def value(self) -> float:
        return self.count / self.total if self.total else float("nan")

    def as_json(self) -> dict[str, float]:
        return {
            "count": self.count,
            "total": self.total,
            "value": round(self.value, 4) if self.total else None,  # type: ignore[dict-item]
            "low": round(self.low, 4),
            "high": round(self.high, 4),
            "high_streams": round(self.high_streams, 4),
        }


def alerted(record: Record) -> bool:
    return record.level == "alert"


def seen(record: Record) -> bool:
    return record.level != "ok"


def names(columns: Set[str]) -> Flag:
    """Reported, be it as a warning or as an alert, with one of `columns` among the first that are named."""
    return lambda record: seen(record) and bool(columns & set(record.columns[:NAMED]))


def at_least(count: int) -> Flag:
    """Flagged where that many columns are."""
    return lambda record: record.flags >= count


def by_stream(records: Sequence[Record]) -> dict[Key, list[Record]]:
    """Each stream's records in order."""
    streams: dict[Key, list[Record]] = {}
    for record in sorted(records, key=lambda r: (r.seed, r.scenario, r.number)):
        streams.setdefault((record.seed, record.scenario), []).append(record)
    return streams


def of(records: Sequence[Record], *groups: Group) -> list[Record]:
    """The records of scenarios in these groups."""
    return [r for r in records if BY_NAME[r.scenario].group in groups]


def ends(hits: int, total: int) -> tuple[float, float]:
    """The 95 % interval of Clopper and Pearson."""
    from scipy.stats import beta

    low = float(beta.ppf(0.025, hits, total - hits + 1)) if hits else 0.0
    high = float(beta.ppf(0.975, hits + 1, total - hits)) if hits < total else 1.0
    return low, high


def rate(records: Sequence[Record], flag: Flag) -> Rate:
    """The share of windows that are flagged."""
    hits, total = sum(map(flag, records)), len(records)
    low, high = ends(hits, total)
    streams = [(sum(map(flag, s)), len(s)) for s in by_stream(records).values()]
    return Rate(hits, total, low, high, _bootstrap(streams))


def _bootstrap(streams: Sequence[tuple[int, int]]) -> float:
    if not streams:
        return float("nan")
    pairs = np.array(streams)
    drawn = np.random.default_rng(0).integers(0, len(pairs), (2_000, len(pairs)))
    shares = pairs[drawn, 0].sum(axis=1) / pairs[drawn, 1].sum(axis=1)
    return float(np.quantile(shares, 0.975))


def delays(records: Sequence[Record], flag: Flag) -> dict[Key, float]:
    """By stream: windows until the first that is flagged, 1 for the first; infinity where none is.

    Where only labels can tell, the first is the one in which the first of them are known; an earlier
    flag counts as that one.
    """
    delay = {}
    for key, stream in by_stream(records).items():
        first = DELAY if BY_NAME[key[1]].group in LATE else 0
        numbers = [r.number - first + 1 for r in stream if flag(r)]
        delay[key] = float(max(min(numbers), 1)) if numbers else float("inf")
    return delay


def within(delay: Mapping[Key, float], windows: int) -> float:
    """The share of streams flagged within that many windows."""
    return sum(d <= windows for d in delay.values()) / len(delay) if delay else float("nan")


def detection(records: Sequence[Record], flag: Flag) -> dict[str, float | int | None]:
    """The share of streams within 1, 3 and 7 windows, and the median delay (null: never)."""
    delay = delays(records, flag)
    middle = median(delay.values()) if delay else float("inf")
    return {
        "streams": len(delay),
        **{f"within_{n}": round(within(delay, n), 4) for n in (1, 3, 7)},
        "median_delay": middle if np.isfinite(middle) else None,
    }


def share(records: Sequence[Record], flag: Flag) -> float:
    """The share of streams with a flagged window among `records`."""
    streams = by_stream(records).values()
    return (
        round(float(np.mean([any(map(flag, s)) for s in streams])), 4) if streams else float("nan")
    )


def named(records: Sequence[Record], flag: Flag) -> float:
    """The share of flagged streams of which the first flagged window names a right column."""
    right = []
    for (_, name), stream in by_stream(records).items():
        first = next((r for r in stream if flag(r)), None)
        if first is not None and BY_NAME[name].columns:
            right.append(bool(BY_NAME[name].columns & set(first.columns[:NAMED])))
    return float(np.mean(right)) if right else float("nan")


def precision(
    records: Sequence[Record],
    flag: Flag,
    true_losses: Mapping[Key, TrueLoss],
    *,
    strict: bool = False,
) -> Rate:
    """Of the flagged windows, those of a harmed stream; `strict`: those themselves beyond what healthy
    days show."""
    flagged = [r for r in records if flag(r) and (r.seed, r.scenario) in true_losses]

    def right(record: Record) -> bool:
        true_loss = true_losses[record.seed, record.scenario]
        return true_loss.windows[record.number] if strict else true_loss.harmed

    return rate(flagged, right)


def ready(records: Sequence[Record], wanted: float) -> int:
    """The most columns that may be required so that faults are still found in the first window at the
    rate `wanted`; 1 where no count does."""
    faults = [r for r in of(records, "fault") if r.number == 0]
    for count in range(max((r.flags for r in faults), default=1), 1, -1):
        if rate(faults, at_least(count)).value >= wanted:
            return count
    return 1
