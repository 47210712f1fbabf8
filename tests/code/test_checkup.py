"""What `plumbline doctor` says of a machine and a checkout before they serve."""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
import time
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
import yaml

from plumbline.__main__ import main
from plumbline.core import dvc_hash, usecase_loader
from plumbline.ops.doctor import kernel_clock, machine_health, running_service, serving_health
from tests import bundles, servers
from tests.boosting import parcels
from tests.conftest import ROOT

GRAPH = """
stages:
  features:
    matrix: {usecase: "${usecases}"}
    cmd: x
    outs: ["data/${item.usecase}/tiles"]
  train:
    matrix: {usecase: "${usecases}"}
    cmd: x
    outs: ["models/${item.usecase}"]
"""
PARAMS = {
    "usecases": ["parcels"],
    "seed": 1,
    "parcels": {
        "data": {"source": "csv", "as_of": "2025-03-20"},
        "features": {"warmup_days": 2, "valid_days": 3, "test_days": 4, "current_days": 3},
        **{key: {} for key in ("validate", "tune", "train", "evaluate", "monitor")},
    },
}
TODAY = date(2025, 3, 20)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundles.carrying(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def project(tmp_path: Path, trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a bundle as dvc.lock records it, and histories up to yesterday."""
    monkeypatch.setattr(usecase_loader, "load_features", lambda name: parcels())
    monkeypatch.delenv("FEATURE_STORE", raising=False)
    monkeypatch.chdir(tmp_path)
    model = tmp_path / "models" / "parcels"
    shutil.copytree(trained, model)
    lock = {
        "train@parcels": {
            "cmd": "x",
            "outs": [{"path": "models/parcels", "md5": dvc_hash.md5(model)}],
        }
    }
    (tmp_path / "dvc.yaml").write_text(GRAPH)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": lock}))
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    tiles = tmp_path / "data" / "parcels" / "tiles"
    tiles.mkdir(parents=True)
    (tiles / "tiles.json").write_text(json.dumps({"as_of": "2025-03-20"}))
    return tmp_path


def verdicts(root: Path, clock="system", today: date = TODAY, max_age: int = 1) -> dict[str, str]:
    """Each line of the use case by its title, verdict first."""
    health = serving_health.usecase(root, "parcels", today, max_age, clock)
    return {one.title.removeprefix("parcels, "): one.line for one in health}


@pytest.mark.capability("H4")
def test_a_checkout_that_can_serve(project: Path) -> None:
    lines = verdicts(project)
    assert [line.split(":")[0] for line in lines.values()] == ["ok"] * 4, lines


@pytest.mark.capability("H4")
def test_another_bundle_than_dvc_lock_records_is_a_problem(project: Path) -> None:
    lock = project / "dvc.lock"
    recorded = dvc_hash.md5(project / "models" / "parcels")
    lock.write_text(lock.read_text().replace(recorded, "0" * 32 + ".dir"))
    line = verdicts(project)["bundle"]
    assert line.startswith("problem: parcels, bundle: ")
    assert "dvc.lock records 00000000" in line
    with (project / "models" / "parcels" / "bundle.json").open("a") as file:
        file.write("\n")
    assert "restore the bundle" in verdicts(project)["bundle"]
    shutil.rmtree(project / "models")
    lines = verdicts(project)
    assert lines["bundle"].startswith("problem: parcels, bundle: no ")
    assert lines["definitions"].startswith("problem")


@pytest.mark.capability("H4", "F6")
def test_definitions_other_than_the_bundle_s_are_a_problem(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    usecase = parcels()
    fewer = replace(
        usecase, snapshots=tuple(replace(s, days=s.days + 1) for s in usecase.snapshots)
    )
    monkeypatch.setattr(usecase_loader, "load_features", lambda name: fewer)
    assert "declares other features" in verdicts(project)["definitions"]


@pytest.mark.parametrize(
    ("today", "clock", "verdict"),
    [
        (date(2025, 3, 21), "system", "ok"),
        (date(2025, 3, 22), "system", "problem"),
        (date(2026, 3, 22), "events", "ok"),
    ],
)
def test_histories_that_end_too_early_are_a_problem(
    project: Path, today: date, clock, verdict: str
) -> None:
    line = verdicts(project, clock, today)["tiles"]
    assert line.startswith(f"{verdict}: parcels, tiles: histories are known up to 2025-03-20"), line


def test_days_in_the_log_count_and_those_between_are_missed(project: Path) -> None:
    log = project / ".plumbline" / "serve" / "parcels" / "log"
    log.mkdir(parents=True)
    for day in range(20, 26):
        (log / f"2025-03-{day}.sqlite").touch()
    assert "the log goes on" in verdicts(project, today=date(2025, 3, 26))["tiles"]
    assert "of 3 days since" in verdicts(project, today=date(2025, 3, 29))["tiles"]
    assert verdicts(project, today=date(2025, 3, 29), max_age=3)["tiles"].startswith("ok")


def test_damaged_tiles_and_routes_are_problems(project: Path) -> None:
    (project / "data" / "parcels" / "tiles" / "tiles.json").write_text("[]")
    routes = project / ".plumbline" / "serve" / "parcels" / "routes.json"
    routes.parent.mkdir(parents=True)
    routes.write_text("{")
    lines = verdicts(project)
    assert "no as_of" in lines["tiles"]
    assert lines["routes"].startswith("problem: parcels, routes: ")


@pytest.mark.capability("H4")
def test_libraries_are_held_against_the_lock(tmp_path: Path) -> None:
    assert machine_health.lock(tmp_path).verdict == "cannot tell"
    assert machine_health.lock(ROOT).verdict == "ok"
    (tmp_path / "requirements.txt").write_text(
        "numpy==0.1\nnosuchthing==1 ; python_version > '3'\n"
    )
    line = machine_health.lock(tmp_path).line
    assert "2 of 2 libraries" in line
    assert "numpy 0.1 (installed:" in line
    assert line.endswith("run `make install`")


def test_a_full_disk_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 9, 2**30))
    line = machine_health.disk(tmp_path, [tmp_path / "not" / "yet"]).line
    assert "1.0 GiB free, expected 2.0 GiB" in line


def test_a_clock_behind_the_files_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dvc.lock").touch()
    monkeypatch.setattr(kernel_clock, "synchronised", lambda: 0.02)
    assert machine_health.clock(tmp_path).line.endswith(
        "synchronised to 20 ms by the kernel's account"
    )
    monkeypatch.setattr(kernel_clock, "synchronised", lambda: None)
    assert machine_health.clock(tmp_path).verdict == "cannot tell", (
        "a clock that nobody keeps may be right"
    )
    os.utime(tmp_path / "dvc.lock", (time.time() + 3600,) * 2)
    assert "dvc.lock was written at" in machine_health.clock(tmp_path).line


def test_a_port_that_another_has_is_a_problem() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert machine_health.port("127.0.0.1", port).verdict == "problem"
        assert machine_health.port("127.0.0.1", port, served_by=7).line.endswith("(process 7)")
    assert machine_health.port("127.0.0.1", port).verdict == "ok"
    assert machine_health.port("127.0.0.1", 0).verdict == "ok"
    assert machine_health.port("no.such.host.invalid", 80).verdict == "problem"


@contextmanager
def listening(root: Path, answer: bytes) -> Iterator[None]:
    """A control socket that answers one request."""
    path = root / running_service.SOCKET
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))
        server.listen()

        def serve() -> None:
            client, _ = server.accept()
            with client:
                client.recv(1000)
                client.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


def test_the_control_socket_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert running_service.control(tmp_path)[1].found == "no service runs here"
    with listening(tmp_path, b'{"ok": true}\n'):
        pid, health = running_service.control(tmp_path)
    assert (pid, health.verdict) == (os.getpid(), "ok")
    assert "was killed" in running_service.control(tmp_path)[1].found
    (tmp_path / running_service.SOCKET).unlink()
    with listening(tmp_path, b""):
        assert running_service.control(tmp_path)[1].verdict == "problem"


@pytest.mark.capability("H4")
def test_the_command_says_each_in_a_line_and_exits_with_1(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "parcels", "--json", "doctor.json"]) == 1
    assert main(["doctor", "parcels", "--clock", "events"]) == 0
    record = json.loads((project / "doctor.json").read_text())["health"]
    assert [one["title"] for one in record if one["verdict"] == "problem"] == ["parcels, tiles"]
    assert len(capsys.readouterr().out.splitlines()) == 2 * len(record)


def test_params_that_cannot_be_read_are_a_problem_among_others(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "params.yaml").write_text("usecases: [parcels]\nserve: {port: many}\nparcels: {}\n")
    assert main(["doctor"]) == 1
    first, *others = capsys.readouterr().out.splitlines()
    assert first.startswith("problem: parcels, params: params.yaml")
    assert len(others) == 6


def test_the_state_s_redis_is_called_and_its_password_is_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SHARED", raising=False)
    assert "SHARED, which is not set" in serving_health.online_state("SHARED").line
    for url in ("redis://:wombat@127.0.0.1:1/0", "no:wombat"):
        monkeypatch.setenv("SHARED", url)
        health = serving_health.online_state("SHARED")
        assert health.verdict == "problem"
        assert "wombat" not in health.line
    with servers.redis() as address:
        place, _, password = address.partition(",password=")
        monkeypatch.setenv("SHARED", f"redis://:{password}@{place}/0")
        assert serving_health.online_state("SHARED").verdict == "ok"
