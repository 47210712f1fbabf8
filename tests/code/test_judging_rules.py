"""What decides on a change and the change itself alters: each kind is named, and what only adds is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline.core.declarations import Behaviour, Columns
from plumbline.core.usecase import UseCase
from plumbline.review import declared_rules, judging_rules, revision
from plumbline.runtime import git
from tests.small import SMALL

PARAMS: dict[str, Any] = {
    "usecases": ["shop"],
    "shop": {
        "gate": {"margin": 0.01},
        "validate": {"max_quarantine": 0.02},
        "features": {"test_days": 21, "join": "feast"},
        "train": {"rounds": 60, "costs": {"unit": "cents", "false_positive": 5}},
    },
}
FILES = {
    "Makefile": "test:\n\tpytest\n",
    "tests/code/test_a.py": "def test_a(): ...\n",
    ".dvc/config": "[core]\n    autostage = false\n",
    "requirements.txt": "numpy==2.1\n",
    "docs/a.md": "text\n",
    "usecases/shop/features.py": "x = 1\n",
    "dvc.lock": "schema: '2.0'\n",
    "dvc.yaml": "stages: {}\n",
}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A repository with one commit, tagged base."""
    for name, text in {**FILES, "params.yaml": yaml.safe_dump(PARAMS)}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    git.output(tmp_path, "init", "-q", "-b", "main")
    commit(tmp_path)
    git.output(tmp_path, "tag", "base")
    return tmp_path


def commit(root: Path) -> None:
    who = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    git.output(root, "add", "-A")
    git.output(root, *who, "commit", "-q", "-m", "change")


def rules(root: Path) -> dict[str, tuple[Any, Any]]:
    """What base and the work tree differ in, by key."""
    sides = revision.side(root, "base"), revision.side(root, None)
    found = judging_rules.changed(*sides, {"shop": ({}, {})})
    return {f"{one.usecase or ''} {one.key}".strip(): (one.base, one.head) for one in found}


def set_params(root: Path, dotted: str, value: Any) -> None:
    whole = yaml.safe_load((root / "params.yaml").read_text())
    *parts, last = dotted.split(".")
    place = whole
    for part in parts:
        place = place.setdefault(part, {})
    place[last] = value
    (root / "params.yaml").write_text(yaml.safe_dump(whole))


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("shop.gate.margin", 0.05, ("shop gate.margin", (0.01, 0.05))),
        ("shop.gate.max_loss", 0.2, ("shop gate.max_loss", (None, 0.2))),
        ("shop.evaluate.slice_floor", 0.0, ("shop evaluate.slice_floor", (None, 0.0))),
        ("shop.monitor.min_importance", 1, ("shop monitor.min_importance", (None, 1))),
        ("shop.validate.max_quarantine", 1.0, ("shop validate.max_quarantine", (0.02, 1.0))),
        (
            "shop.validate.severity",
            {"range": "warn"},
            ("shop validate.severity.range", (None, "warn")),
        ),
        ("shop.features.test_days", 6, ("shop features.test_days", (21, 6))),
        ("shop.train.costs.false_positive", 1, ("shop train.costs.false_positive", (5, 1))),
    ],
)
def test_limits_in_params(base: Path, key: str, value: Any, found: tuple[str, Any]) -> None:
    set_params(base, key, value)
    assert rules(base) == {found[0]: found[1]}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("shop.train.rounds", 48),
        ("shop.features.join", "direct"),
        ("shop.gate.override", "agreed"),
        ("gate.override", "agreed"),
        ("seed", 8),
    ],
)
def test_what_limits_nothing_is_none(base: Path, key: str, value: Any) -> None:
    set_params(base, key, value)
    assert rules(base) == {}


@pytest.mark.parametrize(
    ("file", "text", "names"),
    [
        ("Makefile", "test:\n\ttrue\n", ["Makefile"]),
        ("tests/code/test_a.py", None, ["tests/code/test_a.py"]),
        ("tests/code/test_b.py", "def test_b(): ...\n", []),
        ("tests/code/conftest.py", "collect_ignore_glob = ['*']\n", ["tests/code/conftest.py"]),
        (
            ".github/workflows/pull-request.yml",
            "on: push\n",
            [".github/workflows/pull-request.yml"],
        ),
        ("plumbline/review/merge_gate.py", "yes = True\n", ["plumbline/review/merge_gate.py"]),
        ("CODEOWNERS", "* @me\n", ["CODEOWNERS"]),
        (".dvc/config", "[core]\n    autostage = true\n", [".dvc/config: core.autostage"]),
        ("requirements.txt", "numpy==2.0\n", ["package numpy"]),
        ("docs/a.md", "other\n", []),
        ("usecases/shop/features.py", "x = 2\n", []),
    ],
)
def test_files(base: Path, file: str, text: str | None, names: list[str]) -> None:
    path = base / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if text is not None:
        path.write_text(text)
    commit(base)
    assert list(rules(base)) == names


def test_an_override_counts_once(base: Path) -> None:
    """What base has already was written for another change."""
    set_params(base, "shop.gate.override", "agreed")
    set_params(base, "gate.override", "new tests")
    sides = revision.side(base, "base"), revision.side(base, None)
    assert judging_rules.override(*sides, "shop") == "agreed"
    assert judging_rules.project_override(*sides) == "new tests"
    commit(base)
    again = revision.side(base, "HEAD"), revision.side(base, None)
    assert judging_rules.override(*again, "shop") is None
    assert judging_rules.project_override(*again) is None


def turned(event: Columns) -> Columns:
    """Another event."""
    return {"x": -event["x"]}


def same(event: Columns) -> Columns:
    """The same event."""
    return {"x": event["x"]}


def with_behaviour(change: Any, share: float = 0.9) -> UseCase:
    behaviour = Behaviour("turned", "x the other way", change, "not_lower", share=share)
    return replace(SMALL, behaviours=(behaviour,))


def keys(base: UseCase, head: UseCase) -> list[str]:
    return list(declared_rules.changes(declared_rules.of(base), declared_rules.of(head)))


def test_declarations_that_judge() -> None:
    declared = with_behaviour(turned)
    assert keys(declared, declared) == []
    assert keys(declared, with_behaviour(same)) == ["behaviours.turned.change"]
    assert keys(declared, with_behaviour(turned, share=0.1)) == ["behaviours.turned.share"]
    assert keys(declared, replace(declared, behaviours=())) == ["behaviours.turned"]
    assert keys(replace(declared, behaviours=()), declared) == [], "an addition"
    first = declared.columns[0]
    wider = replace(declared, columns=(replace(first, max=1e9), *declared.columns[1:]))
    assert keys(declared, wider) == [f"columns.{first.name}.max"]
    worded = replace(declared, columns=(replace(first, description="x"), *declared.columns[1:]))
    assert keys(declared, worded) == []


def test_a_function_is_its_structure() -> None:
    def first(x: int) -> int:
        """Doc."""
        return x + 1

    before = declared_rules.code(first)

    def first(x: int) -> int:  # type: ignore[no-redef]
        # a comment
        return x + 1

    assert declared_rules.code(first) == before
