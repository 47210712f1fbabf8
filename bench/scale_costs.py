"""When to leave one machine, and what a terabyte would cost: on paper, from `make bench-large`'s results.

`python -m bench.scale_costs large.json [--ratio 3] [--cores 2] [--bytes 100] [--price 0.05]` prints the tables of
docs/scale.md as Markdown. Every figure is one of the file times the growth that it shows: the seconds of CPU of n events are
those of the largest measured size, times (n / that size) to the power of its exponent, which is that from the first measured
size to the largest, and at least 1. A cluster takes `--ratio` times the CPU of one machine (what the same stages take on
Spark, measured beside DuckDB at one size), spread over its cores.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.large import records
from bench.large.records import STAGES, WHOLE, World

SPREAD = ("data", "validate", "features")
"""Stages that a cluster computes; the others run on the machine that drives it."""
EVENTS = (1_000_000, 10_000_000, 35_000_000, 100_000_000, 1_000_000_000)
CORES = (2, 8, 32, 128)
TERABYTE, HOUR = 10**12, 3_600.0


@dataclass(frozen=True)
class Assumptions:
    """`ratio`: CPU on Spark per CPU on DuckDB; `cores` of one machine; `bytes` of an event; `price` of a core for an hour."""

    ratio: float
    cores: int
    bytes: float
    price: float


def main(words: Sequence[str] | None = None) -> int:
    """2 where the file has no size with all stages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--ratio", type=float, default=7.0, help="CPU on Spark per CPU on DuckDB")
    parser.add_argument("--cores", type=int, default=2, help="of the machine that was measured")
    parser.add_argument("--bytes", type=float, default=100.0, help="of an event in its source")
    parser.add_argument("--price", type=float, default=0.05, help="of a core for an hour")
    chosen = parser.parse_args(words)
    worlds = [world for world in records.read(chosen.results) if world.whole]
    if not worlds:
        print(f"{chosen.results}: no size with all stages; run `make bench-large`", file=sys.stderr)
        return 2
    given = Assumptions(chosen.ratio, chosen.cores, chosen.bytes, chosen.price)
    print(
        "\n".join([*_stages(worlds), "", *crossover(worlds, given), "", *terabyte(worlds, given)])
    )
    return 0


def power(worlds: Sequence[World], name: str) -> float:
    """By which power of the events a stage's CPU grows from the first measured size to the largest; at least 1."""
    if len(worlds) < 2:
        return 1.0
    return max(1.0, records.exponent(worlds[0], worlds[-1], name, "cpu"))


def cpu(worlds: Sequence[World], name: str, events: float) -> float:
    """Seconds of CPU of a stage on one machine for so many events."""
    cost = worlds[-1].cost(name)
    return cost.cpu * (events / worlds[-1].events) ** power(worlds, name) if cost else 0.0


def hours(worlds: Sequence[World], events: float, cores: int) -> float:
    """Of all stages on one machine, by the share of its cores that was used at the largest size."""
    whole = worlds[-1].whole
    busy = min(1.0, whole.cpu / whole.wall / cores) if whole else 1.0
    return sum(cpu(worlds, name, events) for name in STAGES) / (cores * busy) / HOUR


def on_cluster(worlds: Sequence[World], events: float, given: Assumptions, cores: int) -> float:
    """Hours where a cluster of so many cores computes what it can, and one machine the rest."""
    spread = sum(cpu(worlds, name, events) for name in SPREAD)
    rest = sum(cpu(worlds, name, events) for name in STAGES if name not in SPREAD)
    return (given.ratio * spread / cores + rest / given.cores) / HOUR


def _stages(worlds: Sequence[World]) -> Iterator[str]:
    yield f"| stage | CPU at {worlds[-1].events:,} events | peak memory | exponent of CPU |"
    yield "|---|---|---|---|"
    for name in (*STAGES, WHOLE):
        if cost := worlds[-1].cost(name):
            yield f"| {name} | {cost.cpu:,.0f} s | {cost.resident:,.0f} MB | {power(worlds, name):.2f} |"


def crossover(worlds: Sequence[World], given: Assumptions) -> Iterator[str]:
    """Hours by events: of one machine, and of it with clusters."""
    yield (
        f"| events | one machine, {given.cores} cores | "
        + " | ".join(f"with a cluster of {cores} cores" for cores in CORES)
        + " |"
    )
    yield "|---" * (2 + len(CORES)) + "|"
    for events in EVENTS:
        alone = hours(worlds, events, given.cores)
        with_cluster = (on_cluster(worlds, events, given, cores) for cores in CORES)
        cells = [f"**{h:.2f} h**" if h < alone else f"{h:.2f} h" for h in with_cluster]
        yield f"| {events:,} | {alone:.2f} h | {' | '.join(cells)} |"
    least = int(given.ratio * given.cores) + 1
    yield ""
    yield (
        f"A cluster is faster from {least} cores on: {given.ratio:g} times the CPU, beside {given.cores} cores. Bold: faster."
    )


def terabyte(worlds: Sequence[World], given: Assumptions) -> Iterator[str]:
    """What a terabyte of events takes and costs, stage by stage."""
    events = TERABYTE / given.bytes
    yield f"| of 1 TB: {events:,.0f} events of {given.bytes:g} bytes | core-hours, one machine | core-hours, cluster | at {given.price:g} a core-hour |"
    yield "|---|---|---|---|"
    total = 0.0
    for name in STAGES:
        alone = cpu(worlds, name, events) / HOUR
        spread = alone * given.ratio if name in SPREAD else 0.0
        cost = (spread or alone) * given.price
        total += cost
        shown = f"{spread:,.0f}" if spread else "on the driver"
        yield f"| {name} | {alone:,.0f} | {shown} | {cost:,.0f} |"
    yield f"| whole | | | {total:,.0f} |"


if __name__ == "__main__":
    raise SystemExit(main())
