"""A clone of this project with the year's small world, and its commands. What it serves comes back as sealed days."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.year.calendar import CURRENT, START, TEST, VALID, WARMUP, Year
from bench.year.training import PATIENCE, REVIEW, ROUNDS
from bench.year.watch import LIMITS
from plumbline.core.errors import PlumblineError
from plumbline.ops.serving import places
from plumbline.repo import dvc_command, state
from plumbline.serve.http import control

CASE = "card_fraud"
ROOT = Path(__file__).resolve().parents[2]
WEBHOOK = "YEAR_WEBHOOK"
"""The variable that holds the address alerts go to."""
AUTHOR = ("-c", "user.name=year", "-c", "user.email=year@localhost")


class CommandError(Exception):
    """A command of the rehearsal failed: which one, and its last lines."""


@dataclass(frozen=True)
class Ended:
    """A command's exit code and what it printed."""

    code: int
    text: str


@dataclass
class Project:
    """The clone, and the process that serves it."""

    root: Path
    process: subprocess.Popen[bytes] | None = None

    def plumbline(self, *words: str, codes: tuple[int, ...] = (0,)) -> Ended:
        """A command of plumbline; CommandError where its exit code is another."""
        return self._run([sys.executable, "-m", "plumbline", *words], codes)

    def dvc(self, *words: str) -> Ended:
        """A command of DVC."""
        return self._run([sys.executable, "-m", "dvc", *words], (0,))

    def git(self, *words: str) -> str:
        """What a command of git prints."""
        return self._run(["git", *AUTHOR, *words], (0,)).text.strip()

    def commit(self, message: str) -> str:
        """Everything as a commit on the branch that is checked out; its hash."""
        self.git("add", "-A")
        if self.git("status", "--porcelain"):
            self.git("commit", "-q", "--no-verify", "-m", message)
        return self.git("rev-parse", "--short", "HEAD")

    def _run(self, line: list[str], codes: tuple[int, ...]) -> Ended:
        env = {**environment(self.root)}
        done = subprocess.run(
            line, cwd=self.root, env=env, capture_output=True, text=True, check=False
        )
        if done.returncode not in codes:
            last = "\n".join((done.stdout + done.stderr).splitlines()[-25:])
            raise CommandError(f"{' '.join(line[-6:])}: exit code {done.returncode}\n{last}")
        return Ended(done.returncode, done.stdout)

    def serve(self, *more: str) -> str:
        """Start the service by the events' clock and wait; its host and port."""
        with (self.root.parent / "serve.log").open("ab") as log:
            line = [
                sys.executable,
                "-m",
                "plumbline",
                "serve",
                CASE,
                "--port",
                "0",
                "--clock",
                "events",
            ]
            self.process = subprocess.Popen(
                [*line, *more], cwd=self.root, env=environment(self.root), stderr=log
            )
        return self.address()

    def address(self) -> str:
        """The running service's host and port; CommandError where it does not become ready."""
        end = time.monotonic() + 120
        while time.monotonic() < end and self.process and self.process.poll() is None:
            with suppress(PlumblineError, OSError, ValueError):
                stats = self.call({"do": "stats"})
                if stats.get("phase") == "serving":
                    return str(stats["address"]).partition("//")[2]
            time.sleep(0.1)
        raise CommandError((self.root.parent / "serve.log").read_text()[-2_000:])

    def call(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """A request to the service's control socket."""
        return control.call(places.control(self.root), {"usecase": CASE, **request})

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the service."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(60)

    def params(self) -> dict[str, Any]:
        """params.yaml as it is."""
        return dict(yaml.safe_load((self.root / "params.yaml").read_text(encoding="utf-8")))

    def change(self, change: Mapping[str, Any]) -> None:
        """Set params by their dotted names."""
        whole = self.params()
        for dotted, value in change.items():
            *parts, last = dotted.split(".")
            place = whole
            for part in parts:
                place = place.setdefault(part, {})
            place[last] = value
        text = yaml.safe_dump(whole, sort_keys=False)
        (self.root / "params.yaml").write_text(text, encoding="utf-8")

    def json(self, path: str) -> Any:
        """A JSON file of the project."""
        return json.loads((self.root / path).read_text(encoding="utf-8"))


def environment(root: Path) -> dict[str, str]:
    """The variables of the clone's commands: its own code, no tracking server."""
    own = {"PYTHONPATH": str(root), "MLFLOW_TRACKING_URI": "off", "OMP_NUM_THREADS": "2"}
    return {**dvc_command.environment(), **own, "PATH": os.environ["PATH"]}


def create(folder: Path, year: Year) -> Project:
    """The clone with the small world's params; nothing has run yet."""
    subprocess.run(["git", "clone", "-q", "--local", str(ROOT), str(folder)], check=True)
    project = Project(folder)
    project.git("checkout", "-q", "-B", "main")
    project.git("remote", "remove", "origin")  # whose main is another
    project.git("config", "user.name", "year")
    project.git("config", "user.email", "year@localhost")
    state.keep_private(folder)
    project.change(small(year))
    return project


def small(year: Year) -> dict[str, Any]:
    """Params by their dotted names: the world, its windows, its prices, and all that makes a run short."""
    return {
        "usecases": [CASE],
        "seed": year.seed,
        "alerts": {"webhooks": [{"kind": "slack", "url": WEBHOOK}]},
        f"{CASE}.data": {
            "source": "simulate",
            "start": str(START),
            "as_of": str(year.first),
            "simulate": dict(year.settings),
        },
        f"{CASE}.features": {
            "join": "direct", "warmup_days": WARMUP, "valid_days": VALID, "test_days": TEST,
            "current_days": CURRENT,
        },
        f"{CASE}.tune.max_evals": 0,
        f"{CASE}.train.rounds": ROUNDS,
        f"{CASE}.train.early_stopping": PATIENCE,
        f"{CASE}.train.refit": True,
        f"{CASE}.train.decisions.review": dict(REVIEW),
        f"{CASE}.evaluate.bootstrap": 100,
        f"{CASE}.evaluate.min_pairs": 100,
        f"{CASE}.evaluate.max_ece": 5.0,
        f"{CASE}.evaluate.slice_floor": 0.05,
        f"{CASE}.evaluate.slice_floors": {},
        f"{CASE}.gate.too_good": 0.9,
        f"{CASE}.train.decisions.segment": None,
        f"{CASE}.monitor.min_history": LIMITS.min_history,
        f"{CASE}.monitor.shelf_life_days": 120,
        f"{CASE}.monitor.rows": 500,
        "serve": {
            "late_days": 7, "max_events": 1000,
            "promote": {"gated": False, "alarms": 10.0, "decisions": 0.4, "level": 0.9, "moved": 0.3},
        },
    }  # fmt: skip
