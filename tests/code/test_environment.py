"""environment/: the pins that can change a stage's outs, from the lock and the imports; another one is refused."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from plumbline.__main__ import main
from plumbline.core.errors import PlumblineError
from plumbline.ops.rollback import transaction
from plumbline.repo import environment_files, python_imports, requirements
from plumbline.runtime import libraries, preflight
from tests.code.test_graph import ORDER, STAGES, files
from tests.code.test_graph import imports as imported
from tests.conftest import ROOT

LOCK = requirements.parse((ROOT / "requirements.txt").read_text())
GRAPH = {
    "stages": {
        name: {
            "matrix": {"usecase": "${usecases}"},
            "cmd": "x",
            "deps": [f"stages/{name}.py", f"environment/{name}.txt", "usecases/${item.usecase}"],
            "outs": [f"{name}.out"],
        }
        for name in ("data", "train")
    }
}
TEXT = """numpy==1.0 \\
    --hash=sha256:00
    # via
    #   -r requirements.in
    #   xgboost-cpu
rich==3.0
    # via xgboost-cpu
scipy==1.1 ; python_full_version < '3.12'
    # via xgboost-cpu
scipy==1.2 ; python_full_version >= '3.12'
    # via xgboost-cpu
xgboost-cpu==3.0
    # via -r requirements.in
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two stages: data imports numpy; train, by way of the library, xgboost."""
    monkeypatch.chdir(tmp_path)
    for name in ("stages", "usecases/shop", "plumbline/train", "plumbline/runtime"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump(GRAPH))
    (tmp_path / "params.yaml").write_text("usecases: [shop]\n")
    (tmp_path / "requirements.txt").write_text(TEXT)
    (tmp_path / "stages" / "data.py").write_text("import os, plumbline.runtime.records\n")
    (tmp_path / "stages" / "train.py").write_text("from plumbline.train import fit\n")
    (tmp_path / "plumbline" / "train" / "fit.py").write_text("def f():\n    import xgboost\n")
    (tmp_path / "plumbline" / "runtime" / "records.py").write_text("import mlflow\n")
    (tmp_path / "usecases" / "shop" / "features.py").write_text("import numpy as np\n")
    return tmp_path


def pinned(root: Path, stage: str) -> dict[str, str]:
    return libraries.versions((root / libraries.file_of(stage)).read_text())


def test_a_stage_has_what_it_imports_and_what_that_requires(root: Path) -> None:
    assert environment_files.write(root) == ["environment/data.txt", "environment/train.txt"]
    assert pinned(root, "data") == {"numpy": "1.0"}
    assert pinned(root, "train") == {"numpy": "1.0", "scipy": "1.1, 1.2", "xgboost-cpu": "3.0"}
    assert environment_files.write(root) == environment_files.stale(root) == []


def test_a_bump_is_a_change_of_the_stages_that_it_can_reach(root: Path) -> None:
    environment_files.write(root)
    (root / "requirements.txt").write_text(TEXT.replace("cpu==3.0", "cpu==3.1"))
    assert environment_files.stale(root) == ["environment/train.txt: xgboost-cpu 3.0, expected 3.1"]
    assert environment_files.write(root) == ["environment/train.txt"]
    (root / "requirements.txt").write_text(TEXT.replace("rich==3.0", "rich==4.0"))
    environment_files.write(root)
    assert "rich" not in pinned(root, "train"), "what cannot reach an out is no pin of a stage"


def test_a_file_that_is_gone_or_written_by_hand_is_named(root: Path) -> None:
    environment_files.write(root)
    (root / "environment" / "data.txt").unlink()
    with (root / "environment" / "train.txt").open("a") as file:
        file.write("# a note\n")
    assert environment_files.stale(root) == [
        "environment/data.txt: numpy missing, expected 1.0",
        "environment/train.txt: not as it is written",
    ]


def test_an_import_that_is_not_locked_is_refused(root: Path) -> None:
    (root / "usecases" / "shop" / "features.py").write_text("import holidays\n")
    message = r"usecases/shop/features\.py: imports holidays, which requirements\.txt does not lock"
    with pytest.raises(PlumblineError, match=message):
        environment_files.stale(root)


def test_a_lock_without_notes_is_refused(root: Path) -> None:
    (root / "requirements.txt").write_text("numpy==1.0\n")
    with pytest.raises(PlumblineError, match="expected a note `# via`"):
        environment_files.stale(root)


def test_a_project_without_such_files_has_nothing_to_check(root: Path) -> None:
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"data": {"cmd": "x"}}}))
    assert environment_files.stale(root) == environment_files.of_stages(root) == []


def test_the_command_writes_them(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["environment"]) == 0
    assert "environment/train.txt: written; commit it" in capsys.readouterr().out
    assert main(["environment"]) == 0
    assert "environment/: up to date" in capsys.readouterr().out


def test_a_stage_refuses_another_library(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = {"numpy": "1.0", "xgboost-cpu": "2.9"}
    monkeypatch.setattr(libraries, "_installed", installed.get)
    preflight.refuse_libraries("shop", "train")  # a commit before there were such files
    environment_files.write(root)
    preflight.refuse_libraries("shop", "data")
    message = (
        r"environment/train\.txt: expected scipy 1\.\d \(installed: none\), xgboost-cpu 3\.0 "
        r"\(installed: 2\.9\); .*`make install`"
    )
    with pytest.raises(PlumblineError, match=message):
        preflight.begin("shop", "train", [])


def test_a_rollback_to_other_libraries_says_what_to_do(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        transaction, "rollback", lambda root, rev, progress, store: progress("done")
    )
    assert main(["rollback", "v1"]) == 0
    assert capsys.readouterr().out == "done\n"
    environment_files.write(root)
    assert main(["rollback", "v1"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("done\nthe stages here run with numpy 1.0 (installed: ")
    assert said.endswith(": `make install` before the next run\n")


def test_every_stage_of_the_project_has_its_file() -> None:
    named = {stage: libraries.files(STAGES[stage]["deps"]) for stage in ORDER}
    assert named == {stage: [libraries.file_of(stage)] for stage in ORDER}


@pytest.mark.capability("D8")
def test_the_files_are_what_the_lock_and_the_imports_give() -> None:
    assert environment_files.stale(ROOT) == [], "run `plumbline environment`"


@pytest.mark.parametrize("stage", ORDER)
def test_they_hold_all_that_the_installed_libraries_say_they_require(stage: str) -> None:
    """Another way to the same: the imports of test_graph, and the requirements in the wheels' metadata."""
    owners = metadata.packages_distributions()
    paths = {*files(ROOT / "stages" / f"{stage}.py"), ROOT / "stages" / f"{stage}.py"}
    for dep in STAGES[stage]["deps"]:
        if dep.startswith(("usecases/", "sources/")):
            path = ROOT / dep.replace("${item.usecase}", "card_fraud")
            paths |= set(path.rglob("*.py")) if path.is_dir() else {path}
    tops = {name.split(".")[0] for path in paths for name in imported(path)} - {"google"}
    tops -= environment_files.ENGINES
    todo = {libraries.normal(n) for t in tops - python_imports.OWN for n in owners.get(t, ())}
    seen: set[str] = set()
    todo -= environment_files.CONNECTIONS
    while todo := todo - seen - environment_files.LEFT_OUT:
        seen |= todo
        todo = {name for one in todo for name in required(one)}
    pinned_here = pinned(ROOT, stage)
    assert seen - pinned_here.keys() == set()


def required(name: str) -> set[str]:
    """What a wheel requires on this machine, without extras."""
    wanted = map(Requirement, metadata.requires(name) or ())
    here = [r for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})]
    return {libraries.normal(r.name) for r in here}


def test_what_is_left_out_is_required_by_something() -> None:
    reached = set()
    for stage in ORDER:
        reached |= LOCK.closure(pinned(ROOT, stage))
    assert environment_files.LEFT_OUT - reached == set(), "no longer required: drop it"


def test_a_bump_of_the_drift_library_does_not_run_tuning_again() -> None:
    assert "evidently" in pinned(ROOT, "monitor")
    assert "evidently" not in pinned(ROOT, "tune")
    assert "xgboost-cpu" not in pinned(ROOT, "features")


def test_the_lock_s_command_writes_them() -> None:
    recipe = re.search(r"^lock:\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe
    assert recipe[1].splitlines()[-1] == "\tpython -m plumbline environment"


@pytest.mark.capability("D8")
def test_installed_is_what_is_locked() -> None:
    texts = [(ROOT / libraries.file_of(stage)).read_text() for stage in ORDER]
    assert libraries.differing(texts) == []
