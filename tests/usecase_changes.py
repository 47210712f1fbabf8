"""A team's repository in which the demo is replaced and use cases are added, renamed and removed, one by one.

At each change every command that reads dvc.lock runs; DVC's entries of earlier use cases stay in that file.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import yaml

from plumbline.__main__ import main
from plumbline.tracking import mlflow_process
from tests import project as projects
from tests import toy
from tests import warm as forks
from tests.project import Project

STATES = {
    "start": ["demo"],
    "replaced": ["own"],
    "added": ["own", "second"],
    "renamed": ["own", "other"],
    "removed": ["own"],
}
CHANGES = tuple(STATES)[1:]
CHECKS = (
    "push", "verify", "registry", "release", "rollback before", "rollback back",
    "reproduce before", "reproduce after",
)  # fmt: skip
MAKE = """
import json, pathlib, sys
source, model, table, metrics = map(pathlib.Path, sys.argv[1:])
for folder in (model, table.parent, metrics.parent):
    folder.mkdir(parents=True, exist_ok=True)
words = source.read_text().split()
for word in words:
    (model / f"{word}.txt").write_text(word * 100)
table.write_bytes(source.read_bytes() * 1000)
metrics.write_text(json.dumps({"words": len(words)}))
"""
GRAPH = """
stages:
  train:
    matrix: {usecase: "${usecases}"}
    cmd: >-
      python make.py source/${item.usecase}.txt models/${item.usecase} data/${item.usecase}/table.bin
      metrics/${item.usecase}.json
    deps: [make.py, "source/${item.usecase}.txt"]
    outs:
      - models/${item.usecase}
      - data/${item.usecase}/table.bin
    metrics:
      - metrics/${item.usecase}.json: {cache: false}
"""
FILES = {
    "make.py": MAKE, "dvc.yaml": GRAPH, ".dvcignore": toy.IGNORE,
    ".dvc/config": toy.CONFIG, ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
    ".gitignore": "/models/\n/data/\n/dist/\n/mlflow.db*\n/mlartifacts/\n/.plumbline/\n",
    "requirements.txt": "flask==3.0.0\n",
}  # fmt: skip


def start(path: Path) -> Project:
    """The repository before its first use case, in `path`/project, with the remote `path`/remote."""
    project = Project(path / "project", warm=True)
    for name, text in FILES.items():
        (project.path / name).parent.mkdir(parents=True, exist_ok=True)
        (project.path / name).write_text(text)
    project.run("git", "init", "-q", "-b", "main")
    return project


def declare(project: Project, change: str) -> None:
    """Make the use cases those of this state, run, commit, and tag the state."""
    usecases = STATES[change]
    (project.path / "params.yaml").write_text(yaml.safe_dump({"usecases": usecases}))
    for folder, suffix in (("source", "txt"), ("metrics", "json")):
        (project.path / folder).mkdir(exist_ok=True)
        for file in (project.path / folder).glob(f"*.{suffix}"):
            if file.stem not in usecases:
                file.unlink()
    for name in usecases:
        (project.path / "source" / f"{name}.txt").write_text(f"alpha {name} gamma delta")
    time.sleep(1.1 - time.time() % 1)  # a commit of a second of its own, as people's are
    project.repro()
    project.commit(change)
    project.run("git", "tag", tag(change))


def tag(change: str) -> str:
    """A state's tag."""
    return f"model-v{list(STATES).index(change) + 1}"


def before(change: str) -> str:
    """The state before a change."""
    return list(STATES)[list(STATES).index(change) - 1]


def run(*words: str) -> str:
    """A command in this process: "" where it ended well, else what it printed."""
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        code = main(list(words))
    return f"exit {code}: {printed.getvalue()}" if code else ""


def there(project: Project, change: str) -> str:
    """What is not as at this state; "" where all is: whole, its use cases alone, nothing to commit."""
    models = {p.name for p in (project.path / "models").iterdir()}
    odd = "" if models == set(STATES[change]) else f"models of {sorted(models)}"
    return run("verify") or odd or project.run("git", "status", "--porcelain")


def registered() -> str:
    """`registry sync` at this state; "" where git and MLflow then agree."""
    return run("registry", "sync") or run("registry", "status")


def replay(path: Path) -> Mapping[str, Mapping[str, str]]:
    """Every change with every check: "" where it is right, else what was wrong."""
    project = start(path)
    with pytest.MonkeyPatch.context() as patch, chdir(project.path):
        patch.setattr(os, "environ", projects.environment(project.path))
        forks.lend(patch)
        declare(project, "start")
        reproduced = {"start": run("push") or registered() or run("reproduce")}
        results = {}
        for change in CHANGES:
            declare(project, change)
            results[change] = checked(project, change, reproduced)
        mlflow_process.close()
    return results


def checked(project: Project, change: str, reproduced: dict[str, str]) -> dict[str, str]:
    """The checks of one change, in order; `reproduced`: the states that ran again so far."""
    back = tag(before(change))
    results = {
        "push": run("push"),
        "verify": run("verify"),
        "registry": registered(),
        "release": run("release", tag(change)),
        "rollback before": run("rollback", back) or there(project, before(change)),
        "rollback back": run("rollback", "main") or there(project, change),
    }
    reproduced[change] = run("reproduce")
    results["reproduce before"] = reproduced[before(change)]
    return results | {"reproduce after": reproduced[change]}
