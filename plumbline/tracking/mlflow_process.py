"""The process beside a stage that talks to MLflow: given time to answer, killed when it hangs.

Whether MLflow is there at all is tried first, without it: its own clients retry for minutes.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
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
from plumbline.tracking import shared_process

PROBE = 3.0  # seconds for a server or a file to show that it is there
GRACE = 0.5  # seconds to end by itself
PATIENCE = 120.0  # seconds for one answer, a cold import on a busy machine included
LIMITS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
}


ENDED = "the process that talks to MLflow ended"


class UnreachableError(Exception):
    """MLflow did not take what it was given; the text says why."""


class StaleError(Exception):
    """The shared process has another file open than the one that is there now."""


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


def _command() -> list[str]:
    return [sys.executable, "-m", "plumbline.tracking.mlflow_worker"]


def _environment() -> dict[str, str]:
    root = str(Path(plumbline.__file__).resolve().parent.parent)
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**LIMITS, **os.environ, **keys.of_storage(), **runner.QUIET, "PYTHONPATH": path}


class Worker:
    """The process beside the stage; it ends with the stage."""

    def __init__(self) -> None:
        self.preparing = False
        self.errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed in close()
        self.process = subprocess.Popen(
            _command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=_environment(),
        )

    @property
    def requests(self) -> IO[bytes]:
        """Where a request is written, a line each."""
        assert self.process.stdin is not None
        return self.process.stdin

    @property
    def answers(self) -> IO[bytes]:
        """Where an answer is read, a line each."""
        assert self.process.stdout is not None
        return self.process.stdout

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
        with suppress(BrokenPipeError):  # it has ended: its output has, too
            self.requests.write(json.dumps(request).encode() + b"\n")
            self.requests.flush()

    def _answer(self, patience: float) -> dict[str, Any]:
        ready, _, _ = select.select([self.answers], [], [], patience)
        line = b""
        with suppress(ConnectionResetError):  # it has ended
            line = self.answers.readline() if ready else b""
        if not line:
            message = self.close()
            raise UnreachableError(message if ready else f"no answer in {patience:g} s")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def kill(self) -> None:
        """End the process at once."""
        self.process.kill()

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
        return lines[-1] if lines else ENDED


class SharedWorker(Worker):
    """The process that the stages of a run by DVC share; a stage's own takes its place where it is taken."""

    def __init__(self, connection: socket.socket) -> None:
        self.preparing = False
        self.connection = connection
        self.writer, self.reader = connection.makefile("wb"), connection.makefile("rb")
        self.own: Worker | None = None
        self.pid: int | None = None

    @property
    def requests(self) -> IO[bytes]:
        return self.writer

    @property
    def answers(self) -> IO[bytes]:
        return self.reader

    def ask(self, request: Mapping[str, Any], patience: float = PATIENCE) -> str:
        """As the other's; by a process of this stage's own where the shared one cannot."""
        self.pid = self.pid or shared_process.greeted(self.connection)
        if self.pid and not self.own:
            with suppress(StaleError):
                return super().ask(request, patience)
        self.own = self.own or Worker()
        return self.own.ask(request, patience)

    def _answer(self, patience: float) -> dict[str, Any]:
        try:
            answer = super()._answer(patience)
        except UnreachableError:  # it hangs, or has ended
            if self.pid:
                with suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
            raise
        if "stale" in answer:
            raise StaleError
        return answer

    def kill(self) -> None:
        """End this stage's part of it; the process may serve the next stage."""
        if self.own:
            self.own.kill()

    def close(self) -> str:
        """Leave it to the next stage. Returns its last words."""
        worker.cache_clear()
        words = shared_process.last_words(self.connection)
        for part in (self.writer, self.reader, self.connection):
            with suppress(OSError):  # it has ended
                part.close()
        return self.own.close() if self.own else words or ENDED


@cache
def worker() -> Worker:
    """The process beside this one, started at the first call.

    It ends with this one, but in a stage that DVC runs, where it goes on to serve the next stages.
    """
    atexit.register(close)
    shared = (
        shared_process.connect(_command(), _environment()) if "DVC_STAGE" in os.environ else None
    )
    return SharedWorker(shared) if shared else Worker()


def close() -> None:
    """End the process beside this one, if there is one. What it has answered is on disk: it need not end by itself."""
    if worker.cache_info().currsize:
        worker().kill()
        worker().close()
