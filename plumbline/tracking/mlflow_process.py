"""The process beside a stage that talks to MLflow: given time to answer, killed when it hangs.

Whether MLflow is there at all is tried first, without it: its own clients retry for minutes.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import sqlite3
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

import plumbline
from plumbline.runtime import keys, runner

PROBE = 3.0  # seconds for a server or a file to show that it is there
GRACE = 0.5  # seconds to end by itself
PATIENCE = 120.0  # seconds for one answer, a cold import on a busy machine included
LIMITS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
}


class UnreachableError(Exception):
    """MLflow did not take what it was given; the text says why."""


def probe(where: str) -> None:
    """Raise UnreachableError, within seconds, where nothing answers or the file cannot be written."""
    if where.startswith(("http://", "https://")):
        _probe_server(f"{where.rstrip('/')}/health")
    elif where.startswith("sqlite:///"):
        _probe_file(Path(where.removeprefix("sqlite:///")))


def _probe_server(url: str) -> None:
    try:
        urllib.request.urlopen(url, timeout=PROBE).close()
    except urllib.error.HTTPError:
        return  # it answers
    except OSError as error:
        raise UnreachableError(f"no answer ({getattr(error, 'reason', error)})") from None


def _probe_file(path: Path) -> None:
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(path, timeout=PROBE, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise UnreachableError(
            f"{error}; if it stays so, delete the file: git and DVC hold all that is in it"
        ) from None


class Worker:
    """The process beside the stage; it ends with the stage."""

    def __init__(self) -> None:
        self.preparing = False
        self.errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed in close()
        root = str(Path(plumbline.__file__).resolve().parent.parent)
        path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "plumbline.tracking.mlflow_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env={**LIMITS, **os.environ, **keys.of_storage(), **runner.QUIET, "PYTHONPATH": path},
        )

    def prepare(self, where: str) -> None:
        """Let it open MLflow's store while the stage works; where that fails, the next request says so."""
        self._send({"action": "prepare", "address": where, "experiment": "Default"})
        self.preparing = True

    def ask(self, request: Mapping[str, Any], patience: float = PATIENCE) -> str:
        """The answer to `request`; UnreachableError where there is none in `patience` seconds."""
        if self.preparing:
            self._answer(patience)
            self.preparing = False
        self._send(request)
        answer = self._answer(patience)
        if "error" in answer:
            raise UnreachableError(answer["error"])
        return str(answer["value"])

    def _send(self, request: Mapping[str, Any]) -> None:
        requests = self.process.stdin
        assert requests is not None
        with suppress(BrokenPipeError):  # it has ended: its output has, too
            requests.write(json.dumps(request).encode() + b"\n")
            requests.flush()

    def _answer(self, patience: float) -> dict[str, Any]:
        answers = self.process.stdout
        assert answers is not None
        ready, _, _ = select.select([answers], [], [], patience)
        line = answers.readline() if ready else b""
        if not line:
            message = self.close()
            raise UnreachableError(message if ready else f"no answer in {patience:g} s")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> str:
        """End the process, and forget it: the next request starts another. Returns its last words."""
        worker.cache_clear()
        try:
            self.process.communicate(timeout=GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
        with self.errors as file:
            file.seek(0)
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "the process that talks to MLflow ended"


@cache
def worker() -> Worker:
    """The process beside this one, started at the first call; it ends with this one."""
    atexit.register(close)
    return Worker()


def close() -> None:
    """End the process beside this one, if there is one. What it has answered is on disk: it need not end by itself."""
    if worker.cache_info().currsize:
        worker().process.kill()
        worker().close()
