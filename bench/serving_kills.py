"""Kill a service under load and count what is lost: `python -m bench.serving_kills`.

A service of this checkout's bundle runs in a project of its own while clients send events. It is killed (SIGKILL) at a
random moment, again and again, once with rows that the operating system
has before their answer, and once `durable`. After each kill the
log is read: which answers it lacks, and in what time they were given. The process that follows must have the
histories that the log's rows add up to. At last events are sent again, shuffled and by many clients: the same
bytes, and nothing counted; and SIGTERM under load loses nothing.

Run after `dvc repro`: python -m bench.serving_kills [usecase] [--kills 20]
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.core.usecase_loader import load_features
from plumbline.ops.serving import places
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.serve import seed
from plumbline.serve.http import control
from plumbline.serve.log.reader import LogReader
from plumbline.serve.state import embedded
from plumbline.studies.loadtest import load_events

LINKED = (
    "plumbline", "usecases", "data", "models", "reports", "dvc.yaml", "dvc.lock", "feature_store",
)  # fmt: skip
CLIENTS = 4
PROBES = 50
LATE_DAYS = 7
Event = dict[str, Any]


def project(root: Path, folder: Path, name: str, durable: bool) -> Path:
    """A project whose outs are this checkout's, and whose service is its own."""
    folder.mkdir()
    for one in LINKED:
        (folder / one).symlink_to((root / one).resolve())
    params = yaml.safe_load((root / "params.yaml").read_text())
    params |= {"usecases": [name], "serve": {"durable": durable, "late_days": LATE_DAYS}}
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    return folder


@dataclass
class Service:
    """A running `plumbline serve`."""

    folder: Path
    name: str
    process: subprocess.Popen[bytes]
    address: str

    def post(self, path: str, body: bytes) -> bytes:
        """The answer's body; AssertionError for a refusal."""
        connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            connection.request("POST", f"/v1/{self.name}/{path}", body)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        assert answer.status == 200, (answer.status, text[:300])
        return text

    def end(self, how: signal.Signals) -> float:
        """Send the signal and wait; when it was sent."""
        self.process.send_signal(how)
        at = time.monotonic()
        self.process.wait()
        return at


def started(folder: Path, name: str) -> Service:
    """A service that is ready; SystemExit where it does not become so."""
    command = [sys.executable, "-m", "plumbline", "serve", name, "--port", "0"]
    return ready(folder, name, subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL))


def ready(folder: Path, name: str, process: subprocess.Popen[bytes]) -> Service:
    """The service of a process, once it answers; SystemExit where it does not become so."""
    end = time.monotonic() + 90
    while process.poll() is None and time.monotonic() < end:
        try:
            stats = control.call(places.control(folder), {"do": "stats"})
            if stats["phase"] == "serving" and stats["pid"] == process.pid:
                return Service(folder, name, process, str(stats["address"]).partition("//")[2])
        except (PlumblineError, OSError, ValueError):
            pass
        time.sleep(0.1)
    raise SystemExit("the service did not start")


@contextmanager
def running(folder: Path, name: str) -> Iterator[Service]:
    """A service that is ended with the block, whatever happens."""
    service = started(folder, name)
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.end(signal.SIGKILL)


@dataclass
class Load:
    """Clients that send events one after the other. `answers`: by key, when it came and its bytes."""

    service: Service
    usecase: FeatureSet
    events: list[Event]
    answers: dict[Any, tuple[float, bytes]] = field(default_factory=dict)
    sent: dict[Any, bytes] = field(default_factory=dict)
    stopped: bool = False

    def client(self, number: int) -> None:
        """Send until the service is gone, or `stopped`."""
        connection = http.client.HTTPConnection(self.service.address, timeout=10)
        try:
            while not self.stopped:
                self._one(connection, number)
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()

    def _one(self, connection: http.client.HTTPConnection, number: int) -> None:
        key = time.time_ns() * CLIENTS + number
        event = dict(random.choice(self.events))
        event[self.usecase.key] = key if isinstance(event[self.usecase.key], int) else str(key)
        event[str(self.usecase.time)] = datetime.now(UTC)
        key, body = event[self.usecase.key], load_events.body(self.usecase, [event])
        self.sent[key] = body
        connection.request("POST", f"/v1/{self.usecase.name}/score", body)
        answer = connection.getresponse()
        text = answer.read()
        at = time.monotonic()
        assert answer.status == 200, (answer.status, text[:300])
        self.answers[key] = (at, text)

    def start(self) -> list[threading.Thread]:
        """The clients' threads."""
        threads = [threading.Thread(target=self.client, args=(i,)) for i in range(CLIENTS)]
        for thread in threads:
            thread.start()
        return threads


@dataclass(frozen=True)
class Killed:
    """One kill: answers that came, and those the log lacks.

    `span`: milliseconds from the first lost answer to the last; `oldest`: age of the first at the kill.
    """

    answered: int
    lost: int
    span: float
    oldest: float
    gapless: bool
    same_state: bool


def kill(folder: Path, usecase: FeatureSet, events: list[Event], how: signal.Signals) -> Killed:
    """Serve, send, end the service after a second or so, and look at what is left."""
    with running(folder, usecase.name) as service:
        load = Load(service, usecase, events)
        threads = load.start()
        time.sleep(random.uniform(0.5, 2.0))
        at = service.end(how)
        load.stopped = True
        for thread in threads:
            thread.join()
    rows = list(LogReader(places.log(folder, usecase.name)).rows())
    logged = {row.key for row in rows}
    lost = [came for key, (came, _) in load.answers.items() if key not in logged]
    with running(folder, usecase.name) as service:
        same = same_histories(service, usecase, events)
        service.end(signal.SIGTERM)
    return Killed(
        answered=len(load.answers),
        lost=len(lost),
        span=(max(lost) - min(lost)) * 1000 if lost else 0.0,
        oldest=(at - min(lost)) * 1000 if lost else 0.0,
        gapless=[row.sequence for row in rows] == list(range(1, len(rows) + 1)),
        same_state=same,
    )


def same_histories(service: Service, usecase: FeatureSet, events: list[Event]) -> bool:
    """Whether the service's histories are those of the seed and all rows of the log, added up anew."""
    now = datetime.now(UTC)
    probes = [{**e, str(usecase.time): now} for e in random.sample(events, PROBES)]
    served = json.loads(service.post("features", load_events.body(usecase, probes)))["features"]
    tiles = seed.read(artifacts.path(usecase.name, Role.TILES, service.folder))
    rows = LogReader(places.log(service.folder, usecase.name)).rows()
    state = embedded.open_memory(usecase, tiles, rows, LATE_DAYS)
    names = [one.name for one in usecase.aggregates]
    naive = now.replace(tzinfo=None)
    for probe, one in zip(probes, served, strict=True):
        expected = state.values({**probe, str(usecase.time): naive})
        if [one["features"][name] for name in names] != expected:
            return False
    return True


def retried(folder: Path, usecase: FeatureSet, events: list[Event], count: int) -> dict[str, Any]:
    """Events sent twice more, shuffled, by many clients: how many answers differ, and what was counted."""
    with running(folder, usecase.name) as service:
        load = Load(service, usecase, events)
        threads = load.start()
        while len(load.answers) < count:
            time.sleep(0.05)
        load.stopped = True
        for thread in threads:
            thread.join()
        keys = list(load.answers)[:count] * 2
        random.shuffle(keys)
        before = _sequence(service)
        with ThreadPoolExecutor(8) as pool:
            again = list(pool.map(lambda key: service.post("score", load.sent[key]), keys))
        pairs = zip(keys, again, strict=True)
        different = sum(text != load.answers[key][1] for key, text in pairs)
        counted = _sequence(service) - before
        same = same_histories(service, usecase, events)
        service.end(signal.SIGTERM)
    return {"retries": len(keys), "different": different, "counted": counted, "same_state": same}


def _sequence(service: Service) -> int:
    stats = control.call(places.control(service.folder), {"do": "stats"})
    return int(stats["usecases"][service.name]["last_sequence"])


def main() -> None:
    """Print a line of JSON per run; exit with 1 where more was lost than may be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("usecase", nargs="?", default="card_fraud")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--retries", type=int, default=1000)
    given = parser.parse_args()
    usecase = load_features(given.usecase)
    table = artifacts.path(given.usecase, Role.TEST_TABLE, Path("."))
    events = load_events.read(usecase, table, 5000)
    bad = 0
    with tempfile.TemporaryDirectory(prefix="plumbline-") as scratch:
        for durable in (False, True):
            folder = project(Path("."), Path(scratch) / f"durable-{durable}", usecase.name, durable)
            kills = [kill(folder, usecase, events, signal.SIGKILL) for _ in range(given.kills)]
            bad += report("SIGKILL", durable, kills)
        ended = [kill(folder, usecase, events, signal.SIGTERM)]
        bad += report("SIGTERM", True, ended)
        again = retried(folder, usecase, events, given.retries // 2)
        bad += again["different"] + again["counted"] + (not again["same_state"])
        print(json.dumps(again))
    sys.exit(int(bad > 0))


def report(how: str, durable: bool, kills: list[Killed]) -> int:
    """Print what was lost; how many runs were worse than they may be."""
    wrong = [k for k in kills if k.lost or not k.gapless or not k.same_state]
    line = {
        "signal": how,
        "durable": durable,
        "runs": len(kills),
        "answered": sum(k.answered for k in kills),
        "lost": sum(k.lost for k in kills),
        "span_of_lost_ms": round(max(k.span for k in kills), 1),
        "oldest_lost_ms": round(max(k.oldest for k in kills), 1),
        "gapless": sum(k.gapless for k in kills),
        "state_is_fold_of_log": sum(k.same_state for k in kills),
        "wrong": len(wrong),
    }
    print(json.dumps(line), flush=True)
    return len(wrong)


if __name__ == "__main__":
    main()
