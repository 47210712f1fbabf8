"""`plumbline serve` as a process: two use cases, replaced under way, ended by SIGTERM."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.serve.http import control
from plumbline.serve.log.reader import LogReader
from tests import runs, servers
from tests.project import Project, environment

pytestmark = pytest.mark.timeout(1_500)  # the first has the whole graph run before it
TIMED, PLAIN = runs.BOTH
SOCKET = Path(".plumbline") / "serve" / "control.sock"
HEAVY = re.compile(r"/(pandas|duckdb|matplotlib|sklearn|ibis|mlflow|feast|great_expectations)/")
MIB = 1024


@dataclass
class Served:
    """A project, and the process that serves it."""

    project: Path
    process: subprocess.Popen[str]

    @property
    def stats(self) -> dict[str, Any]:
        """What the process says of itself."""
        before = Path.cwd()
        os.chdir(self.project)  # a socket's address is short
        try:
            return control.call(SOCKET, {"do": "stats"})
        finally:
            os.chdir(before)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request: status and body."""
        port = int(self.stats["address"].rsplit(":", 1)[1])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"content-type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content

    def start(self, *options: str, **more: str) -> subprocess.Popen[str]:
        """One more process; `more`: of its environment."""
        words = [sys.executable, "-m", "plumbline", "serve", *options]
        environ = {**os.environ, **environment(self.project), **more}
        with (self.project / "serve.log").open("a") as lines:
            return subprocess.Popen(words, cwd=self.project, env=environ, text=True, stderr=lines)

    @property
    def lines(self) -> str:
        """What the processes wrote."""
        return (self.project / "serve.log").read_text()

    def wait(self) -> None:
        """Until the process answers."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.lines
            try:
                if self.stats["pid"] == self.process.pid:
                    return
            except PlumblineError:
                time.sleep(0.1)
        raise AssertionError("it did not become ready")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Both use cases, served."""
    project: Project = runs.both(tmp_path_factory)
    project.set({"serve": {"port": 0, "lame_duck": 0.2}})
    one = Served(project.path, None)  # type: ignore[arg-type]
    one.process = one.start(TIMED, PLAIN)
    one.wait()
    yield one
    if one.process.poll() is None:
        one.process.terminate()
        one.process.wait(120)


def example(served: Served, usecase: str, **changed: Any) -> dict[str, Any]:
    """An event that the service's own description shows."""
    document = json.loads(served.ask("GET", "/openapi.json")[1])
    event: dict[str, Any] = document["components"]["schemas"][f"{usecase}_event"]["examples"][0]
    return {**event, **changed}


@pytest.mark.capability("J1", "C16")
@pytest.mark.parametrize("usecase", [TIMED, PLAIN])
def test_the_example_of_its_own_description_is_answered(served: Served, usecase: str) -> None:
    status, body = served.ask("POST", f"/v1/{usecase}/score", example(served, usecase))
    assert status == 200, body
    (answer,) = json.loads(body)["answers"]
    assert answer["bundle"] == json.loads(served.ask("GET", "/model")[1])[usecase]["champion"]


def test_pages_and_figures_are_there(served: Served) -> None:
    assert b"<h1>" in served.ask("GET", "/docs")[1]
    assert b"plumbline_log_sequence" in served.ask("GET", "/metrics")[1]
    assert [served.ask("GET", f"/{path}")[0] for path in ("healthz", "readyz")] == [200, 200]


def test_the_process_is_lean(served: Served) -> None:
    process = Path("/proc") / str(served.process.pid)
    assert not set(HEAVY.findall((process / "maps").read_text()))
    status = (process / "status").read_text()
    assert int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) < 350 * MIB


def test_a_second_process_is_refused_with_the_remedy(served: Served) -> None:
    second = served.start(TIMED)
    assert second.wait(120) == 2
    assert "take over from it with --replace" in served.lines


@pytest.mark.capability("J6")
def test_another_process_takes_over_and_the_last_ends_clean(served: Served) -> None:
    event = example(served, TIMED, payment_id=77)
    first = served.ask("POST", f"/v1/{TIMED}/score", event)
    old, served.process = served.process, served.start(TIMED, PLAIN, "--replace")
    served.wait()
    assert old.wait(120) == 0
    assert served.ask("POST", f"/v1/{TIMED}/score", event) == first
    stats = served.stats["usecases"][TIMED]
    assert stats["watermark"] == stats["last_sequence"]
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(120) == 0
    rows = LogReader(served.project / ".plumbline" / "serve" / TIMED / "log").rows()
    assert [row.key for row in rows].count(77) == 1


def test_two_processes_share_one_socket_and_one_state(
    served: Served,
) -> None:
    project = Project(served.project)
    project.set({"serve": {"port": 0, "lame_duck": 0.2, "state": "REDIS_URL"}})
    with servers.redis() as address:
        host, _, password = address.partition(",password=")
        url = f"redis://:{password}@{host}/0"
        served.process = served.start(TIMED, "--workers", "2", REDIS_URL=url)
        served.wait()
        events = [example(served, TIMED, payment_id=key) for key in range(900, 920)]
        first = [served.ask("POST", f"/v1/{TIMED}/score", event) for event in events]
        assert {status for status, _ in first} == {200}
        assert [served.ask("POST", f"/v1/{TIMED}/score", event) for event in events] == first
        assert len(served.stats["workers"]) == 2
        counted = served.ask("GET", "/metrics")[1].decode()
        assert re.search(r"plumbline_events_total\{.*\} 20\.0", counted)
        served.process.terminate()
        assert served.process.wait(120) == 0
