"""A copy of the checkout that is served by `plumbline serve`, and clients that keep what it answers.

For the benchmarks of switches, red button and canary: they damage what they serve, so they never serve the
checkout itself.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from plumbline.core import usecase_loader
from plumbline.core.errors import PlumblineError
from plumbline.ops.serving import places
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.serve.http import control
from plumbline.serve.routes import arms

NEEDED = (Role.BUNDLE, Role.TEST_TABLE, Role.EVALUATE_REPORT, Role.TILES)
TURNS = count(1)
"""By which no key is sent twice: it would be answered as the first time, whatever the routes."""
CYCLE = 10_000
"""Events that are sent again under other keys: they lie within `serve.late_days`."""


@dataclass
class ServedCopy:
    """A project of its own, the process that serves it, and its port."""

    root: Path
    usecase: str
    process: subprocess.Popen[bytes] | None = None
    port: int = 0

    def run(self, *words: str, within: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        """A command of plumbline in the copy; `within`: a command before it, such as unshare."""
        line = [*within, sys.executable, "-m", "plumbline", *words]
        return subprocess.run(line, cwd=self.root, capture_output=True, text=True, check=False)

    def call(self, request: dict[str, Any]) -> dict[str, Any]:
        """A request to the control socket."""
        return control.call(places.control(self.root), {"usecase": self.usecase, **request})

    def start(self) -> None:
        """Serve on a free port, by the events' own clock; SystemExit where it does not become ready."""
        words = [sys.executable, "-m", "plumbline", "serve", self.usecase]
        with (self.root / "serve.log").open("wb") as log:
            line = [*words, "--port", "0", "--clock", "events"]
            self.process = subprocess.Popen(line, cwd=self.root, stderr=log)
        began = time.monotonic()
        while time.monotonic() - began < 60 and self.process.poll() is None:
            with suppress(PlumblineError):
                self.port = int(self.call({"do": "stats"})["address"].rsplit(":", 1)[1])
                return
            time.sleep(0.1)
        raise SystemExit((self.root / "serve.log").read_text())

    def stop(self) -> None:
        """End the process, so that it flushes its log."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)


@contextmanager
def served(project: Path, usecase: str, folder: Path) -> Iterator[ServedCopy]:
    """A copy below `folder`, with what serving needs; not started yet."""
    copy = ServedCopy(folder / "project", usecase)
    subprocess.run(["git", "clone", "-q", "--local", str(project), str(copy.root)], check=True)
    for role in NEEDED:
        relative = artifacts.declared(usecase, role, project)
        if relative is None or not (project / relative).exists():
            raise SystemExit(f"{role.value[2]}: not here; run `dvc checkout`, or `dvc repro`")
        target = copy.root / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        tree = (project / relative).is_dir()
        (shutil.copytree if tree else shutil.copy2)(project / relative, target)
    try:
        yield copy
    finally:
        copy.stop()


@dataclass
class Answer:
    """One answer. `due`, `at`: seconds; `text`: of one that is no 200."""

    key: Any
    due: float
    at: float
    status: int
    arm: str = ""
    bundle: str = ""
    score: float = 0.0
    text: str = ""


@dataclass
class Clients:
    """Sends events at a fixed rate over several connections, and keeps the answers."""

    copy: ServedCopy
    rate: float
    connections: int = 8
    answers: list[Answer] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._events = bodies(self.copy)
        self._stop = False

    def stop(self) -> None:
        """End after what is under way."""
        self._stop = True

    async def run(self) -> None:
        """Send until `stop`."""
        self._began, self._sent = time.monotonic(), 0
        await asyncio.gather(*(self._client() for _ in range(self.connections)))

    async def _client(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.copy.port)
        while not self._stop:
            due = self._began + self._sent / self.rate
            self._sent += 1
            await asyncio.sleep(max(due - time.monotonic(), 0))
            key, body = next(self._events)
            try:
                status, content = await _request(reader, writer, self.copy.usecase, body)
            except (OSError, asyncio.IncompleteReadError) as error:
                self.lost.append(repr(error))
                reader, writer = await asyncio.open_connection("127.0.0.1", self.copy.port)
                continue
            self.answers.append(_answer(key, due, status, content))
        writer.close()


def bodies(copy: ServedCopy) -> Iterator[tuple[Any, bytes]]:
    """Keys and requests' bodies: the test window in time order, again and again under other keys."""
    usecase = usecase_loader.load_features(copy.usecase)
    table = pq.read_table(artifacts.path(copy.usecase, Role.TEST_TABLE, copy.root)).slice(0, CYCLE)
    columns = [c.name for c in usecase.known]
    events, _ = arms.plain_events(usecase, table.select([*columns, *_histories(usecase)]))
    largest = int(np.max(table.column(usecase.key).to_numpy()))
    while True:
        turn = next(TURNS)
        for event in events:
            key = event[usecase.key] + turn * (largest + 1)
            plain = {n: v.isoformat() + "Z" if n == usecase.time else v for n, v in event.items()}
            yield key, json.dumps({"events": [{**plain, usecase.key: key}]}).encode()


def _histories(usecase: Any) -> list[str]:
    return [f.name for f in usecase.aggregates]


async def _request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, usecase: str, body: bytes
) -> tuple[int, bytes]:
    head = f"POST /v1/{usecase}/score HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
    writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in lines[1:] if line)
    return int(lines[0].split()[1]), await reader.readexactly(int(fields[b"content-length"]))


def _answer(key: Any, due: float, status: int, content: bytes) -> Answer:
    now = time.monotonic()
    if status != 200:
        return Answer(key, due, now, status, text=content.decode(errors="replace")[:300])
    one = json.loads(content)["answers"][0]
    return Answer(key, due, now, status, one["arm"], one["bundle"], one["score"])
