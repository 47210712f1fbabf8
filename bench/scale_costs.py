"""When to leave one machine, and what a terabyte would cost: on paper, from `make bench-large`'s results.

`python -m bench.scale_costs large.json [--ratio 7] [--cores 2] [--bytes 100] [--price 0.05]` prints the tables of
docs/scale.md as Markdown; `--record docs/evidence/large.json` keeps the results with these assumptions, from which
`python -m docs.scale_tables` writes the same tables into the page.

What was measured stands as it is. The rest is that times its growth: the seconds of CPU of n events are those of the
largest measured size, times (n / that size) to the power of the exponent from the first measured size to the largest, at
least 1. A cluster takes `--ratio` times the CPU of one machine, spread over its cores; cores are busy for the same share
of the time as in the largest measured run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.large import records
from bench.large.records import STAGES, WHOLE, StageCost, World
from plumbline.core import files

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
    parser.add_argument("--record", type=Path, help="JSON that keeps results and assumptions")
    chosen = parser.parse_args(words)
    if not _through(records.read(chosen.results)):
        print(f"{chosen.results}: no size with all stages; run `make bench-large`", file=sys.stderr)
        return 2
    given = Assumptions(chosen.ratio, chosen.cores, chosen.bytes, chosen.price)
    record = {"worlds": files.read_json(chosen.results)["worlds"], "assumptions": asdict(given)}
    if chosen.record:
        files.write_json(chosen.record, record)
    print("\n".join(tables(record)))
    return 0


def tables(record: Mapping[str, Any]) -> Iterator[str]:
    """What was measured, the crossover, and a terabyte: lines of Markdown."""
    worlds = _through(records.parse(record))
    given = Assumptions(**record["assumptions"])
    yield from (*measured(worlds), "", *crossover(worlds, given), "", *terabyte(worlds, given))


def _through(worlds: Sequence[World]) -> list[World]:
    """Those with all stages."""
    return [world for world in worlds if world.whole]


def power(worlds: Sequence[World], name: str) -> float:
    """By which power of the events a stage's CPU grows from the first measured size to the largest; at least 1."""
    if len(worlds) < 2:
        return 1.0
    return max(1.0, records.exponent(worlds[0], worlds[-1], name, "cpu"))


def cpu(worlds: Sequence[World], name: str, events: float) -> float:
    """Seconds of CPU of a stage on one machine for so many events."""
    cost = worlds[-1].cost(name)
    return cost.cpu * (events / worlds[-1].events) ** power(worlds, name) if cost else 0.0


def busy(worlds: Sequence[World], cores: int) -> float:
    """The share of the cores that the largest measured run used."""
    whole = worlds[-1].whole
    return min(1.0, whole.cpu / whole.wall / cores) if whole else 1.0


def hours(worlds: Sequence[World], events: float, cores: int) -> float:
    """Of all stages on one machine."""
    seconds = sum(cpu(worlds, name, events) for name in STAGES)
    return seconds / (cores * busy(worlds, cores)) / HOUR


def on_cluster(worlds: Sequence[World], events: float, given: Assumptions, cores: int) -> float:
    """Hours where a cluster of so many cores computes what it can, and one machine the rest."""
    spread = sum(cpu(worlds, name, events) for name in SPREAD)
    rest = sum(cpu(worlds, name, events) for name in STAGES if name not in SPREAD)
    used = busy(worlds, given.cores)
    return (given.ratio * spread / cores + rest / given.cores) / used / HOUR


def measured(worlds: Sequence[World]) -> Iterator[str]:
    """Seconds by the clock, of CPU, and MB at the peak by stage and size, with the exponent of CPU."""
    sizes = " | ".join(f"{world.events:,} events" for world in worlds)
    growth = [" exponent of CPU |"] if len(worlds) > 1 else []
    yield f"| seconds / of CPU / MB at the peak | {sizes} |{''.join(growth)}"
    yield "|---" * (1 + len(worlds) + len(growth)) + "|"
    for name in (*STAGES, WHOLE):
        cells = " | ".join(_cost(world.cost(name)) for world in worlds)
        last = records.exponent(worlds[0], worlds[-1], name, "cpu") if growth else 0.0
        yield f"| {name} | {cells} |" + (f" {last:.2f} |" if growth else "")


def _cost(cost: StageCost | None) -> str:
    return f"{cost.wall:,.0f} / {cost.cpu:,.0f} / {cost.resident:,.0f}" if cost else ""


def crossover(worlds: Sequence[World], given: Assumptions) -> Iterator[str]:
    """How long all stages take, by events: on one machine, and on it with clusters."""
    clusters = " | ".join(f"with a cluster of {cores} cores" for cores in CORES)
    yield f"| events | one machine, {given.cores} cores | {clusters} |"
    yield "|---" * (2 + len(CORES)) + "|"
    for events in EVENTS:
        alone = hours(worlds, events, given.cores)
        with_cluster = (on_cluster(worlds, events, given, cores) for cores in CORES)
        cells = [f"**{duration(h)}**" if h < alone else duration(h) for h in with_cluster]
        yield f"| {events:,} | {duration(alone)} | {' | '.join(cells)} |"
    least = int(given.ratio * given.cores) + 1
    yield ""
    yield (
        f"A cluster is faster from {least} cores on: {given.ratio:g} times the CPU, beside {given.cores} cores. Bold: faster."
    )


def duration(hours: float) -> str:
    """Of hours in the unit that fits.

    >>> duration(0.002), duration(0.5), duration(12.34)
    ('7 s', '30 min', '12.3 h')
    """
    if hours >= 1:
        return f"{hours:.1f} h"
    minutes = hours * 60
    return f"{minutes:.0f} min" if minutes >= 1 else f"{minutes * 60:.0f} s"


def terabyte(worlds: Sequence[World], given: Assumptions) -> Iterator[str]:
    """What a terabyte of events takes and costs, stage by stage."""
    events = TERABYTE / given.bytes
    price = f"at {given.price:g} each"
    yield (
        f"| of 1 TB: {events:,.0f} events of {given.bytes:g} bytes | core-hours, one machine | {price} | core-hours with "
        f"a cluster | {price} |"
    )
    yield "|---" * 5 + "|"
    alone = {name: cpu(worlds, name, events) / HOUR for name in STAGES}
    spread = {name: h * (given.ratio if name in SPREAD else 1) for name, h in alone.items()}
    for name in STAGES:
        where = "" if name in SPREAD else " (not spread)"
        yield _priced(name, alone[name], spread[name], given.price, where)
    yield _priced(WHOLE, sum(alone.values()), sum(spread.values()), given.price)


def _priced(name: str, alone: float, spread: float, price: float, where: str = "") -> str:
    return f"| {name} | {alone:,.0f} | {alone * price:,.1f} | {spread:,.0f}{where} | {spread * price:,.1f} |"


if __name__ == "__main__":
    raise SystemExit(main())
