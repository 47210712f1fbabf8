"""What the prediction log costs a request: `python -m bench.serving_log_cost`.

Two services of this checkout's bundle run beside each other, one of which keeps no log. Both get the same open-loop
load in turns, and their CPU time per request is compared.

Run after `dvc repro`: python -m bench.serving_log_cost [usecase] [--rate 200] [--seconds 10] [--turns 6]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench.serving_kills import LATE_DAYS, Service, project, ready
from plumbline.core.usecase_loader import load_features
from plumbline.ops.serving import compose, process
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.serve.log.prediction_log import PredictionLog
from plumbline.serve.protocols import Claim, Key, LoggedEvent, LoggedOutcome
from plumbline.studies.loadtest import http_client, load_events, study
from plumbline.studies.loadtest.load_record import Load


class NoLog(PredictionLog):
    """A log that keeps nothing and knows nothing."""

    def find(self, _key: Key, _time: int | None) -> Claim | None:
        """No key is known."""
        return None

    def append(self, rows: Sequence[LoggedEvent | LoggedOutcome]) -> None:
        """Take the sequence, and forget the rows."""
        self._last, self._taken = self._last + len(rows), 0

    async def durable(self) -> None:
        """At once."""


def started(folder: Path, name: str, log: bool) -> Service:
    """A service with or without a log, in a project of its own."""
    words = [sys.executable, "-m", "bench.serving_log_cost", name, "--serve", str(folder)]
    command = words if log else [*words, "--no-log"]
    return ready(folder, name, subprocess.Popen(command, stderr=subprocess.DEVNULL))


def measured(service: Service, plan: study.LoadPlan, name: str, table: Path) -> Load:
    """One turn of the load."""
    usecase = load_features(name)
    events = load_events.read(usecase, table, 5000)
    target = http_client.address(f"http://{service.address}", None)
    bodies, path = load_events.Bodies(usecase, events), f"/v1/{name}/score"
    return study.loaded(target, plan, path, bodies.of, plan.seconds, service.process.pid)


def main() -> None:
    """Print a line of JSON; exit with 1 where the log costs more than 5 % of a request's CPU."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("usecase", nargs="?", default="card_fraud")
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--no-log", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        if given.no_log:
            compose.PredictionLog = NoLog  # type: ignore[misc]
        start = process.Start([given.usecase], {"port": 0, "late_days": LATE_DAYS})
        process.run(given.serve, start)
        return
    plan = study.LoadPlan("", rate=given.rate, seconds=given.seconds, warmup=1.0)
    table = artifacts.path(given.usecase, Role.TEST_TABLE, Path("."))
    costs: dict[bool, list[float]] = {True: [], False: []}
    with tempfile.TemporaryDirectory(prefix="plumbline-") as scratch:
        services = {
            log: started(
                project(Path("."), Path(scratch) / f"log-{log}", given.usecase, durable=False),
                given.usecase,
                log,
            )
            for log in (True, False)
        }
        try:
            for turn in range(given.turns):
                for log in (True, False) if turn % 2 else (False, True):
                    load = measured(services[log], plan, given.usecase, table)
                    costs[log].append(load.cpu_micros or 0.0)
        finally:
            for service in services.values():
                service.process.terminate()
                service.process.wait()
    ratios = [on / off for on, off in zip(costs[True], costs[False], strict=True)]
    share = median(ratios) - 1
    line = {
        "rate": given.rate,
        "cpu_us_with_log": [round(one) for one in costs[True]],
        "cpu_us_without": [round(one) for one in costs[False]],
        "log_share": round(share, 4),
    }
    print(json.dumps(line))
    sys.exit(int(share > 0.05))


if __name__ == "__main__":
    main()
