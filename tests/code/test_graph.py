"""The graph in dvc.yaml held against the code: one file per stage, every import a dep, pure modules pure."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
ORDER = ["data", "validate", "features", "tune", "train", "evaluate", "monitor"]
KEYS = ["matrix", "cmd", "deps", "params", "outs", "metrics", "plots"]
EDGES = {"mlflow", "dvc", "feast", "great_expectations", "evidently", "matplotlib", "sqlalchemy"}
EDGE_MODULES = {
    "mlflow": {"mlflow_worker"},
    "dvc": {"remotes"},
    "feast": {"definitions", "store"},
    "great_expectations": {"expectations", "datadocs"},
    "evidently": {"drift_report", "evidently_page"},
    "matplotlib": {"pictures", "drift_pictures", "trialplot"},
    "sqlalchemy": {"database", "mlflow_worker"},
}


def imports(path: Path) -> set[str]:
    """Dotted names that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
            found |= {f"{node.module}.{a.name}" for a in node.names}
    return found


def files(path: Path) -> set[Path]:
    """The project's own files that a file needs, direct or not."""
    seen: set[Path] = set()
    todo = [path]
    while todo:
        for name in imports(todo.pop()):
            target = ROOT / (name.replace(".", "/") + ".py")
            if (
                name.startswith(("plumbline.", "stages."))
                and target.exists()
                and target not in seen
            ):
                seen.add(target)
                todo.append(target)
    return seen


def test_one_file_per_stage() -> None:
    assert list(STAGES) == ORDER
    assert {p.stem for p in (ROOT / "stages").glob("*.py")} - {"__init__"} == set(ORDER)


@pytest.mark.parametrize("stage", ORDER)
def test_every_import_is_a_dep(stage: str) -> None:
    deps = set(STAGES[stage]["deps"])
    needed = {str(p.relative_to(ROOT)) for p in files(ROOT / "stages" / f"{stage}.py")}
    code = {d for d in deps if d.startswith("plumbline/")}
    assert needed == code, f"dvc.yaml, {stage}.deps: add {needed - code}, drop {code - needed}"
    assert {f"stages/{stage}.py", "usecases/${item.usecase}.py"} <= deps


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
    for library in used & EDGES:
        assert path.stem in EDGE_MODULES[library], f"{path.name} imports {library}"
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
