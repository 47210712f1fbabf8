"""The four policies beside each other: money lost over some seeds, with intervals. Two processes at a time."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from bench.year import policies
from bench.year.calendar import Year

POLICIES = {"frozen": policies.Frozen, "loop": policies.Loop, "weekly": policies.Weekly}
NAMES = ("nothing", *POLICIES)


@dataclass(frozen=True)
class Played:
    """A policy's year at a seed: `costs` and `nothing` in cents by served day, and what it did."""

    seed: int
    policy: str
    costs: tuple[float, ...]
    nothing: tuple[float, ...]
    trained: int
    happenings: tuple[Mapping[str, str], ...]
    seconds: float  # of processor time


def play(year: Year, name: str) -> Played:
    """Run a policy through the year."""
    began, policy = time.process_time(), POLICIES[name]()
    days = list(policies.run(year, policy))
    return Played(
        year.seed,
        name,
        tuple(d.cost.cents for d in days),
        tuple(d.nothing for d in days),
        policy.trained,
        tuple({"day": str(h.day), "what": h.what, "why": h.why} for h in policy.happenings),
        time.process_time() - began,
    )


def played(year: Year, seeds: Sequence[int], processes: int = 2) -> Iterator[Played]:
    """Every policy at every seed, as they end."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        jobs = [
            pool.submit(play, replace(year, seed=seed), name)
            for seed in seeds
            for name in ("loop", "weekly", "frozen")
        ]
        for job in as_completed(jobs):
            yield job.result()


def write(path: Path, year: Year, runs: Sequence[Played]) -> None:
    """The runs as JSON, in order, each on a line; costs in whole cents."""
    ordered = sorted(runs, key=lambda r: (r.seed, r.policy))
    lines = ",\n".join(json.dumps(_rounded(asdict(r))) for r in ordered)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = f'{{"year": {json.dumps(asdict(year))}, "runs": [\n{lines}\n]}}\n'
    path.write_text(text, encoding="utf-8")


def _rounded(run: dict[str, Any]) -> dict[str, Any]:
    whole = {n: [round(v) for v in run[n]] for n in ("costs", "nothing")}
    return {**run, **whole, "seconds": round(run["seconds"], 1)}


def totals(runs: Sequence[Mapping[str, Any]]) -> dict[str, dict[int, float]]:
    """Units of money lost in the whole year, by policy and seed."""
    result: dict[str, dict[int, float]] = {name: {} for name in NAMES}
    for run in runs:
        result[run["policy"]][run["seed"]] = sum(run["costs"]) / 100
        result["nothing"][run["seed"]] = sum(run["nothing"]) / 100
    return result


def mean(values: Sequence[float]) -> tuple[float, float, float]:
    """The mean over seeds, and its 95 % interval by Student's t; NaN with fewer than two seeds."""
    from scipy.stats import t

    if len(values) < 2:
        return float(np.mean(values)), float("nan"), float("nan")
    error = float(np.std(values, ddof=1) / np.sqrt(len(values)) * t.ppf(0.975, len(values) - 1))
    return float(np.mean(values)), float(np.mean(values)) - error, float(np.mean(values)) + error


def lines(runs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The table for people: money lost, and the loop's paired differences to the others."""
    lost = totals(runs)
    seeds = sorted(lost["loop"])
    yield f"money lost, {len(seeds)} seeds; mean [95 % interval]; retrainings"
    for name in NAMES:
        own = [lost[name][s] for s in seeds]
        trained = [r["trained"] for r in runs if r["policy"] == name]
        count = f"{np.mean(trained):5.1f}" if trained else "    -"
        yield f"  {name:8} {_interval(own)}  {count}"
    for name in ("nothing", "frozen", "weekly"):
        yield f"  loop - {name:8} {_interval([lost['loop'][s] - lost[name][s] for s in seeds])}"


def _interval(values: Sequence[float]) -> str:
    middle, low, high = mean(values)
    return f"{middle:12,.0f} [{low:12,.0f}, {high:12,.0f}]"
