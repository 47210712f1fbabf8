"""`plumbline promote` with a real service, git and DVC: killed under way, other features by a new process, and back."""

from __future__ import annotations

import getpass
import http.client
import itertools
import json
import os
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

import usecases
from plumbline.__main__ import main
from plumbline.ops.hosting import accepted
from plumbline.ops.promotion import promotion_checks
from plumbline.ops.rollback import journal
from plumbline.repo import revisions
from plumbline.serve.http import control
from plumbline.serve.routes import routes_file
from tests import project as projects
from tests import releases, remotes
from tests import warm as forks
from tests.conftest import ROOT
from tests.project import Project
from tests.releases import CASE
from tests.shared import copied

pytestmark = pytest.mark.timeout(900)
PLACE = Path(".plumbline/serve") / CASE
SOCKET = PLACE.parent / "control.sock"
RULES = {
    "shadow_events": 60, "shadow_seconds": 0.5, "step_seconds": 1.0, "step_events": 5, "few_events": 0, "spare": 200_000.0, "moved": 0.6,
    "level": 0.99, "decisions": 0.99, "silence": 20.0,
}  # fmt: skip
OTHER = '''

def bmi_squared(bmi: Array) -> Array:
    """Square of the body mass index, kg2/m4."""
    return bmi * bmi
'''


def make(folder: Path, start: Project) -> None:
    """The two releases, then `served` with rules for serving, then `more` with one more feature; main is at it."""
    shutil.copytree(start.path, folder, symlinks=True, dirs_exist_ok=True)
    project = Project(folder, warm=True)
    project.set({"serve": {"port": 0, "lame_duck": 0.1, "promote": RULES}})
    project.commit("serve")
    project.run("git", "tag", "served")
    features = folder / "usecases" / CASE / "features.py"
    text = features.read_text().replace(
        "Row(bmi_times_bp),)", "Row(bmi_times_bp), Row(bmi_squared))"
    )
    text = text.replace('"bmi_times_bp"),', '"bmi_times_bp", "bmi_squared"),')
    features.write_text(text.replace("\n\nFEATURES", OTHER + "\n\nFEATURES"))
    project.repro(f"evaluate@{CASE}", env={"MLFLOW_TRACKING_URI": "off"})
    project.commit("one more feature")
    project.run("git", "tag", "more")


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of it, checked out at `served`."""
    start = releases.shared(tmp_path_factory)
    path = copied(tmp_path_factory, "promotions", lambda folder: make(folder, start))
    monkeypatch.setattr(os, "environ", projects.environment(path) | {"MLFLOW_TRACKING_URI": "off"})
    monkeypatch.chdir(path)
    for module in [m for m in sys.modules if m.startswith(f"usecases.{CASE}")]:  # of another copy
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(usecases, "__path__", [str(path / "usecases")])
    forks.lend(monkeypatch)
    project = Project(path, warm=True)
    check_out(project, "served")
    return project


def check_out(project: Project, rev: str) -> None:
    """Code and outs of a revision."""
    project.run("git", "checkout", "-q", rev)
    project.run("dvc", "checkout", "-q", "--allow-missing")
    for module in [m for m in sys.modules if m.startswith(f"usecases.{CASE}")]:
        del sys.modules[module]


@contextmanager
def service(project: Project) -> Iterator[subprocess.Popen[bytes]]:
    """`plumbline serve`, answering."""
    words = [forks.PYTHON, "-m", "plumbline", "serve", CASE]  # it is ended by signals
    with (project.path.parent / "serve.log").open("ab") as log:
        process = subprocess.Popen(words, stderr=log)
    try:
        for _ in range(600):
            assert process.poll() is None
            if control.running(SOCKET):
                break
            time.sleep(0.1)
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(120)


@contextmanager
def traffic() -> Iterator[list[Any]]:
    """Events under new keys, one after the other; each answer, or what went wrong."""
    port = int(control.call(SOCKET, {"do": "stats"})["address"].rsplit(":", 1)[1])
    answers: list[Any] = []
    ended = threading.Event()

    def send() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/openapi.json")
        document = json.loads(connection.getresponse().read())
        event = document["components"]["schemas"][f"{CASE}_event"]["examples"][0]
        chance = Random(1)
        for key in itertools.count(10**6):
            if ended.is_set():
                break
            one = {
                **event,
                "patient": key,
                "bmi": round(chance.uniform(18, 42), 1),
                "bp": round(chance.uniform(62, 130), 0),
            }
            try:
                body = json.dumps({"events": [one]})
                connection.request(
                    "POST", f"/v1/{CASE}/score", body, {"content-type": "application/json"}
                )
                reply = connection.getresponse()
                answers.append((reply.status, json.loads(reply.read())))
            except (OSError, http.client.HTTPException) as error:
                answers.append((0, repr(error)))
            time.sleep(0.01)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    yield answers
    ended.set()
    thread.join(60)


def bundle(rev: str) -> str:
    """The bundle's md5 in a revision's dvc.lock."""
    return promotion_checks.recorded(Path("."), CASE, revisions.commit(Path("."), rev), rev)


def champion() -> str:
    """The bundle in use, as the running service says."""
    answer = control.call(SOCKET, {"do": "routes", "usecase": CASE})
    return str(answer["routes"]["champions"][0])


def accept(project: Project, rev: str) -> None:
    """As the run of main.yml does on a host that keeps no results."""
    project.run("git", "update-ref", accepted.REF, rev)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """The exit code of a command, and what it prints."""
    code = main(list(words))
    printed = capsys.readouterr()
    return code, printed.out + printed.err


def killed_at(line: str) -> None:
    """A promotion in a process of its own, killed as it prints a line."""
    words = [forks.PYTHON, "-m", "plumbline", "promote", CASE, "model-v1"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for one in process.stdout:
            if one.startswith(line):
                process.kill()
                break


def tell_server(project: Project) -> tuple[int, str]:
    """What the server says to a key that may do one thing: look at its git remote, and promote what was accepted."""
    origin = project.path.parent / "origin.git"
    project.run("git", "clone", "-q", "--bare", ".", str(origin))
    project.run("git", "--git-dir", str(origin), "update-ref", accepted.REF, "more")
    project.run("git", "remote", "add", "origin", str(origin))
    script = project.path.parent / "agent"
    names = ("PATH", "PYTHONPATH", "DVC_SITE_CACHE_DIR", "DVC_NO_ANALYTICS", "MLFLOW_TRACKING_URI")
    lines = [f"export {name}={shlex.quote(os.environ[name])}" for name in names]
    words = f"exec {forks.PYTHON} -m plumbline agent --once"
    script.write_text("\n".join(["#!/bin/sh", *lines, f"cd {project.path}", words, ""]))
    script.chmod(0o755)
    with remotes.sshd(str(script)) as server:
        given = {
            "DEPLOY_TARGET": f"{getpass.getuser()}@127.0.0.1", "DEPLOY_PORT": str(server.port),
            "DEPLOY_KEY": (server.folder / "user").read_text(), "DEPLOY_KNOWN_HOSTS": server.known_hosts,
        }  # fmt: skip
        done = subprocess.run(
            [str(ROOT / "deploy" / "tell-server")],
            env={**os.environ, **given},
            capture_output=True,
            text=True,
            check=False,
        )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.capability("H8", "H4")
def test_from_merged_to_champion_and_back(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new, more = bundle("model-v1"), bundle("served"), bundle("more")
    with service(project) as process, traffic() as answers:
        assert champion() == new
        code, printed = run(capsys, "promote", CASE, "model-v1")
        assert (code, "was not accepted" in printed) == (1, True)
        accept(project, "model-v1")
        for line in ("golden:", "shadow:", "canary: at 25 %"):
            killed_at(line)
        code, printed = run(capsys, "promote", CASE, "--json", "../promotion.json")
        assert code == 0, printed
        assert champion() == old
        ended = json.loads(Path("../promotion.json").read_text())
        assert ended["status"] == "promoted"
        entered = [(e.step, e.result) for e in journal.promotions(Path(".")) if e.id == ended["id"]]
        assert len(entered) == len(set(entered)) == 8
        canaries = [e.what for e in routes_file.history(PLACE) if e.what.startswith("canary")]
        assert canaries == [*(f"canary at {n} %" for n in (1, 5, 25, 100)), "canary passed"]

        accept(project, "more")
        code, printed = tell_server(project)  # other features, beside those of the running process
        assert (code, champion()) == (0, more), printed
        assert control.call(SOCKET, {"do": "stats"})["pid"] == process.pid
        assert run(capsys, "red-button", CASE)[0] == 0
        assert champion() == old
        check_out(project, "more")
        code, printed = run(capsys, "promote", CASE, "more", "--replace")
        assert (code, champion()) == (0, more), printed
        assert process.poll() is None
        code, printed = run(capsys, "rollback", "served")
        assert (code, champion()) == (0, new), printed
        assert "a new process took over" in printed
        process.terminate()
        assert process.wait(120) == 0
        assert not control.running(SOCKET)
    assert {
        bundle for _, a in answers if isinstance(a, dict) for bundle in [a["answers"][0]["bundle"]]
    } == {old, new, more}
    assert [a for a in answers[:-50] if a[0] != 200] == []
