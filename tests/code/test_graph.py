"""The graph in dvc.yaml held against the code: one file per stage, every import a dep, pure modules pure."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
ORDER = ["data", "validate", "features", "tune", "train", "evaluate", "monitor"]
OWN = ("plumbline", "stages")
NO_DEPS = {"config", "runtime", "tracking", "repo"}
"""What cannot change an out: a contract in pyproject.toml holds that no stage package imports it."""
PARTS = {
    "load_contract": {"usecases/shared", "usecases/${item.usecase}/contract.py"},
    "load_features": {
        "usecases/shared",
        "usecases/${item.usecase}/contract.py",
        "usecases/${item.usecase}/features.py",
    },
    "load": {"usecases/shared", "usecases/${item.usecase}"},
}
"""The deps of what each loader imports."""
KEYS = ["matrix", "cmd", "deps", "params", "outs", "metrics", "plots"]
EDGES = {
    "mlflow": {"tracking/mlflow_model", "tracking/mlflow_worker"},
    "dvc": {"repo/remotes"},
    "feast": {
        *("features/definitions", "features/store", "ops/online_store/connection"),
        *("ops/online_store/registry_definitions", "ops/online_store/postgres_values"),
        *("ops/online_store/redis_values", "ops/online_store/server"),
    },
    "great_expectations": {"validate/data_docs", "validate/expectations"},
    "evidently": {"monitor/evidently_report", "monitor/evidently_widgets"},
    "matplotlib": {
        *("evaluate/evaluation_plots", "monitor/drift_plots", "studies/sensitivity/plots"),
        "tune/trial_report",
    },
    "sqlalchemy": {"data/database", "tracking/mlflow_worker"},
}
"""The only modules of the library that may import each of these."""


def imports(path: Path) -> set[str]:
    """Dotted names that a file imports, anywhere in it."""
    result = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            result |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            result.add(node.module)
            result |= {f"{node.module}.{a.name}" for a in node.names}
    return result


def files(path: Path) -> set[Path]:
    """The project's own files that a file needs, direct or not, packages' `__init__` included."""
    seen: set[Path] = set()
    todo = [path]
    while todo:
        for name in imports(todo.pop()):
            base = ROOT / name.replace(".", "/")
            for target in (base.with_suffix(".py"), base / "__init__.py"):
                if _followed(name) and target.exists() and target not in seen:
                    seen.add(target)
                    todo.append(target)
    return seen


def _followed(name: str) -> bool:
    words = [*name.split("."), ""]
    return words[0] in OWN and words[1] not in NO_DEPS


def code_deps(stage: str) -> set[str]:
    """The deps that the imports of a stage's file ask for: packages, beside the file itself."""
    needed = {p.relative_to(ROOT).parts for p in files(ROOT / "stages" / f"{stage}.py")}
    packages = {parts[1] for parts in needed if parts[0] == "plumbline" and len(parts) > 2}
    return {f"plumbline/{name}" for name in packages} | {f"stages/{stage}.py"}


def test_one_file_per_stage() -> None:
    assert list(STAGES) == ORDER
    assert {p.stem for p in (ROOT / "stages").glob("*.py")} - {"__init__"} == set(ORDER)


@pytest.mark.parametrize("stage", ORDER)
def test_the_deps_are_the_packages_that_a_stage_can_reach(stage: str) -> None:
    deps = {d for d in STAGES[stage]["deps"] if d.startswith(("plumbline/", "stages/"))}
    needed = code_deps(stage)
    assert needed == deps, f"dvc.yaml, {stage}.deps: add {needed - deps}, drop {deps - needed}"


@pytest.mark.parametrize("stage", ORDER)
def test_a_stage_depends_on_the_parts_of_a_use_case_that_it_loads(stage: str) -> None:
    text = (ROOT / "stages" / f"{stage}.py").read_text()
    loaded = re.findall(r"\b(load_contract|load_features|usecase_loader\.load)\(", text)
    deps = {d for d in STAGES[stage]["deps"] if d.startswith("usecases/")}
    assert [deps] == [PARTS[name.removeprefix("usecase_loader.")] for name in loaded]


def test_what_no_stage_depends_on_holds_no_code() -> None:
    """The `__init__` of plumbline, usecases, stages and sources: no dep, so nothing but a docstring.

    And in stages the one call that may end a stage before it begins; it can reach no out but by bytes known.
    """
    for package in ("plumbline", "usecases", "stages", "sources"):
        body = ast.parse((ROOT / package / "__init__.py").read_text()).body
        code = [ast.unparse(node) for node in body[1:]]
        start = ["from plumbline.repo import reuse", "reuse.at_start()"]
        assert code == (start if package == "stages" else []), package


def test_the_root_has_the_only_graph() -> None:
    """DVC reads every dvc.yaml that it finds, and fails at one whose params lie elsewhere."""
    assert list((ROOT / "plumbline").rglob("dvc.yaml")) == []


def test_dvc_yaml_is_read_in_one_go() -> None:
    assert len((ROOT / "dvc.yaml").read_text().splitlines()) <= 140


@pytest.mark.parametrize("stage", ORDER)
def test_stage_reads_as_the_others(stage: str) -> None:
    entry = STAGES[stage]
    assert list(entry) == [k for k in KEYS if k in entry]
    assert entry["cmd"].startswith(f"python -m stages.{stage} ${{item.usecase}} ")
    outs = [o for k in ("outs", "metrics", "plots") for o in entry.get(k, [])]
    assert all(next(iter(o.values()))["persist"] for o in outs), "an out lost when the stage fails"
    words = entry["cmd"].split()
    for path in [next(iter(o)) for o in outs]:
        assert any(path == w or path.startswith(w + "/") for w in words), path


@pytest.mark.parametrize("path", sorted((ROOT / "plumbline").rglob("*.py")), ids=lambda p: p.stem)
def test_only_edges_touch_services(path: Path) -> None:
    used = {name.split(".")[0] for name in imports(path)}
    module = path.relative_to(ROOT / "plumbline").with_suffix("").as_posix()
    for library in used & EDGES.keys():
        assert module in EDGES[library], f"{module} imports {library}"
    assert not {n for n in imports(path) if n.split(".")[0] in ("usecases", "stages", "sources")}


def test_stages_are_thin() -> None:
    for path in (ROOT / "stages").glob("*.py"):
        assert len(path.read_text().splitlines()) <= 120, path


def test_functions_are_short() -> None:
    long = []
    for folder in ("plumbline", "stages", "usecases", "sources"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 50:
                    long.append(f"{path.name}:{node.name}")
    assert not long
