"""There and back over three releases of card_fraud at full size: the same as recorded, and how long.

`python -m bench.rollback` works in a clone of HEAD, makes three releases (other params, other features,
other data), rolls back to each of them and to the branch again, and compares outs, champion, Feast's
definitions, online features and predictions with what was to be seen when each was made. Then a
rollback is killed (kill -9) at the start and at the end of each of its steps; the next one finds that
out, and everything must be as it was before. It exits with 1 where anything differs; `--no-kills`
leaves the second part out.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plumbline.ops.rollback import steps
from tests import three_releases as releases
from tests.conftest import ROOT
from tests.project import Project

WAY = ("model-v1", "model-v3", "model-v2", "model-v1", "main")
KILLER = ("python", str(ROOT / "tests" / "faults" / "killer.py"))
Known = Mapping[str, Mapping[str, Any]]


def differing(project: Project, known: Known, tag: str) -> list[str]:
    """What is not as it was when the release was made, or not as its dvc.lock says."""
    current = releases.seen(project, {})
    expected = known["model-v3" if tag == "main" else tag]
    names = [key for key in expected if current[key] != expected[key]]
    return names + ["dvc.lock"] * (current["outs"] != releases.recorded(project, tag))


def report(what: str, took: tuple[float, float], names: list[str], good: str) -> bool:
    """Print a line; whether nothing differs."""
    text = f"DIFFER: {', '.join(names)}" if names else good
    print(f"{what:30}  {took[0]:7.1f}  {took[1]:9.1f}  {text}", flush=True)
    return not names


def timed(project: Project, *words: str) -> tuple[str, tuple[float, float]]:
    """What a command says, its seconds, and those that a processor worked on it."""
    started, before = time.perf_counter(), worked()
    text = project.run(*words)
    return text, (time.perf_counter() - started, worked() - before)


def worked() -> float:
    """Seconds of processor time that the processes so far have taken."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def way(project: Project, known: Known) -> list[float]:
    """There and back; the seconds of each rollback, infinite where something differs."""
    seconds = []
    for tag in WAY:
        _, took = timed(project, "python", "-m", "plumbline", "rollback", tag)
        good = report(tag, took, differing(project, known, tag), "as recorded")
        seconds.append(took[0] if good else float("inf"))
    return seconds


def kills(project: Project, known: Known) -> list[bool]:
    """Killed at both ends of each step on the way to the first release; whether main was put back."""
    good = []
    for step in steps.STEPS:
        for when in ("start", "end"):
            killed = project.run(*KILLER, step, when, WAY[0], ok=False)
            output, took = timed(project, *KILLER, "recover")
            names = differing(project, known, "main")
            names += [] if f"interrupted at {step}" in output else [f"not killed there: {killed}"]
            good.append(report(f"killed at the {when} of {step}", took, names, "as before"))
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-kills", action="store_true", help="only there and back")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder) / "project")
        Project(ROOT).run("git", "clone", "-q", str(ROOT), str(project.path))
        shutil.copytree(ROOT / ".dvc" / "cache", project.path / ".dvc" / "cache")
        project.run("git", "checkout", "-q", "-B", "main")
        project.run("dvc", "checkout", "-q")
        known = releases.make(project, {})
        seen = "outs, champion, Feast, online features, predictions"
        print(f"{'':30}  seconds  processor  {seen}", flush=True)
        seconds = way(project, known)
        put_back = [] if chosen.no_kills else kills(project, known)
    print(f"{sum(s < 60 for s in seconds)} of {len(WAY)} as recorded and under 60 s each")
    print(f"{sum(put_back)} of {len(put_back)} killed rollbacks put back")
    sys.exit(0 if all(s < 60 for s in seconds) and all(put_back) else 1)


if __name__ == "__main__":
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    main()
