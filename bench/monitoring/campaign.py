"""A whole run: which seeds, sizes and detectors, the records kept, and the figures from them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from bench.monitoring import figures, runs, streams, true_loss
from bench.monitoring.cost import POOLED
from bench.monitoring.populations import SIZES, Population
from bench.monitoring.runs import SAMPLE, SMALL_SAMPLE, Record, Sample
from bench.monitoring.scenarios import SCENARIOS, Scenario
from bench.monitoring.true_loss import TrueLoss
from tests.conftest import ROOT

PEERS = ("evidently-default", "evidently-psi", "ks-bh", "nannyml-univariate", "nannyml-cbpe")
REPORTS = ("evidently-default-report", "evidently-psi-report")


@dataclass(frozen=True)
class Plan:
    """Seeds by size: `seeds` for all scenarios, `harmless` for these alone, `peers` for the windows of
    `sample` with every detector, `reports` for the first window of each fault with Evidently's
    full Report. `measured` sizes are timed."""

    name: str
    seeds: Mapping[int, Sequence[int]]
    harmless: Mapping[int, Sequence[int]]
    peers: Mapping[int, Sequence[int]]
    reports: Mapping[int, Sequence[int]]
    measured: Sequence[int]
    sample: Sample = field(default_factory=lambda: SAMPLE)
    names: Mapping[int, frozenset[str]] = field(default_factory=dict)
    """By size, the only scenarios to run; all where a size is not there."""

    def scenarios(self, size: int, group: str = "") -> list[Scenario]:
        of_group = [s for s in SCENARIOS if group in ("", s.group)]
        return [s for s in of_group if s.name in self.names.get(size, frozenset([s.name]))]


LARGE = frozenset(
    (
        *("weekly", "growth", "covariate_20", "covariate_50", "label_3", "concept_sudden"),
        *("units", "all_null", "new_category", "partial_day", "empty_day"),
    )
)
"""Of 50,000 rows a day: some of each group, as a stream of them takes minutes to build."""
FINAL = Plan(
    name="final",
    seeds={5_000: (101, 102, 103, 104), 500: (101, 102), 50_000: (104,)},
    harmless={5_000: (105, 106, 107, 108)},
    peers={5_000: (101, 102), 500: (101,)},
    reports={5_000: (101,)},
    measured=(500, 5_000, 50_000),
    names={50_000: LARGE},
)
SHORT = Plan(
    name="short",
    seeds={5_000: (101, 102), 500: (101,)},
    harmless={5_000: (104,)},
    peers={5_000: (101,)},
    reports={},
    measured=(5_000, 50_000),
    sample=SMALL_SAMPLE,
)
"""FINAL with fewer seeds and windows and without the largest, for a machine with other work."""
QUICK = Plan(
    name="quick",
    seeds={500: (1,)},
    harmless={},
    peers={500: (1,)},
    reports={},
    measured=(500,),
    sample=SMALL_SAMPLE,
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
        detector = f"{self.detector}-{version()}" if self.detector == "plumbline" else self.detector
        name = f"{detector}-{self.group or 'all'}{'-sampled' if self.sampled else ''}.jsonl"
        return Population(SIZES[self.size], self.seed).folder / "records" / name


@cache
def version() -> str:
    """The last commit that changed the project's own code."""
    command = ["git", "log", "-1", "--format=%h", "--abbrev=12", "--", "plumbline"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def tasks(plan: Plan, peers: Sequence[str]) -> Iterator[Task]:
    """The own monitor's first, on all windows; then the peers on some."""
    for size, seeds in plan.seeds.items():
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
    records: list[Record] = []
    for task in tasks(plan, peers):
        if fresh or not task.path.exists():
            _keep(plan, task)
        records += read(task.path)
        print(f"{task.detector}, {task.size} rows, seed {task.seed}: done", flush=True)
    costs = [c for size in plan.measured for c in _costs(("plumbline", *peers), size, plan)]
    results = figures.document(records, _true_losses(plan), costs, plan.peers, plan.sample)
    return {**results, "plumbline": version(), "plan": plan.name}


def read(path: Path) -> list[Record]:
    """The records of a task."""
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [Record(**{**r, "columns": tuple(r["columns"]), "why": tuple(r["why"])}) for r in rows]


def _keep(plan: Plan, task: Task) -> None:
    population = Population(SIZES[task.size], task.seed)
    scenarios = plan.scenarios(task.size, task.group)
    if task.detector in REPORTS:
        records: Iterable[Record] = runs.judged(population, scenarios, task.detector, numbers=(0,))
    else:
        records = runs.judged(
            population, scenarios, task.detector, sample=plan.sample if task.sampled else None
        )
    task.path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(r.as_json(), sort_keys=True) + "\n" for r in records)
    task.path.write_text(text, encoding="utf-8")


def _true_losses(plan: Plan) -> dict[tuple[int, int, str], TrueLoss]:
    """By size, seed and scenario."""
    losses = {}
    for group, by_size in (("", plan.seeds), ("harmless", plan.harmless)):
        for size, seeds in by_size.items():
            for seed in seeds:
                for scenario in plan.scenarios(size, group):
                    population = Population(SIZES[size], seed)
                    losses[size, seed, scenario.name] = true_loss.true_loss(population, scenario)
    return losses


def _costs(names: Sequence[str], size: int, plan: Plan) -> Iterator[dict[str, Any]]:
    seed = plan.seeds[POOLED.get(size, size)][0]
    folder = Population(SIZES[size], seed).folder / "records"
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        path = folder / f"cost-{name}.json"
        if name == "plumbline" or not path.exists():
            command = [sys.executable, "-m", "bench.monitoring.cost", name, str(size), str(seed)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                last = done.stderr.strip().splitlines()[-1:] or ["no output"]
                yield {"detector": name, "rows": size, "failed": last[0][:200]}
                continue
            path.write_text(done.stdout, encoding="utf-8")
        yield json.loads(path.read_text(encoding="utf-8"))


def prepare(plan: Plan) -> int:
    """Write all streams of a plan ahead of a run; how many there are."""
    count = 0
    for group, by_size in (("", plan.seeds), ("harmless", plan.harmless)):
        for size, seeds in by_size.items():
            for seed in seeds:
                for scenario in plan.scenarios(size, group):
                    streams.stream(Population(SIZES[size], seed), scenario)
                    count += 1
    return count
