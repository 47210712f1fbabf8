"""MLflow as it is: what is written, what happens when it is down, locked, broken or hanging."""

from __future__ import annotations

import http.server
import json
import logging
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from plumbline import lock, tracking
from plumbline.tracking import Trial
from tests.conftest import ROOT

READ = """
import json, sys
from mlflow.tracking import MlflowClient
client = MlflowClient(sys.argv[1], sys.argv[1])
found = {"runs": [], "versions": []}
for e in client.search_experiments(filter_string="name = 'parcels'"):
    for r in client.search_runs([e.experiment_id]):
        files = [f.path for f in client.list_artifacts(r.info.run_id)]
        found["runs"].append({"id": r.info.run_id, "name": r.info.run_name, "status": r.info.status,
            "tags": r.data.tags, "params": r.data.params, "metrics": r.data.metrics, "files": files,
            "seconds": (r.info.end_time - r.info.start_time) / 1000})
for v in client.search_model_versions("name = 'parcels'"):
    v = client.get_model_version(v.name, v.version)
    files = [f.path for f in client.list_artifacts(v.run_id, "bundle")]
    found["versions"].append({"version": str(v.version), "tags": v.tags, "aliases": list(v.aliases), "files": files})
print(json.dumps(found))
"""
GRAPH = """
stages:
  cook: {deps: [raw.txt, cook.py], outs: [table.txt]}
  train: {deps: [table.txt], outs: ["model/${item.usecase}"]}
"""
LOCK = "stages: {cook@parcels: {outs: [{path: table.txt, md5: from-the-lock}]}}"


def read(address: str = "sqlite:///mlflow.db") -> dict[str, Any]:
    """What is in MLflow, by its own client in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", READ, address], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def record(**changed: Any) -> str | None:
    """A run of train."""
    given = {"params": {"eta": 0.1}, "metrics": {"mae": 2.5}, **changed}
    return tracking.record("parcels", "train", **given)


@pytest.fixture(scope="module", autouse=True)
def ended() -> Iterator[None]:
    """The process beside the stage ends with this module."""
    yield
    tracking.close()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project; MLflow at its default address."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("DVC_STAGE", raising=False)
    return tmp_path


def bundle(text: str = "trees") -> Path:
    path = Path("model/parcels")
    path.mkdir(parents=True, exist_ok=True)
    (path / "bundle.json").write_text("{}")
    (path / "model.ubj").write_text(text)
    return path


def test_a_run_with_trials_files_and_tags(folder: Path):
    for words in (["init", "-q"], ["add", "a.txt"], ["commit", "-qm", "one"]):
        Path("a.txt").write_text("a")
        name = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
        subprocess.run(["git", *name, *words], check=True)
    Path("dvc.yaml").write_text(GRAPH)
    Path("table.txt").write_text("table")
    bundle()
    trials = [
        Trial("trial 1", {"eta": 0.1}, {"mae": 3.0, "rounds": 4}),
        Trial("trial 2", {"eta": 9}, {"mae": None}, failed=True, tags={"reason": "too fast: 9"}),
    ]
    many = {f"p{i}": i for i in range(130)}
    metrics = {"mae": 2.5, "nothing": None, "nan": float("nan"), "inf": float("inf")}
    run = record(params=many, metrics=metrics, trials=trials, files=[Path("model/parcels/bundle.json")])

    runs = {r["name"]: r for r in read()["runs"]}
    main, first, second = runs["train"], runs["trial 1"], runs["trial 2"]
    assert (main["id"], main["status"], main["metrics"]) == (run, "FINISHED", {"mae": 2.5})
    assert main["params"] == {k: str(v) for k, v in many.items()}
    assert main["files"] == ["bundle.json"]
    assert 0 < main["seconds"] < 3600
    tags = main["tags"]
    assert (tags["usecase"], tags["stage"], tags["git.dirty"]) == ("parcels", "train", "false")
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert tags["git.commit"] == commit.stdout.strip()
    assert tags["md5/table.txt"] == lock.md5(Path("table.txt"))
    assert tags["md5/model/parcels"] == lock.md5(Path("model/parcels"))
    assert first["tags"]["mlflow.parentRunId"] == second["tags"]["mlflow.parentRunId"] == run
    assert (first["status"], first["metrics"]) == ("FINISHED", {"mae": 3.0, "rounds": 4.0})
    assert (second["status"], second["tags"]["reason"]) == ("FAILED", "too fast: 9")


def test_a_changed_file_is_dirty_but_not_what_the_run_writes():
    for name in ("a.txt", "dvc.lock", "metrics/x.json"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("one")
    name = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run(["git", *name, *words], check=True)
    for changed, dirty in (("dvc.lock", "false"), ("metrics/x.json", "false"), ("a.txt", "true")):
        Path(changed).write_text("two")
        assert tracking._tags("parcels", "train")["git.dirty"] == dirty


def test_md5s_come_from_the_lock_in_a_run_by_dvc_only(monkeypatch: pytest.MonkeyPatch):
    Path("dvc.yaml").write_text(GRAPH)
    Path("dvc.lock").write_text(LOCK)
    Path("table.txt").write_text("table")
    bundle()
    assert tracking.md5s("parcels", "train")["table.txt"] == lock.md5(Path("table.txt"))
    monkeypatch.setenv("DVC_STAGE", "train@parcels")
    found = tracking.md5s("parcels", "train")
    assert found == {"table.txt": "from-the-lock", "model/parcels": lock.md5(Path("model/parcels"))}
    assert tracking.md5s("parcels", "unknown") == {}


def test_a_bundle_is_registered_once_and_the_alias_moves():
    one = bundle()
    run = record()
    assert tracking.register("parcels", one, run, "challenger", {"verdict": "pass"}) == "1"
    assert tracking.register("parcels", one, run, "challenger", {"verdict": "again"}) == "1"
    first = lock.md5(one)
    assert tracking.register("parcels", bundle("other trees"), None, "challenger") == "2"
    versions = {v["version"]: v for v in read()["versions"]}
    assert versions["1"]["tags"] == {"md5": first, "verdict": "again"}
    assert versions["2"]["tags"] == {"md5": lock.md5(one)}
    assert (versions["1"]["aliases"], versions["2"]["aliases"]) == ([], ["challenger"])
    assert versions["1"]["files"] == versions["2"]["files"] == ["bundle/bundle.json", "bundle/model.ubj"]
    assert tracking.register("parcels", bundle(), None, "challenger") == "1"


def test_a_deleted_experiment_comes_back():
    record()
    with closing(sqlite3.connect("mlflow.db")) as database, database:
        database.execute("UPDATE experiments SET lifecycle_stage = 'deleted' WHERE name = 'parcels'")
    assert record() is not None
    assert len(read()["runs"]) == 2


WRITE = """
import sys
from plumbline import tracking
print(tracking.record("parcels", sys.argv[1], params={}, metrics={"mae": 1.0}))
"""


def test_stages_at_once_make_one_file_together():
    stages = ("tune", "train", "evaluate")
    start: Callable[[str], subprocess.Popen[str]] = lambda s: subprocess.Popen(  # noqa: E731
        [sys.executable, "-c", WRITE, s],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    running = [start(s) for s in stages]
    for process in running:
        out, err = process.communicate(timeout=120)
        assert len(out.strip()) == 32, err
    assert sorted(r["name"] for r in read()["runs"]) == sorted(stages)


@contextmanager
def warned(caplog: pytest.LogCaptureFixture, message: str, seconds: float) -> Iterator[None]:
    """The block warns once, with `message`, and takes less than `seconds`."""
    caplog.clear()
    started = time.perf_counter()
    yield
    assert time.perf_counter() - started < seconds
    (text,) = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert message in text and "The stage goes on" in text


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a socket that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


class HealthyOnly(http.server.BaseHTTPRequestHandler):
    """A server that says it is well and hangs on everything else."""

    def do_GET(self) -> None:
        if self.path == "/health":
            self.send_response(200)
            self.end_headers()
        else:
            time.sleep(9)

    do_POST = do_GET

    def log_message(self, *args: Any) -> None:
        pass


def test_nothing_listens(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    with warned(caplog, "Connection refused", 3):
        assert record() is None
    with warned(caplog, "the registration of model/parcels is not in MLflow", 3):
        assert tracking.register("parcels", bundle(), None, "challenger") is None


def test_a_server_that_never_answers(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, silent: int
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent}")
    with warned(caplog, "timed out", 6):
        assert record() is None


def test_a_server_that_hangs_later(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    tracking.warm()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), HealthyOnly)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_port}")
    with warned(caplog, "timed out", 20):
        assert record() is None
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_locked_file(caplog: pytest.LogCaptureFixture):
    record()
    with closing(sqlite3.connect("mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with warned(caplog, "database is locked", 6):
            assert record() is None
        other.execute("ROLLBACK")
    assert record() is not None


def test_a_broken_file(caplog: pytest.LogCaptureFixture):
    Path("mlflow.db").write_bytes(b"not a database, by far " * 100)
    with warned(caplog, "file is not a database; if it stays so, delete the file", 2):
        assert record() is None


def test_a_file_of_another_program(caplog: pytest.LogCaptureFixture):
    with closing(sqlite3.connect("mlflow.db")) as database, database:
        database.execute("CREATE TABLE experiments (name TEXT)")
    with warned(caplog, "this run of train is not in MLflow", 60):
        assert record() is None


def test_no_answer_in_time_and_a_death_are_survived(caplog: pytest.LogCaptureFixture):
    tracking.close()
    with pytest.raises(tracking.Unreachable, match=r"no answer in 0\.01 s"):
        tracking._worker().ask({"action": "record"}, patience=0.01)
    tracking._worker().process.kill()
    with warned(caplog, "the process that talks to MLflow ended", 60):
        assert record() is None
    assert record() is not None


def test_off_starts_nothing(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    tracking.close()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "off")
    tracking.warm()
    assert record() is None
    assert not caplog.records
    assert not tracking._worker.cache_info().currsize


def test_no_git_no_tags(monkeypatch: pytest.MonkeyPatch):
    assert tracking._tags("parcels", "train") == {"usecase": "parcels", "stage": "train"}
    monkeypatch.setenv("PATH", "")
    assert tracking._git("status") is None


@pytest.fixture
def server(folder: Path) -> Iterator[str]:
    """A real MLflow server."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["--port", str(port), "--workers", "1", "--backend-store-uri", "sqlite:///server.db"]
    words += ["--artifacts-destination", "kept", "--host", "127.0.0.1"]
    with open("server.log", "w") as log:  # noqa: PTH123
        process = subprocess.Popen([sys.executable, "-m", "mlflow", "server", *words], stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            tracking._probe_server(f"{address}/health")
            break
        except tracking.Unreachable:
            time.sleep(0.2)
    yield address
    process.terminate()
    process.wait(30)


def test_a_real_server(monkeypatch: pytest.MonkeyPatch, server: str):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    run = record(trials=[Trial("trial 1", {}, {"mae": 3.0})], files=[bundle() / "bundle.json"])
    assert tracking.register("parcels", bundle(), run, "challenger") == "1"
    found = read(server)
    assert {r["name"] for r in found["runs"]} == {"train", "trial 1"}
    assert found["versions"][0]["aliases"] == ["challenger"]
    assert found["versions"][0]["files"] == ["bundle/bundle.json", "bundle/model.ubj"]
    assert not Path("mlflow.db").exists()
