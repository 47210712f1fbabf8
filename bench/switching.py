"""Seconds to get outs back that were computed before, beside those of `dvc checkout`.

`python -m bench.switching [FOLDER]`: in FOLDER, or a temporary folder, a clone of this project whose graph is
run twice, on two branches that differ in one parameter (a minute and a half). Then, a few times each: `dvc
checkout` after `git switch`, `dvc repro` after `git switch` there and back, after parameters were changed and
changed back, after an out was deleted, and `plumbline reuse`. Processor seconds, the median; and how many
stages did their work. With stages that do nothing what DVC itself needs is left. A folder that is there already
is measured as it is.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

from tests.conftest import ROOT
from tests.project import Project

PARAM = "{usecase}.train.rounds"
ROUNDS = 60
IDLE = "  the same, stages that do nothing"
REUSE = (sys.executable, "-m", "plumbline", "reuse")


def built(path: Path, usecase: str) -> Project:
    """A clone with branches a and b, both run and committed; on b."""
    project = Project(path)
    if (path / ".git").exists():
        return project
    Project(ROOT).run("git", "clone", "-q", str(ROOT), str(path))
    for branch, changes in (("a", {}), ("b", {PARAM.format(usecase=usecase): ROUNDS})):
        project.run("git", "switch", "-q", "-c", branch)
        project.set({"usecases": [usecase], **changes})
        project.run("dvc", "repro", env={"MLFLOW_TRACKING_URI": "off"})
        project.commit(branch)
    return project


def cost(project: Project, *words: str, env: Mapping[str, str]) -> tuple[float, int]:
    """A command's processor seconds, its children's with it, and how many stages did their work."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    printed = project.run(*words, env={"MLFLOW_TRACKING_URI": "off", **env})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, sum(": done in" in line for line in printed.splitlines())


def switched(project: Project, branch: str) -> None:
    """On the other branch, with the outs of the one before."""
    project.run("git", "switch", "-q", branch)


def changed_back(project: Project, branch: str) -> None:
    """Its params, with the dvc.lock and the outs of the branch that is checked out."""
    project.run("git", "checkout", "-q", "a" if branch == "b" else "b", "--", "params.yaml")


def settled(project: Project, branch: str) -> None:
    """A branch as it was committed, with its outs."""
    project.run("git", "checkout", "-q", "-f", branch)
    project.run("dvc", "checkout", "-q")


def idle(folder: Path) -> dict[str, str]:
    """An environment in which a stage's `python` does nothing: what is left is DVC's own."""
    folder.mkdir(exist_ok=True)
    program = folder / "python"
    program.unlink(missing_ok=True)
    program.symlink_to("/bin/true")
    return {"PATH": f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"}


def measure(
    project: Project,
    prepare: Callable[[Project, str], None],
    words: tuple[str, ...],
    env: Mapping[str, str],
    repeats: int,
) -> tuple[float, int]:
    """The median over both directions, and all stages that did their work."""
    results = []
    for branch in ("a", "b") * repeats:
        away = prepare is switched
        settled(project, ("b" if branch == "a" else "a") if away else branch)
        prepare(project, branch)
        results.append(cost(project, *words, env=env))
    return median(seconds for seconds, _ in results), sum(count for _, count in results)


def main(path: Path, usecase: str, repeats: int) -> None:
    """Print a line per case."""
    project = built(path, usecase)
    model = f"models/{usecase}"

    def deleted(there: Project, _branch: str) -> None:
        there.run("rm", "-r", model)

    for branch in ("a", "b"):  # each remembered: both have been replaced once
        settled(project, branch)
        changed_back(project, branch)
        project.run("dvc", "repro", env={"MLFLOW_TRACKING_URI": "off"})
    checkout, repro = ("dvc", "checkout"), ("dvc", "repro")
    nothing = idle(path.parent / "idle")
    cases = {
        "git switch, dvc checkout": (switched, checkout),
        "git switch, plumbline reuse": (switched, REUSE),
        "git switch, dvc repro": (switched, repro),
        "params there and back, dvc repro": (changed_back, repro),
        IDLE: (changed_back, repro),
        "params there and back, plumbline reuse": (changed_back, REUSE),
        "an out deleted, dvc checkout": (deleted, checkout),
        "an out deleted, dvc repro": (deleted, repro),
        "nothing to do, dvc repro": (lambda *_: None, repro),
    }
    print(f"{'':42}{'seconds':>9}{'executed':>10}{'of checkout':>13}")
    base = 0.0
    for title, (prepare, words) in cases.items():
        env = nothing if title == IDLE else {}
        seconds, executed = measure(project, prepare, words, env, repeats)
        base = seconds if words == checkout else base
        print(f"{title:42}{seconds:9.2f}{executed:10}{seconds / base:12.1f}x", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, help="of the clone")
    parser.add_argument("--usecase", default="card_fraud")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        target = (arguments.folder or Path(name) / "project").resolve()
        main(target, arguments.usecase, arguments.repeats)
