"""What was measured, kept in one JSON file from run to run, and the table and exponents made of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from plumbline.core import files

STAGES = ("data", "validate", "features", "tune", "train", "evaluate", "monitor")
WHOLE = "whole"


@dataclass(frozen=True)
class StageCost:
    """Of one stage under `dvc repro`: seconds, MB at the peak (bench/large/processes.py). `rows`: what it reads.

    `dvc`: wall seconds of DVC around it, hashing and linking; they are in `wall`.
    """

    wall: float
    cpu: float
    resident: float
    anonymous: float
    scratch: float
    rows: int
    dvc: float = 0.0

    @property
    def rate(self) -> float:
        """Rows per second."""
        return self.rows / self.wall if self.wall else math.nan


@dataclass(frozen=True)
class World:
    """One size: its events, how it was made, the machine, and the stages that are through.

    `disk`: MB of the project at the end. `quality`: the primary metric on the test window.
    """

    events: int
    setting: Mapping[str, Any]
    machine: Mapping[str, Any] = field(default_factory=dict)
    stages: Mapping[str, StageCost] = field(default_factory=dict)
    disk: float = 0.0
    quality: float | None = None

    @property
    def whole(self) -> StageCost | None:
        """All stages together; None before the last is through."""
        if set(self.stages) != set(STAGES):
            return None
        costs = self.stages.values()
        return StageCost(
            wall=sum(c.wall for c in costs),
            cpu=sum(c.cpu for c in costs),
            resident=max(c.resident for c in costs),
            anonymous=max(c.anonymous for c in costs),
            scratch=max(c.scratch for c in costs),
            rows=self.events,
            dvc=sum(c.dvc for c in costs),
        )

    def cost(self, name: str) -> StageCost | None:
        """Of a stage, or of WHOLE; None where it was not measured."""
        return self.whole if name == WHOLE else self.stages.get(name)


def read(path: Path) -> list[World]:
    """The worlds of the file, the smallest first; none where there is no file."""
    return parse(files.read_json(path)) if path.exists() else []


def parse(record: Mapping[str, Any]) -> list[World]:
    """The worlds of a file's JSON, the smallest first."""
    return sorted(map(_world, record["worlds"]), key=lambda w: w.events)


def keep(path: Path, world: World) -> None:
    """Write the world to the file, in place of the one of the same setting."""
    others = [w for w in read(path) if w.setting != world.setting]
    worlds = sorted([*others, world], key=lambda w: w.events)
    files.write_json(path, {"worlds": [asdict(w) for w in worlds]})


def _world(entry: Mapping[str, Any]) -> World:
    stages = {name: StageCost(**cost) for name, cost in entry["stages"].items()}
    return World(**{**entry, "stages": stages})


def exponent(small: World, large: World, name: str, what: str) -> float:
    """By which power of the events `wall` or `cpu` grows from one size to the other; NaN where it is not known."""
    pair = small.cost(name), large.cost(name)
    if pair[0] is None or pair[1] is None:
        return math.nan
    before, after = (getattr(one, what) for one in pair)
    return math.log(after / before) / math.log(large.events / small.events)


def lines(worlds: Sequence[World]) -> Iterator[str]:
    """The table for people: a row per size and stage, then the exponents between neighbouring sizes."""
    yield (
        f"{'events':>12} {'stage':10}{'wall s':>9}{'CPU s':>9}{'DVC s':>8}{'MB':>8}{'anon MB':>9}"
        f"{'scratch':>9}{'rows/s':>12}"
    )
    for world in worlds:
        for name in (*STAGES, WHOLE):
            cost = world.cost(name)
            if cost:
                yield (
                    f"{world.events:12,} {name:10}{cost.wall:9.1f}{cost.cpu:9.1f}{cost.dvc:8.1f}"
                    f"{cost.resident:8,.0f}{cost.anonymous:9,.0f}{cost.scratch:9,.0f}{cost.rate:12,.0f}"
                )
        quality = (
            "" if world.quality is None else f", quality on the test window {world.quality:.4f}"
        )
        yield f"{world.events:12,} disk {world.disk:,.0f} MB{quality}"
    for small, large in pairwise(worlds):
        yield f"growth from {small.events:,} to {large.events:,}: exponents of wall and of CPU seconds"
        for name in (*STAGES, WHOLE):
            powers = [exponent(small, large, name, what) for what in ("wall", "cpu")]
            if not any(map(math.isnan, powers)):
                yield f"{'':12} {name:10}{powers[0]:9.2f}{powers[1]:9.2f}"
