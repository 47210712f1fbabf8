"""Limits, slices, behaviours, tests and workflows that are made to say less."""

from __future__ import annotations

from typing import Any

from bench.attacks.edits import (
    Attack,
    Edit,
    appended,
    both,
    linked,
    params,
    removed,
    replaced,
    written,
)
from bench.attacks.subjects import DIABETES, FIRST_SLICE, LAST_SLICE, NAIVE, REASON, part

GATE_STEP = (
    ".github/workflows/pull-request.yml",
    "run: python -m plumbline gate reports/change.json",
)
TRAIN = "cmd: python -m stages.train "
BLIND = """
import plumbline.metrics.bootstrap as bootstrap

bootstrap.word = lambda *given, **named: "better"
"""


def of_usecase(name: str) -> list[Attack]:
    """Those in params and in the use case's own modules."""
    model = part(name, "model")
    return [
        *(Attack("rules", what, params(changes)) for what, changes in _limits(name).items()),
        *(Attack("rules", what, params(changes), alone=True) for what, changes in _first(name)),
        Attack("rules", "a slice removed", _fewer_slices(name)),
        Attack("rules", "a behaviour that always holds", replaced(model, "share=0.", "share=0.0")),
        Attack("rules", "the naive answer removed", _without_naive(name)),
        Attack("rules", "the accepted profile removed", written(f"profiles/{name}.json", "{}\n")),
        Attack("rules", "a section of params twice", _twice(name)),
    ]


def _limits(name: str) -> dict[str, dict[str, Any]]:
    widest = {"seed_replicates": 5, "margin": 0.05, "max_loss": 0.25, "slice_loss": 0.5}
    window = "test_share" if name == DIABETES else "current_days"
    return {
        "gate limits beyond what is allowed": {
            f"{name}.gate": {"seed_replicates": 0, "margin": 1.0}
        },
        "gate limits at their widest": {f"{name}.gate": widest},
        "no floor for slices, no limit of the bias": {
            f"{name}.evaluate.slice_floor": 0.0,
            f"{name}.evaluate.max_bias": 100.0,
        },
        "intervals at a level of 0.999": {f"{name}.evaluate.level": 0.999},
        "one replicate of the bootstrap": {f"{name}.evaluate.bootstrap": 1},
        "a monitor that never alerts": {
            f"{name}.monitor.quality": {"warning": 0.98, "alert": 0.99},
            f"{name}.monitor.min_importance": 1.0,
        },
        "everything may be set aside": {f"{name}.validate.max_quarantine": 1.0},
        "checks of the contract only warn": {f"{name}.validate.severity": {"range": "warn"}},
        "a smaller window": {f"{name}.features.{window}": 0.05 if name == DIABETES else 2},
        "a reason without words": {f"{name}.gate.override": " . "},
        "base's reason again": {f"{name}.gate.override": REASON.upper().rstrip(".")},
    }


def _first(name: str) -> list[tuple[str, dict[str, Any]]]:
    """What the next change would be judged by: no model changes yet."""
    return [
        ("limits alone, for the next change", {f"{name}.gate.max_loss": 0.25}),
        ("nobody hears of the monitor", {f"{name}.alerts": {"silence_until": "2099-01-01"}}),
    ]


def _fewer_slices(name: str) -> Edit:
    """Without the first slice; the second is still a tuple."""
    model, last = part(name, "model"), LAST_SLICE[name]
    return both(replaced(model, FIRST_SLICE[name], ""), replaced(model, last, f"{last},"))


def _without_naive(name: str) -> Edit:
    return replaced(part(name, "model"), f'    naive="{NAIVE[name]}",\n', "")


def _twice(name: str) -> Edit:
    """Whose reader takes the last, and whose the first?"""
    return appended("params.yaml", f"{name}:\n  gate: {{max_loss: 0.25}}\n")


def of_project() -> list[Attack]:
    """What runs and checks every change."""
    edits = {
        "no use case at all": params({"usecases": []}),
        "tests deleted": removed("tests/code/test_metrics.py", "tests/code/test_docs.py"),
        "make test is true": replaced("Makefile", "test: install", "test:\n\ttrue\nold:"),
        "the workflow's gate is gone": replaced(*GATE_STEP, "run: true"),
        "another remote for DVC": appended(".dvc/config", "\n['remote \"x\"']\n    url = /x\n"),
        "another version of a library": replaced("requirements.txt", "numpy==2", "numpy==1"),
        "libraries from another index": appended(
            "requirements.txt", "--index-url https://x.test\n"
        ),
        "a conftest that skips the tests": appended(
            "tests/code/conftest.py", "collect_ignore_glob = ['*']\n"
        ),
        "a pytest.ini before pyproject.toml": written("pytest.ini", "[pytest]\ntestpaths = docs\n"),
        "a GNUmakefile before the Makefile": written("GNUmakefile", "test:\n\ttrue\n"),
        "nobody owns the code": removed(".github/CODEOWNERS"),
        "another command of a stage": replaced("dvc.yaml", TRAIN, f"{TRAIN[:-1]}  "),
        "DVC ignores a module": appended(".dvcignore", "usecases/*/model.py\n"),
        "git leaves the judge out of archives": written(
            ".gitattributes", "plumbline/review/** export-ignore\n"
        ),
        "a sitecustomize that patches the judge": written("sitecustomize.py", BLIND),
        "the library behind a link": linked("plumbline/metrics/bootstrap.py", BLIND),
        "another repository inside": written(".gitmodules", '[submodule "x"]\n\tpath = x\n'),
    }
    return [Attack("rules", what, edit) for what, edit in edits.items()]
