"""What a fault is, what came of it, and the projects that faults are done to."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from plumbline.__main__ import main
from tests import project as projects
from tests.conftest import ROOT
from tests.project import Project
from tests.toy import Toy

DETECTED = "detected"
REFUSED = "refused"
REPAIRED = "repaired"
RESUMED = "resumed to identical bytes"
WARNED = "went on with a warning"
HARMLESS = "kept the last good file"
SILENT = "SILENT"
PASSING = re.compile(r"\.(part|old|tmp)(/|$)")
PLUMBLINE = (sys.executable, "-m", "plumbline")


@dataclass(frozen=True)
class Answer:
    """What was run after the fault, what it said, and the verdict."""

    command: str
    output: str
    verdict: str


@dataclass(frozen=True)
class Calm:
    """An undisturbed command: how long it took, and the state it left."""

    seconds: float
    state: Mapping[str, bytes]


class Bench(Protocol):
    """Fresh copies of projects, each in a folder of its own."""

    folder: Path

    def toy(self) -> Toy:
        """The toy of tests/toy.py, pushed, with every object known by its path."""

    def works(self) -> Project:
        """Three stages that start and write as the real ones do; tags v1 and v2, pushed."""

    def calm(
        self,
        words: Sequence[str],
        prepare: Callable[[Project], object],
        state: Callable[[Project], Mapping[str, bytes]],
    ) -> Calm:
        """What a command does to the works, prepared so, when nothing disturbs it."""

    def feast(self) -> Path:
        """A feature store that serves the small use case, and its snapshots."""

    def releases(self) -> Project:
        """The diabetes table's graph, run twice: tags model-v1 and model-v2."""


@dataclass(frozen=True)
class Fault:
    """One fault: what happens, to what, and the function that does it and looks."""

    name: str
    where: str
    do: Callable[[Bench], Answer]


@dataclass(frozen=True)
class Done:
    """A command that ended."""

    words: str
    code: int
    text: str

    def line(self, *parts: str) -> str:
        """The first line with all of these parts; "" where there is none."""
        return next((ln for ln in self.text.splitlines() if all(p in ln for p in parts)), "")

    def answer(self, verdict: str, *parts: str) -> Answer:
        """The verdict where it failed without a traceback and says all of these parts in a line."""
        line = self.line(*parts)
        good = self.code and line and "Traceback" not in self.text
        return Answer(self.words, line if good else self.text[-2000:], verdict if good else SILENT)


def environment(project: Project, *, warm: bool = False, **given: str) -> dict[str, str]:
    """The environment of a command there: this code, no MLflow unless given."""
    result = {**projects.environment(project.path, warm), "MLFLOW_TRACKING_URI": "off"}
    if not (project.path / "plumbline").is_dir():
        result["PYTHONPATH"] = str(ROOT)
    return {**result, **given}


def run(
    project: Project, *words: str, prefix: Sequence[str] = (), warm: bool = True, **given: str
) -> Done:
    """Run a command, whatever comes of it; `warm`: by fork (tests/warm), but where `prefix` starts it."""
    warm = warm and not prefix
    first = "python" if warm and words[0] == sys.executable else words[0]
    done = subprocess.run(
        [*prefix, first, *words[1:]],
        cwd=project.path,
        env=environment(project, warm=warm, **given),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        errors="replace",
    )
    return Done(" ".join(words).replace(sys.executable, "python"), done.returncode, done.stdout)


def plumbline(project: Project, *words: str, **given: str) -> Done:
    """Run one of the project's own commands; `verify`, which is called most, without a new Python."""
    if words[0] != "verify":
        return run(project, *PLUMBLINE, *words, **given)
    message, env, here = io.StringIO(), dict(os.environ), Path.cwd()
    os.chdir(project.path)
    os.environ.update(environment(project, **given))
    try:
        with redirect_stdout(message), redirect_stderr(message):
            code = main(list(words))
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(env)
    return Done(f"plumbline {' '.join(words)}", code, message.getvalue())


def well(done: Done) -> Done:
    """The same, which must have ended well."""
    assert done.code == 0, done.text[-4000:]
    return done


def both(first: Answer, verdict: str, second: bool) -> Answer:
    """The first answer with one more verdict, where the second held, too."""
    if first.verdict == SILENT or not second:
        return replace(first, verdict=SILENT)
    return replace(first, verdict=f"{first.verdict}, {verdict}")


def content(root: Path, *names: str) -> Mapping[str, bytes]:
    """Every file below these files and folders, but for what git and DVC ignore: path to bytes."""
    tops = [root / name for name in names]
    files = [p for top in tops for p in ([top] if top.is_file() else top.rglob("*"))]
    names = {str(p.relative_to(root)): p for p in files if p.is_file()}
    return {name: names[name].read_bytes() for name in sorted(names) if not PASSING.search(name)}


def is_root() -> bool:
    """Whether mounts can be made."""
    return os.geteuid() == 0
