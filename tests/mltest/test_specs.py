"""Model 1: what makes a model stands in params.yaml and under git, where a reviewer sees it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from plumbline.studies.mltest import tree
from tests.conftest import ROOT
from tests.project import Project

pytestmark = pytest.mark.mltest("Model 1")
TUNABLE = {
    *("eta", "learning_rate", "max_depth", "max_leaves", "min_child_weight", "gamma", "subsample"),
    *("colsample_bytree", "colsample_bylevel", "colsample_bynode", "lambda", "reg_lambda"),
    *("reg_alpha", "scale_pos_weight", "max_delta_step", "grow_policy", "n_estimators"),
    *("num_boost_round", "num_parallel_tree", "base_score", "sampling_method"),
}
"""XGBoost's settings that make another model."""
ELSEWHERE = {
    "plumbline/config.py",
    "plumbline/model/booster_settings.py",
    "plumbline/evaluate/baselines.py",
    "plumbline/ops/infer/section_draft.py",
}
"""The params' own types, the search space's grammar, models that are there to be beaten, a new table's params."""


def literals(text: str) -> Iterator[tuple[int, str]]:
    """Line and name wherever a tunable setting is given a constant: keyword, key, variable, default."""
    for node in ast.walk(ast.parse(text)):
        pairs: list[tuple[str | None, ast.AST | None]] = []
        if isinstance(node, ast.Call):
            pairs = [(k.arg, k.value) for k in node.keywords]
        elif isinstance(node, ast.Dict):
            pairs = [(_text(k), v) for k, v in zip(node.keys, node.values, strict=True)]
        elif isinstance(node, ast.Assign):
            pairs = [(_text(t), node.value) for t in node.targets]
        elif isinstance(node, ast.AnnAssign):
            pairs = [(_text(node.target), node.value)]
        elif isinstance(node, ast.FunctionDef):
            names = [a.arg for a in (*node.args.args, *node.args.kwonlyargs)]
            given = [*node.args.defaults, *node.args.kw_defaults]
            pairs = list(zip(names[-len(given) :], given, strict=False)) if given else []
        for name, value in pairs:
            if name in TUNABLE and isinstance(value, (ast.Constant, ast.UnaryOp)):
                yield getattr(value, "lineno", 0), str(name)


def _text(node: ast.AST | None) -> str | None:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Subscript):
        return _text(node.slice)
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", None)


@pytest.mark.capability("A8")
@pytest.mark.parametrize("folder", ["stages", "plumbline", "usecases"])
def test_no_parameter_outside_of_params(folder: str) -> None:
    result = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        if str(path.relative_to(ROOT)) not in ELSEWHERE
        for line, name in literals(path.read_text())
    ]
    assert result == [], "move it to params.yaml"


@pytest.mark.parametrize(
    "text",
    [
        "train(eta=0.1)",
        "x = {'max_depth': 6}",
        "full['gamma'] = 1",
        "subsample = 0.5",
        "gamma: float = -1",
        "def f(a, *, max_leaves=3): ...",
    ],
)
def test_one_that_is_planted_is_found(text: str) -> None:
    assert len(list(literals(text))) == 1
    assert list(literals("train(eta=params.eta); rounds = 3")) == []


def test_every_stage_names_its_section() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for name, entry in stages.items():
        if name != "features":
            assert any(p.endswith(f".{name}") for p in entry["params"]), name
    whole = yaml.safe_load((ROOT / "params.yaml").read_text())
    for case in whole["usecases"]:
        assert set(stages) <= set(whole[case])


def test_a_tree_that_is_not_committed_is_named(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.run("git", "init", "-q", "-b", "main")
    (tmp_path / "params.yaml").write_text("seed: 1\n")
    project.commit("start")
    before = tree.state(tmp_path)
    assert tree.changed(tmp_path) == []
    (tmp_path / "params.yaml").write_text("seed: 2\n")
    (tmp_path / "new.py").write_text("")
    assert sorted(tree.changed(tmp_path)) == ["new.py", "params.yaml"]
    assert tree.state(tmp_path) != before
    project.commit("changed")
    assert tree.changed(tmp_path) == []


@pytest.mark.capability("G4", "G6")
def test_a_pull_request_runs_what_a_reviewer_needs() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/pull-request.yml").read_text())["jobs"]
    runs = [s.get("run", "") for job in jobs.values() for s in job["steps"]]
    for needed in (
        "make lint",
        "make test",
        "make test-all",
        "plumbline gate --lock-only",
        "plumbline gate reports/",
    ):
        assert any(needed in run for run in runs), needed
    checklist = (ROOT / "docs/pull-requests.md").read_text()
    assert "require the checks `lint, types, tests` and `review by numbers`" in checklist
