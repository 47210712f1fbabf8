"""What a request costs beside an echo and beside MLflow's own server: `python -m bench.serving_load`.

Loaded one after the other, within minutes: an echo on the same stack, the service, the service without its log, and
`mlflow models serve` on the same bundle. Each gets the same rate in an open loop (`plumbline loadtest`). The service
starts from the histories of the first midnight of the current window and gets its events as they were.
Printed with the load of the machine, which latencies depend on; CPU per request hardly does.

Run after `dvc repro`: python -m bench.serving_load [usecase] [--rate 200] [--seconds 30] [--json FILE]
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq

from bench import serving_parity
from plumbline.core import usecase_loader
from plumbline.core.usecase import FeatureSet
from plumbline.model import admission, bundle
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.serve import event_table, scoring
from plumbline.studies.loadtest import echo, http_client, load_events, study
from plumbline.studies.loadtest.load_record import Load
from plumbline.studies.loadtest.study import LoadPlan
from plumbline.tracking import mlflow_worker

WITHOUT_LOG = """
import sys
from plumbline.__main__ import main
from plumbline.serve.log.prediction_log import PredictionLog
PredictionLog.append = lambda *_: None
sys.exit(main(sys.argv[1:]))
"""
START_SECONDS = 120.0
SMALL = 2_000
"""Requests that MLflow's server gets again and again: it keeps no state."""


@dataclass(frozen=True)
class Measured:
    """A server's figures, and the seconds from its start until it answered."""

    name: str
    load: Load
    ready: float | None


def main(name: str, rate: float, seconds: float, target: Path | None) -> None:
    """Print the figures of each server, and what the service's are beside the others'."""
    replay = serving_parity.planned(Path("."), name, 1)
    plan = LoadPlan("", rate=rate, seconds=seconds, clock="events", with_echo=False)
    events = _events(replay.usecase, study.needed(plan))
    done = [_echo(replay.usecase, events, plan)]
    done += [_service(name, replay, events, plan, logged) for logged in (True, False)]
    done.append(_mlflow(name, replace(plan, clock="system")))
    for one in done:
        _print(one)
    yardstick, served, unlogged, other = (one.load.cpu_micros or float("nan") for one in done)
    busy = psutil.getloadavg()[0]
    print(
        f"CPU per request of the service: {served / yardstick:.1f} times the echo's, {served / other:.2f} of MLflow's "
        f"server, {served / unlogged - 1:+.1%} with its log; load of the machine {busy:.1f} on {os.cpu_count()} cores"
    )
    if target:
        plain = {one.name: {**one.load.plain(), "ready": one.ready} for one in done}
        target.write_text(json.dumps({"machine_load": busy, **plain}, indent=1) + "\n")


def _events(usecase: FeatureSet, count: int) -> list[dict[str, Any]]:
    table = artifacts.path(usecase.name, Role.TEST_TABLE)
    return load_events.read(usecase, table, count)


def _echo(usecase: FeatureSet, events: list[dict[str, Any]], plan: LoadPlan) -> Measured:
    bodies = load_events.Bodies(usecase, events)
    with echo.serving() as (url, pid):
        load = study.loaded(
            http_client.address(url), plan, "/v1/x/score", bodies.of, plan.seconds, pid
        )
    return Measured("echo", load, None)


def _service(
    name: str,
    replay: serving_parity.Replay,
    events: list[dict[str, Any]],
    plan: LoadPlan,
    logged: bool,
) -> Measured:
    """The service on histories up to the first event's midnight."""
    words = ["-m", "plumbline"] if logged else ["-c", WITHOUT_LOG]
    bodies = load_events.Bodies(replay.usecase, events, 1, "events")
    with tempfile.TemporaryDirectory(prefix="plumbline-") as scratch:
        folder = serving_parity.project(Path("."), Path(scratch), replay)
        options = ["serve", name, "--clock", "events"]
        with _running([*words, *options], folder, "/readyz") as (port, pid, ready):
            at = http_client.address(f"http://127.0.0.1:{port}")
            load = study.loaded(at, plan, f"/v1/{name}/score", bodies.of, plan.seconds, pid)
    return Measured("service" if logged else "service without log", load, ready)


def _mlflow(name: str, plan: LoadPlan) -> Measured:
    """`mlflow models serve` on the bundle, registered in an MLflow of its own."""
    model = artifacts.path(name, Role.BUNDLE).resolve()
    with tempfile.TemporaryDirectory(prefix="plumbline-") as scratch:
        _register(Path(scratch), name, model)
        words = ["-m", "mlflow", "models", "serve", "-m", f"models:/{name}@champion"]
        more = {
            "MLFLOW_TRACKING_URI": f"sqlite:///{scratch}/mlflow.db",
            admission.VARIABLE: admission.digest(model),
            "PYTHONPATH": str(serving_parity.ROOT),
        }
        words += ["--env-manager", "local", "--workers", "1"]
        with _running(words, Path(scratch), "/ping", more) as (port, pid, ready):
            at, bodies = http_client.address(f"http://127.0.0.1:{port}"), _frames(name, model)

            def of(offsets: Sequence[float]) -> list[bytes]:
                return [bodies[i % len(bodies)] for i in range(len(offsets))]

            load = study.loaded(at, plan, "/invocations", of, plan.seconds, pid)
    return Measured("mlflow models serve", load, ready)


def _register(folder: Path, name: str, model: Path) -> None:
    mlflow_worker.register({
        "address": f"sqlite:///{folder}/mlflow.db", "artifacts": (folder / "files").as_uri(),
        "experiment": name, "name": "register", "params": {}, "metrics": {}, "start": 0, "end": 0,
        "run": None, "run_tags": {}, "tags": {"md5": name}, "trials": [], "files": [],
        "folder": str(model), "alias": "champion",
    })  # fmt: skip


def _frames(name: str, model: Path) -> list[bytes]:
    """Bodies of one raw event with its histories, as MLflow's server takes them."""
    usecase = usecase_loader.load_features(name)
    needed = event_table.histories(usecase, scoring.wanted(bundle.described(model)[0]))
    columns = [*(c.name for c in usecase.known), *needed]
    table = pq.read_table(artifacts.path(name, Role.TEST_TABLE), columns=columns).slice(0, SMALL)
    frame = table.to_pandas()
    texts = (
        frame[i : i + 1].to_json(orient="split", index=False, date_format="iso")
        for i in range(len(frame))
    )
    return [f'{{"dataframe_split": {text}}}'.encode() for text in texts]


@contextmanager
def _running(
    words: Sequence[str], folder: Path, path: str, more: Mapping[str, str] | None = None
) -> Iterator[tuple[int, int, float]]:
    """A server while the block runs: port, process, and the seconds until it answered."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *words, "--port", str(port)],
        cwd=folder,
        env={**os.environ, **(more or {})},
    )
    try:
        _wait(process, port, path)
        yield port, process.pid, time.monotonic() - began
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, path: str) -> None:
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with closing(connection), suppress(OSError, http.client.HTTPException):
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        time.sleep(0.02)
    raise SystemExit("the server did not start; see above")


def _print(one: Measured) -> None:
    load, latency = one.load, one.load.latency
    ready = "" if one.ready is None else f", ready after {one.ready:.1f} s"
    cpu = "?" if load.cpu_micros is None else f"{load.cpu_micros:,.0f}"
    print(
        f"{one.name}: p50 {latency.p50:.2f}, p95 {latency.p95:.2f}, p99 {latency.p99:.2f} ms, errors {load.errors}, CPU per "
        f"request {cpu} µs, {load.resident_mib or 0:,.0f} MiB{ready}",
        flush=True,
    )
    if load.errors:
        print(f"  {load.statuses}; the first: {load.first_error}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("usecase", nargs="?", default="card_fraud")
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    main(given.usecase, given.rate, given.seconds, given.json)
