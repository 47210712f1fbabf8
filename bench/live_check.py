"""The check beside a service on the test window: `python -m bench.live_check`.

Windows of consecutive events of the test window, with the scores that the stage `evaluate` wrote, are judged as the service
judges a minute: how many have a finding though nothing was planted, and in how many each planted fault is found. And
what the check costs: microseconds of CPU per event, in the loop and beside it.

Run after `dvc repro`: python -m bench.live_check [usecase] [--size 500]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from plumbline.core.usecase_loader import load_features
from plumbline.ops.serving import bundles
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.serve.live_check import recorded
from plumbline.serve.live_check.check import LiveCheck
from plumbline.serve.live_check.window import Baseline, Seen
from plumbline.serve.routes import arms

WINDOWS = 20
"""Windows with each planted fault."""
Plant = Callable[[Seen], Seen]


class Replay:
    """The events of a test window, and the check with a clock of its own."""

    def __init__(self, name: str, size: int) -> None:
        self.usecase, self.size = load_features(name), size
        test = artifacts.path(name, Role.TEST_TABLE, Path("."))
        predictions = artifacts.path(name, Role.EVALUATE_REPORT, Path(".")) / bundles.PREDICTIONS
        golden = bundles.recorded(self.usecase, test, predictions)
        events, _ = arms.plain_events(self.usecase, golden.events)
        scores = np.array(golden.recorded.column("score").to_pylist()).reshape(-1, 1)
        bundle = artifacts.path(name, Role.BUNDLE, Path(".")) / "bundle.json"
        threshold = json.loads(bundle.read_text())["threshold"] or {}
        self.limit = threshold.get("value")
        known = recorded.distributions(self.usecase, events, scores)
        self.baseline = Baseline("md5", known, threshold.get("alarms"))
        self.seen = self._events(test, predictions)

    def _events(self, test: Path, predictions: Path) -> list[Seen]:
        key, answers = self.usecase.key, pq.read_table(predictions)
        score = dict(zip(answers.column(key).to_pylist(), answers.column("score").to_pylist()))  # noqa: B905
        rows = pq.read_table(test)
        types = {c.name: c.type for c in self.usecase.known}
        plain = [
            {n: arms._plain(row.get(n), kind) for n, kind in types.items()}
            for row in rows.to_pylist()
        ]
        plain.sort(key=lambda row: row[str(self.usecase.time)])
        limit = self.limit
        return [
            Seen(row, "md5", (s := score[row[key]]), None if limit is None else s >= limit)
            for row in plain
        ]

    def found(self, plant: Plant = lambda one: one, most: int = 10**9) -> list[list[str]]:
        """The findings of each window."""
        now = [0.0]
        check = LiveCheck(
            self.usecase, lambda: "md5", lambda _: self.baseline, clock=lambda: now[0]
        )
        result = []
        for start in range(0, len(self.seen) - self.size, self.size)[:most]:
            check.turn()
            check.seen([plant(one) for one in self.seen[start : start + self.size]])
            now[0] += 61
            check.turn()
            result.append([one.check for one in check.state.findings])
        return result

    def micros(self) -> tuple[float, float]:
        """Microseconds of CPU per event: to note it, and to count it."""
        check = LiveCheck(self.usecase, lambda: "md5", lambda _: self.baseline)
        check.turn()
        begin = time.process_time()
        for one in self.seen[:5000]:
            check.seen([Seen(*one)])
        noted = time.process_time()
        check.turn()
        count = min(len(self.seen), 5000)
        return (noted - begin) / count * 1e6, (time.process_time() - noted) / count * 1e6


def faults(replay: Replay) -> dict[str, Plant]:
    """A unit error and a default in each column that is watched, and a flood of alarms."""
    watched = replay.baseline.watched
    columns = [c for c in recorded.columns(replay.usecase) if c.name in watched]
    result: dict[str, Plant] = {}
    for column in columns:
        name = column.name
        if column.type in ("int", "float"):
            result[f"{name} x 100"] = lambda one, n=name: _with(one, n, (one.event[n] or 0) * 100)
        result[f"{name} lost"] = lambda one, n=name: _with(one, n, None)
    if replay.limit is not None:
        result["one event in five an alarm"] = lambda one: one._replace(
            alarm=one.alarm or int(one.event[replay.usecase.key]) % 5 == 0
        )
    return result


def _with(one: Seen, name: str, value: object) -> Seen:
    return one._replace(event={**one.event, name: value})


def main() -> None:
    """Print a line of JSON; exit with 1 where a quiet window has a finding or a planted fault is not found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("usecase", nargs="?", default="card_fraud")
    parser.add_argument("--size", type=int, default=500)
    given = parser.parse_args()
    replay = Replay(given.usecase, given.size)
    quiet = replay.found()
    planted = {
        name: sum(map(bool, replay.found(plant, WINDOWS))) for name, plant in faults(replay).items()
    }
    note, count = replay.micros()
    line = {
        "windows": len(quiet),
        "quiet_with_a_finding": sum(map(bool, quiet)),
        "found_of": min(WINDOWS, len(quiet)),
        "planted": planted,
        "unwatched": sorted(replay.baseline.distributions.keys() - replay.baseline.watched),
        "us_in_the_loop": round(note, 2),
        "us_beside": round(count, 2),
    }
    print(json.dumps(line))
    missed = [name for name, count_ in planted.items() if count_ < line["found_of"]]
    sys.exit(int(bool(line["quiet_with_a_finding"] or missed)))


if __name__ == "__main__":
    main()
