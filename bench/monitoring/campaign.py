"""A whole run: which seeds, sizes and detectors, the records kept, and the figures made of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from bench.monitoring import figures, harm, runs, streams
from bench.monitoring.cost import POOLED
from bench.monitoring.harm import Harm
from bench.monitoring.runs import FEW, SAMPLE, Record, Sample
from bench.monitoring.scenarios import SCENARIOS, Scenario
from bench.monitoring.worlds import SIZES, World
from tests.conftest import ROOT

PEERS = ("evidently-default", "evidently-psi", "ks-bh", "nannyml-univariate", "nannyml-cbpe")
REPORTS = ("evidently-default-report", "evidently-psi-report")


@dataclass(frozen=True)
class Plan:
    """Seeds by size: `whole` for all scenarios, `harmless` for these alone, `peers` for the windows of
    `sample` with every detector, `reports` for the first window of each fault with Evidently's
    whole Report. `measured` sizes are timed."""

    name: str
    whole: Mapping[int, Sequence[int]]
    harmless: Mapping[int, Sequence[int]]
    peers: Mapping[int, Sequence[int]]
    reports: Mapping[int, Sequence[int]]
    measured: Sequence[int]
    sample: Sample = field(default_factory=lambda: SAMPLE)
    names: Mapping[int, frozenset[str]] = field(default_factory=dict)
    """By size, the only scenarios asked for; all where a size is not there."""

    def scenarios(self, size: int, group: str = "") -> list[Scenario]:
        found = [s for s in SCENARIOS if group in ("", s.group)]
        return [s for s in found if s.name in self.names.get(size, frozenset([s.name]))]


LARGE = frozenset(
    (
        *("weekly", "growth", "covariate_20", "covariate_50", "label_3", "concept_sudden"),
        *("units", "all_null", "new_category", "partial_day", "empty_day"),
    )
)
"""Of 50,000 rows a day: some of each group, as a stream of them takes minutes to make."""
FINAL = Plan(
    name="final",
    whole={5_000: (101, 102, 103, 104), 500: (101, 102), 50_000: (104,)},
    harmless={5_000: (105, 106, 107, 108)},
    peers={5_000: (101, 102), 500: (101,)},
    reports={5_000: (101,)},
    measured=(500, 5_000, 50_000),
    names={50_000: LARGE},
)
SHORT = Plan(
    name="short",
    whole={5_000: (101, 102), 500: (101,)},
    harmless={5_000: (104,)},
    peers={5_000: (101,)},
    reports={},
    measured=(5_000, 50_000),
    sample=FEW,
)
"""FINAL with fewer seeds and windows and without the largest, for a machine that has others to serve."""
QUICK = Plan(
    name="quick",
    whole={500: (1,)},
    harmless={},
    peers={500: (1,)},
    reports={},
    measured=(500,),
    names={
        500: frozenset(("weekly", "irrelevant", "covariate_50", "units", "all_null", "empty_day"))
    },
)


@dataclass(frozen=True)
class Task:
    """One detector over one world."""

    detector: str
    size: int
    seed: int
    group: str = ""
    sampled: bool = False

    @property
    def path(self) -> Path:
        whose = f"{self.detector}-{version()}" if self.detector == "plumbline" else self.detector
        name = f"{whose}-{self.group or 'all'}{'-sampled' if self.sampled else ''}.jsonl"
        return World(SIZES[self.size], self.seed).folder / "records" / name


@cache
def version() -> str:
    """The last commit that changed the project's own code."""
    command = ["git", "log", "-1", "--format=%h", "--abbrev=12", "--", "plumbline"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return said.stdout.strip()


def tasks(plan: Plan, peers: Sequence[str]) -> Iterator[Task]:
    """The own monitor's first, on all windows; then the peers on some."""
    for size, seeds in plan.whole.items():
        yield from (Task("plumbline", size, seed) for seed in seeds)
    for size, seeds in plan.harmless.items():
        yield from (Task("plumbline", size, seed, "harmless") for seed in seeds)
    for name in peers:
        for size, seeds in plan.peers.items():
            yield from (Task(name, size, seed, sampled=True) for seed in seeds)
    for name in REPORTS:
        for size, seeds in plan.reports.items():
            yield from (Task(name, size, seed, "fault", sampled=True) for seed in seeds)


def run(plan: Plan, peers: Sequence[str] = PEERS, *, fresh: bool = False) -> dict[str, Any]:
    """Every task's records, and the figures. Records are kept from run to run unless `fresh`; the own
    monitor's only as long as no commit changes it."""
    found: list[Record] = []
    for task in tasks(plan, peers):
        if fresh or not task.path.exists():
            _keep(plan, task)
        found += read(task.path)
        print(f"{task.detector}, {task.size} rows, seed {task.seed}: done", flush=True)
    costs = [c for size in plan.measured for c in _costs(("plumbline", *peers), size, plan)]
    told = figures.document(found, _harms(plan), costs, plan.peers, plan.sample)
    return {**told, "plumbline": version(), "plan": plan.name}


def read(path: Path) -> list[Record]:
    """The records of a task."""
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [Record(**{**r, "columns": tuple(r["columns"]), "why": tuple(r["why"])}) for r in rows]


def _keep(plan: Plan, task: Task) -> None:
    world = World(SIZES[task.size], task.seed)
    asked = plan.scenarios(task.size, task.group)
    if task.detector in REPORTS:
        made: Iterable[Record] = runs.judged(world, asked, task.detector, places=(0,))
    else:
        made = runs.judged(
            world, asked, task.detector, sample=plan.sample if task.sampled else None
        )
    task.path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(r.as_json(), sort_keys=True) + "\n" for r in made)
    task.path.write_text(text, encoding="utf-8")


def _harms(plan: Plan) -> dict[tuple[int, int, str], Harm]:
    """By size, seed and scenario."""
    found = {}
    for group, by_size in (("", plan.whole), ("harmless", plan.harmless)):
        for size, seeds in by_size.items():
            for seed in seeds:
                for scenario in plan.scenarios(size, group):
                    world = World(SIZES[size], seed)
                    found[size, seed, scenario.name] = harm.harm(world, scenario)
    return found


def _costs(names: Sequence[str], size: int, plan: Plan) -> Iterator[dict[str, Any]]:
    seed = plan.whole[POOLED.get(size, size)][0]
    folder = World(SIZES[size], seed).folder / "records"
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        path = folder / f"cost-{name}.json"
        if name == "plumbline" or not path.exists():
            command = [sys.executable, "-m", "bench.monitoring.cost", name, str(size), str(seed)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                said = done.stderr.strip().splitlines()[-1:] or ["no output"]
                yield {"detector": name, "rows": size, "failed": said[0][:200]}
                continue
            path.write_text(done.stdout, encoding="utf-8")
        yield json.loads(path.read_text(encoding="utf-8"))


def made(plan: Plan) -> int:
    """Make all streams of a plan ahead; how many there are."""
    count = 0
    for group, by_size in (("", plan.whole), ("harmless", plan.harmless)):
        for size, seeds in by_size.items():
            for seed in seeds:
                for scenario in plan.scenarios(size, group):
                    streams.stream(World(SIZES[size], seed), scenario)
                    count += 1
    return count
