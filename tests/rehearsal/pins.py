"""Scenarios of a pull request that moves the pin of a library: rebuilt with it, and what came of it.

The library's other version is played: `tests/rehearsal/layers.py` says what is real.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from tests import warm as forks
from tests.project import Project
from tests.rehearsal import layers
from tests.rehearsal.base import NAME, QUIET
from tests.rehearsal.hub import Hub
from tests.rehearsal.reviews import Seen, review

LIBRARY = "xgboost-cpu"
INSTALLED = metadata.version(LIBRARY)
NEXT = re.sub(r"\d+$", lambda last: str(int(last[0]) + 1), INSTALLED)
REASON = "the next version, rebuilt"
"""Why, in gate.override: a change of what every change is run with needs it."""
START = f"**⚠️ May be merged by an override ({REASON}): "
REACHED = [f"{stage}@{NAME}" for stage in ("tune", "train", "evaluate", "monitor")]
SENTENCE = f"{LIBRARY} {INSTALLED} → {NEXT}: rebuilt; "
STRONGER = ("training.py", "bst = Booster(params,", 'bst = Booster({"lambda": 9.0, **params},')
"""The line of XGBoost's code that differs: another default of a setting that params.yaml does not set."""


def same_bytes(hub: Hub) -> Seen:
    """A library moves and the model does not: refused until it is rebuilt, then the same bytes."""
    with next_version(hub):
        project = hub.clone()
        refused_until_rebuilt(project, hub.prefix)
        seen = review(hub, hub.push(project, "next"))
    assert seen.comment.startswith(START), seen.log()
    assert f"package {LIBRARY}: {INSTALLED} → {NEXT}" in seen.comment.replace("\\", "")
    assert sentence(seen) == f"same bytes (tune, train, evaluate, monitor of {NAME})."
    assert set(seen.checks().values()) == {"green"}
    assert ran(seen.review.step("changed stages").output) == REACHED, "and no other stage"
    return seen


def other_outs(hub: Hub) -> Seen:
    """A library moves and with it the model: which outs differ, and the models compared."""
    with next_version(hub):
        layers.edit(hub.prefix, "xgboost", *STRONGER)
        project = hub.clone()
        bump(project)
        inside(project, hub.prefix, "python", "-m", "plumbline", "environment")
        inside(project, hub.prefix, "dvc", "repro")
        project.commit("the next version")
        seen = review(hub, hub.push(project, "next"))
    assert sentence(seen).startswith(f"outs that differ: metrics/{NAME}/evaluate.json, "), (
        seen.log()
    )
    assert f"models/{NAME}" in sentence(seen)
    assert "mean absolute error" in seen.comment.splitlines()[0]
    assert f"Unchanged: {NAME}" not in seen.comment
    assert ran(seen.review.step("changed stages").output) == REACHED
    return seen


@contextmanager
def next_version(hub: Hub) -> Iterator[None]:
    """The workflows install the library's next version while the block runs."""
    hub.prefix = layers.make(hub.folder / "next", LIBRARY, NEXT)
    try:
        yield
    finally:
        forks.stop(hub.prefix)


def refused_until_rebuilt(project: Project, layer: Path) -> None:
    """The workflow's first check, and a stage, at each step of the way; a commit at its end."""
    gate = ("python", "-m", "plumbline", "gate", "--lock-only")
    bump(project)
    said = project.run(*gate, ok=False)
    assert f"train.txt: {LIBRARY} {INSTALLED}, expected {NEXT}; run `plumbline environment`" in said
    inside(project, layer, "python", "-m", "plumbline", "environment")
    said = inside(project, layer, *gate, ok=False)
    assert f"dvc.lock is stale: {', '.join(REACHED)} would run again" in said
    said = project.run("dvc", "repro", env=QUIET, ok=False)
    assert f"environment/tune.txt: expected {LIBRARY} {NEXT} (installed: {INSTALLED})" in said
    assert ran(inside(project, layer, "dvc", "repro")) == REACHED
    assert "dvc.lock: up to date" in inside(project, layer, *gate)
    project.commit("the next version")


def bump(project: Project) -> None:
    """The pin in requirements.in and requirements.txt, as an update tool leaves them."""
    for name in ("requirements.in", "requirements.txt"):
        path = project.path / name
        text = path.read_text()
        assert f"{LIBRARY}=={INSTALLED}" in text
        path.write_text(text.replace(f"{LIBRARY}=={INSTALLED}", f"{LIBRARY}=={NEXT}"))
    project.set({"gate": {"override": REASON}})


def inside(project: Project, layer: Path, *words: str, ok: bool = True) -> str:
    """A command's output in the environment with the next version."""
    path = os.pathsep.join([*forks.path(layer), f"{layer}/bin", os.environ["PATH"]])
    return project.run(*words, env={**QUIET, "PATH": path}, ok=ok)


def sentence(seen: Seen) -> str:
    """What the comment says of the library, after its versions."""
    text = seen.comment.replace("\\", "")
    (line,) = [line for line in text.splitlines() if line.startswith(SENTENCE)]
    return line.removeprefix(SENTENCE)


def ran(output: str) -> list[str]:
    """The stages that `dvc repro` says it ran."""
    return re.findall(r"^Running stage '(.+)'", output, re.MULTILINE)
