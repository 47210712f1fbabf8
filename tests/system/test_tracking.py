"""MLflow as it is: what is written, what happens when it is down, locked, broken or hanging."""

from __future__ import annotations

import http.server
import json
import logging
import os
import shutil
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

import pandas as pd
import pytest

from plumbline.core import dvc_hash
from plumbline.model import admission
from plumbline.runtime import run_records as runs
from plumbline.tracking import mlflow_process
from plumbline.tracking import projection as tracking
from plumbline.tracking.projection import TrialRun
from tests import bundles
from tests.conftest import ROOT
from tests.waiting import LONG

# MLflow 3.17 under SQLAlchemy 2.1, in these tests' own client
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")

GRAPH = """
stages:
  cook: {matrix: {usecase: "${usecases}"}, deps: [raw.txt, cook.py], outs: [table.txt]}
  train: {matrix: {usecase: "${usecases}"}, deps: [table.txt], outs: ["model/${item.usecase}"]}
"""
LOCK = "stages: {cook@parcels: {outs: [{path: table.txt, md5: from-the-lock}]}}"


def read(address: str | None = None) -> dict[str, Any]:
    """What is in MLflow, by its own client."""
    from mlflow.tracking import MlflowClient

    address = address or tracking.address()
    client = MlflowClient(address, address)
    (experiment,) = client.search_experiments(filter_string="name = 'parcels'")
    runs = client.search_runs([experiment.experiment_id])
    versions = [
        client.get_model_version("parcels", v.version) for v in client.search_model_versions()
    ]
    return {
        "runs": {r.info.run_name: r for r in runs},
        "files": {
            r.info.run_name: [f.path for f in client.list_artifacts(r.info.run_id)] for r in runs
        },
        "versions": {str(v.version): v for v in versions},
        "bundles": [[f.path for f in client.list_artifacts(v.run_id, "model")] for v in versions],
    }


def record(**changed: Any) -> str | None:
    """A run of train."""
    given = {"params": {"eta": 0.1}, "metrics": {"mae": 2.5}, **changed}
    return tracking.record("parcels", "train", **given)


@pytest.fixture(scope="module", autouse=True)
def ended() -> Iterator[None]:
    """The process beside the stage ends with this module."""
    yield
    mlflow_process.close()


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's file without a run: making it takes seconds, so it is made once and copied."""
    path = tmp_path_factory.mktemp("fresh") / "mlflow.db"
    mlflow_process.worker().ask(
        {"action": "prepare", "address": f"sqlite:///{path}", "experiment": "parcels"}
    )
    assert path.stat().st_mode & 0o077 == 0, "for its owner alone"
    return path


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, fresh: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without a run; MLflow at its default address."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlflow.db").write_bytes(fresh.read_bytes())
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("DVC_STAGE", raising=False)
    return tmp_path


def bundle(text: str = "trees") -> Path:
    path = Path("model/parcels")
    path.mkdir(parents=True, exist_ok=True)
    (path / "bundle.json").write_text("{}")
    (path / "model.ubj").write_text(text)
    return path


@pytest.mark.capability("D5", "E1", "E9")
def test_a_run_with_trials_files_and_tags(folder: Path):
    for words in (["init", "-q"], ["add", "a.txt"], ["commit", "-qm", "one"]):
        Path("a.txt").write_text("a")
        name = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
        subprocess.run(["git", *name, *words], check=True)
    Path("dvc.yaml").write_text(GRAPH)
    Path("table.txt").write_text("table")
    bundle()
    trials = [
        TrialRun("trial 1", {"eta": 0.1}, {"mae": 3.0, "rounds": 4}),
        TrialRun("trial 2", {"eta": 9}, {"mae": None}, failed=True, tags={"reason": "too fast: 9"}),
    ]
    many = {f"p{i}": i for i in range(130)}
    metrics = {"mae": 2.5, "nothing": None, "nan": float("nan"), "inf": float("inf")}
    run = record(
        params=many, metrics=metrics, trials=trials, files=[Path("model/parcels/bundle.json")]
    )

    assert Path("mlartifacts").stat().st_mode & 0o077 == 0, "for its owner alone"
    result = read()
    main, first, second = (result["runs"][n] for n in ("train", "trial 1", "trial 2"))
    assert (main.info.run_id, main.info.status, main.data.metrics) == (
        run,
        "FINISHED",
        {"mae": 2.5},
    )
    assert main.data.params == {k: str(v) for k, v in many.items()}
    assert result["files"] == {"train": ["bundle.json", "run.json"], "trial 1": [], "trial 2": []}
    assert 0 < main.info.end_time - main.info.start_time < 3_600_000
    tags = main.data.tags
    assert (tags["usecase"], tags["stage"], tags["git.dirty"]) == ("parcels", "train", "false")
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    )
    assert tags["git.commit"] == commit.stdout.strip()
    assert tags["md5/table.txt"] == dvc_hash.md5(Path("table.txt"))
    assert tags["md5/model/parcels"] == dvc_hash.md5(Path("model/parcels"))
    assert first.data.tags["mlflow.parentRunId"] == second.data.tags["mlflow.parentRunId"] == run
    assert (first.info.status, first.data.metrics) == ("FINISHED", {"mae": 3.0, "rounds": 4.0})
    assert (second.info.status, second.data.tags["reason"]) == ("FAILED", "too fast: 9")


@pytest.mark.capability("D6")
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
    Path("params.yaml").write_text("usecases: [parcels]\n")
    Path("dvc.lock").write_text(LOCK)
    Path("table.txt").write_text("table")
    bundle()
    assert tracking.md5s("parcels", "train")["table.txt"] == dvc_hash.md5(Path("table.txt"))
    monkeypatch.setenv("DVC_STAGE", "train@parcels")
    result = tracking.md5s("parcels", "train")
    assert result == {
        "table.txt": "from-the-lock",
        "model/parcels": dvc_hash.md5(Path("model/parcels")),
    }
    assert tracking.md5s("parcels", "unknown") == {}


@pytest.mark.capability("D7")
def test_a_bundle_is_registered_once_and_the_alias_moves():
    one = bundle()
    run = record()
    assert tracking.register("parcels", one, run, "challenger", {"verdict": "pass"}) == "1"
    assert tracking.register("parcels", one, run, "challenger", {"verdict": "again"}) == "1"
    first = dvc_hash.md5(one)
    assert tracking.register("parcels", bundle("other trees"), None, "challenger") == "2"
    result = read()
    kept, newer = result["versions"]["1"], result["versions"]["2"]
    assert (kept.tags, kept.aliases) == ({"md5": first, "verdict": "again"}, [])
    assert (newer.tags, newer.aliases) == ({"md5": dvc_hash.md5(one)}, ["challenger"])
    assert result["bundles"] == [["model/bundle.json", "model/model.ubj"]] * 2
    assert tracking.register("parcels", bundle(), None, "challenger") == "1"


def test_a_deleted_experiment_comes_back():
    record()
    with closing(sqlite3.connect("mlflow.db")) as database, database:
        database.execute(
            "UPDATE experiments SET lifecycle_stage = 'deleted' WHERE name = 'parcels'"
        )
    assert record(metrics={"mae": 1.0}) is not None
    assert read()["runs"]["train"].info.lifecycle_stage == "active"


WRITE = """
import sys
from plumbline.tracking import projection as tracking
print(tracking.record("parcels", sys.argv[1], params={}, metrics={"mae": 1.0}))
"""


@pytest.mark.situation(
    "stages that make MLflow's file at the same time", expected="one file, all runs in it"
)
def test_stages_at_once_make_one_file_together():
    Path("mlflow.db").unlink()
    stages = ("tune", "train")
    start: Callable[[str], subprocess.Popen[str]] = lambda s: subprocess.Popen(  # noqa: E731
        [sys.executable, "-c", WRITE, s],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    running = [start(s) for s in stages]
    for process in running:
        out, err = process.communicate(timeout=300)
        assert len(out.strip()) == 32, err
    assert set(read()["runs"]) == set(stages)


@contextmanager
def warned(caplog: pytest.LogCaptureFixture, message: str) -> Iterator[None]:
    """The block warns once, with `message`, within a minute: MLflow's client by itself retries for longer."""
    caplog.clear()
    started = time.perf_counter()
    yield
    assert time.perf_counter() - started < LONG
    (text,) = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert message in text
    assert "The stage goes on" in text


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a socket that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


class HealthyOnly(http.server.BaseHTTPRequestHandler):
    """A server that says it is well and hangs on everything else."""

    def do_GET(self) -> None:
        if self.path.endswith("/health"):
            self.send_response(200 if self.path == "/health" else 404)
            self.end_headers()
        else:
            time.sleep(9)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *args: Any) -> None:
        pass


@pytest.mark.situation("a remote MLflow that is down", expected="a warning; the stage goes on")
def test_nothing_listens(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    with warned(caplog, "Connection refused"):
        assert record() is None
    with warned(caplog, "the registration of model/parcels is not in MLflow"):
        assert tracking.register("parcels", bundle(), None, "challenger") is None


@pytest.mark.situation(
    "a remote MLflow that never answers", expected="a warning within seconds; the stage goes on"
)
def test_a_server_that_never_answers(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, silent: int
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent}")
    with warned(caplog, "timed out"):
        assert record() is None


@pytest.fixture
def healthy() -> Iterator[str]:
    """The address of a server that is well and takes nothing."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), HealthyOnly)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.situation("a remote MLflow that hangs later", expected="a warning; the stage goes on")
def test_a_server_that_hangs_later(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, healthy: str
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", healthy)
    with warned(caplog, "timed out"):
        assert record() is None


def test_what_answers_is_there(healthy: str):
    mlflow_process.probe(f"{healthy}/404")
    mlflow_process.probe("databricks")  # tried by its own client


def test_a_locked_file(caplog: pytest.LogCaptureFixture):
    record()
    with closing(sqlite3.connect("mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with warned(caplog, "database is locked"):
            assert record() is None
        other.execute("ROLLBACK")
    assert record() is not None


def test_a_broken_file(caplog: pytest.LogCaptureFixture):
    Path("mlflow.db").write_bytes(b"not a database, by far " * 100)
    with warned(caplog, "file is not a database; if it stays so, delete the file"):
        assert record() is None


def test_a_file_of_another_program(caplog: pytest.LogCaptureFixture):
    Path("mlflow.db").unlink()
    with closing(sqlite3.connect("mlflow.db")) as database, database:
        database.execute("CREATE TABLE experiments (name TEXT)")
    with warned(caplog, "this run of train is not in MLflow"):
        assert record() is None


def test_no_answer_in_time_and_a_death_are_survived(caplog: pytest.LogCaptureFixture):
    mlflow_process.close()
    with pytest.raises(mlflow_process.UnreachableError, match=r"no answer in 0\.01 s"):
        mlflow_process.worker().ask({"action": "record"}, patience=0.01)
    mlflow_process.worker().process.kill()
    with warned(caplog, "the process that talks to MLflow ended"):
        assert record() is None
    assert record() is not None


def test_the_store_is_made_while_the_stage_works():
    mlflow_process.close()
    Path("mlflow.db").unlink()
    tracking.warm()
    assert mlflow_process.worker()._answer(60) == {"value": tracking.address()}
    mlflow_process.close()
    tracking.warm()
    assert record() is not None


def test_an_unusable_store_gives_one_warning(caplog: pytest.LogCaptureFixture):
    mlflow_process.close()
    Path("mlflow.db").write_text("no database" * 1000)
    with warned(caplog, "file is not a database"):
        tracking.warm()
        assert record() is None


def test_off_starts_nothing(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    mlflow_process.close()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "off")
    tracking.warm()
    assert record() is None
    assert not caplog.records
    assert not mlflow_process.worker.cache_info().currsize


def test_no_git_no_tags(monkeypatch: pytest.MonkeyPatch):
    assert tracking._tags("parcels", "train") == {"usecase": "parcels", "stage": "train"}
    monkeypatch.setenv("PATH", "")
    assert runs.dirty() is None


@pytest.fixture
def server(folder: Path) -> Iterator[str]:
    """A real MLflow server."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["--port", str(port), "--workers", "1", "--backend-store-uri", "sqlite:///mlflow.db"]
    words += ["--artifacts-destination", "kept", "--host", "127.0.0.1"]
    with open("server.log", "w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *words], stdout=log, stderr=log
        )
    address = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            mlflow_process._probe_server(f"{address}/health")
            break
        except mlflow_process.UnreachableError:
            time.sleep(0.2)
    yield address
    process.terminate()
    process.wait(120)


@pytest.mark.situation("a remote MLflow", expected="runs and versions are there")
def test_a_real_server(monkeypatch: pytest.MonkeyPatch, server: str):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    run = record(trials=[TrialRun("trial 1", {}, {"mae": 3.0})], files=[bundle() / "bundle.json"])
    assert tracking.register("parcels", bundle(), run, "challenger") == "1"
    result = read(server)
    assert set(result["runs"]) == {"train", "trial 1"}
    assert result["versions"]["1"].aliases == ["challenger"]
    assert result["bundles"] == [["model/bundle.json", "model/model.ubj"]]


LOADED = """
import json, sys
from pathlib import Path
import mlflow.pyfunc
from mlflow.cli import cli
import pandas as pd
unpickled, opened = [], set()
def watch(name, values):
    if name == "pickle.find_class":
        unpickled.append(values)
    if name == "open" and "mlartifacts" in str(values[0]):
        opened.add(Path(str(values[0])).name)
sys.addaudithook(watch)
mlflow.set_tracking_uri("sqlite:///mlflow.db")
try:
    mlflow.pyfunc.load_model("models:/parcels@older")
except Exception as error:
    older = str(error)
unpickled.clear()
opened.clear()
model = mlflow.pyfunc.load_model("models:/parcels@champion")
example = model.predict(model.metadata.load_input_example(mlflow.artifacts.download_artifacts("models:/parcels@champion")))
answers = model.predict(pd.read_parquet("events.parquet"))
words = ["models", "predict", "-m", "models:/parcels@champion", "--env-manager", "local"]
cli([*words, "-i", "events.json", "-t", "json", "-o", "cli.json"], standalone_mode=False)
Path("loaded.json").write_text(json.dumps({
    "scores": answers["score"].tolist(), "alarms": answers["alarm"].tolist(), "unpickled": len(unpickled),
    "opened": sorted(opened), "example": len(example), "inputs": model.metadata.get_input_schema().input_names(),
    "flavors": list(model.metadata.flavors), "older": older,
}))
"""


@pytest.mark.capability("E9", "J2")
def test_a_registered_bundle_is_a_model_and_nothing_of_it_is_unpickled(folder: Path):
    """Loaded by its alias and by `mlflow models predict`, in a process without the use case: the same bits."""
    recorded = bundles.released(folder)
    assert tracking.register("parcels", folder / "model", None, "champion") == "1"
    older = Path(shutil.copytree(folder / "model", folder / "older"))
    (older / "usecase.json").unlink()
    assert tracking.register("parcels", older, None, "older") == "2"
    frame = pd.read_parquet(folder / "events.parquet")
    split = json.loads(
        frame.to_json(orient="split", index=False, date_format="iso", double_precision=15)
    )
    (folder / "events.json").write_text(json.dumps({"dataframe_split": split}))
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        admission.VARIABLE: admission.digest(folder / "model"),
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-P", "-c", LOADED],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    loaded = json.loads((folder / "loaded.json").read_text())
    assert loaded["scores"] == recorded
    predicted = json.loads((folder / "cli.json").read_text())["predictions"]
    assert [one["score"] for one in predicted] == recorded
    assert [one["alarm"] for one in predicted] == loaded["alarms"]
    assert (loaded["unpickled"], loaded["example"], loaded["flavors"]) == (
        0,
        1,
        ["python_function"],
    )
    assert "is from before bundles carried their use case" in loaded["older"]
    assert set(loaded["inputs"]) == set(bundles.RAW)
    assert {Path(name).suffix for name in loaded["opened"]} <= {
        "",
        ".json",
        ".ubj",
        ".yaml",
        ".txt",
    }
    assert {"MLmodel", "model.ubj", "bundle.json", "usecase.json"} <= set(loaded["opened"])
