"""Change the serving process under load and count what was lost: `python -m bench.serving_handover`.

A service of the checkout answers clients that send each event once. Meanwhile processes replace one another
(`plumbline serve --replace`). Every request that was not answered is lost, and so is an answer whose row the
prediction log lacks. With and without keep-alive; at the end SIGTERM, and the log is read.
"""

from __future__ import annotations

import argparse
import http.client
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.core.usecase_loader import load_features
from plumbline.ops.serving import places
from plumbline.serve.http import control
from plumbline.serve.log.reader import LogReader
from plumbline.serve.online import examples

PORT = 8467
HEADERS = {"content-type": "application/json"}


@dataclass
class Load:
    """Clients that send events, and what became of them."""

    usecase: FeatureSet
    keep_alive: bool
    first_key: int
    answered: set[int] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)
    slowest: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, keys: range) -> None:
        """One client: its events, one after the other."""
        connection: http.client.HTTPConnection | None = None
        for key in keys:
            began = time.monotonic()
            connection = connection or http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
            try:
                closes = self._one(connection, key)
                error = ""
            except (OSError, http.client.HTTPException) as problem:
                closes, error = True, repr(problem)
            with self.lock:
                self.slowest = max(self.slowest, time.monotonic() - began)
                if error:
                    self.lost.append(error)
            if closes:
                connection.close()
                connection = None

    def _one(self, connection: http.client.HTTPConnection, key: int) -> bool:
        connection.request("POST", f"/v1/{self.usecase.name}/score", self._body(key), HEADERS)
        answer = connection.getresponse()
        body = answer.read()
        with self.lock:
            if answer.status == 200:
                self.answered.add(key)
            else:
                self.lost.append(f"{answer.status} {body[:200].decode()}")
        return not self.keep_alive or answer.getheader("connection") == "close"

    def _body(self, key: int) -> bytes:
        now = datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=30)
        event: dict[str, Any] = {**examples.event(self.usecase, now), self.usecase.key: key}
        return json.dumps({"events": [event]}).encode()


def started(usecase: str, *options: str) -> subprocess.Popen[bytes]:
    """A process of `plumbline serve` that is ready, where it replaces none."""
    words = [sys.executable, "-m", "plumbline", "serve", usecase, "--port", str(PORT), *options]
    return subprocess.Popen(words)


def ready(process: subprocess.Popen[bytes]) -> float:
    """Seconds until this process answers; SystemExit where it ends before."""
    began = time.monotonic()
    while process.poll() is None and time.monotonic() - began < 60:
        try:
            if control.call(places.control(Path(".")), {"do": "stats"})["pid"] == process.pid:
                return time.monotonic() - began
        except PlumblineError:
            pass
        time.sleep(0.1)
    raise SystemExit(f"the process did not become ready (exit code {process.poll()})")


def measure(
    usecase: FeatureSet, requests: int, changes: int, clients: int, keep_alive: bool
) -> dict[str, Any]:
    """One run: a load of so many requests, under which processes change so often."""
    load = Load(usecase, keep_alive, time.time_ns() // 1000)
    process = started(usecase.name)
    ready(process)
    shares = [range(load.first_key + i, load.first_key + requests, clients) for i in range(clients)]
    with ThreadPoolExecutor(clients) as pool:
        sending = [pool.submit(load.send, share) for share in shares]
        for _ in range(changes):
            time.sleep(1)
            successor = started(usecase.name, "--replace")
            ready(successor)
            assert process.wait(60) == 0
            process = successor
        under_load = not all(one.done() for one in sending)
        for one in sending:
            one.result()
    process.send_signal(signal.SIGTERM)
    code = process.wait(60)
    logged = [row.key for row in LogReader(places.log(Path("."), usecase.name)).rows()]
    return {
        "keep_alive": keep_alive,
        "requests": requests,
        "answered": len(load.answered),
        "lost": len(load.lost),
        "errors": load.lost[:3],
        "answered_not_logged": len(load.answered - set(logged)),
        "logged_twice": len(logged) - len(set(logged)),
        "changes": changes,
        "under_load_to_the_last_change": under_load,
        "slowest_seconds": round(load.slowest, 3),
        "exit_code": code,
    }


def main() -> None:
    """Print a line of JSON per run; exit with 1 where anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("usecase", nargs="?", default="card_fraud")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--changes", type=int, default=1)
    parser.add_argument("--clients", type=int, default=8)
    given = parser.parse_args()
    usecase = load_features(given.usecase)
    folder = places.folder(Path("."), usecase.name)
    if folder.exists():
        raise SystemExit(f"{folder}: a service was run here; use a clone, or remove the folder")
    lost = 0
    try:
        for keep_alive in (True, False):
            found = measure(usecase, given.requests, given.changes, given.clients, keep_alive)
            lost += found["lost"] + found["answered_not_logged"] + found["logged_twice"]
            print(json.dumps(found), flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(int(lost > 0))


if __name__ == "__main__":
    main()
