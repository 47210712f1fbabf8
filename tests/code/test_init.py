"""A project that installs the library: what `plumbline init` writes, and how the library is an input of its stages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline.cli.app import main
from plumbline.core.errors import PlumblineError
from plumbline.core.files import dumps
from plumbline.model.version import VERSION
from plumbline.ops import infer
from plumbline.ops.init import create, pin, texts
from plumbline.repo import clean_room, environment_files, library_file
from plumbline.review import isolation, packages
from plumbline.runtime import child_process, dvc_yaml, git, library
from plumbline.runtime.dvc_lock import Entry
from plumbline.studies.privacy import scan
from tests.conftest import ROOT
from tests.reviews import comparison

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
ROWS = "id,size,units,answer\n" + "".join(f"{n},{n / 7:.3f},{n % 5 + 1},{n}\n" for n in range(50))
GENERATED = ("environment/", "requirements.txt", "requirements-comment.txt", "sources/", ".git/")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project around a small table, not committed, nothing run."""
    folder = tmp_path_factory.mktemp("shop")
    table = folder / "My orders.csv"
    table.write_text(ROWS)
    name = create.usecase_of(table)
    create.create(folder / "shop", infer.infer(table, "answer", key="id", name=name))
    return folder / "shop"


def written(root: Path) -> dict[str, str]:
    """The texts of the project that a team reads and changes."""
    files = {p.relative_to(root).as_posix(): p for p in root.rglob("*") if p.is_file()}
    own = {name: path for name, path in files.items() if not name.startswith(GENERATED)}
    return {name: path.read_text(errors="replace") for name, path in own.items()}


def test_a_team_owns_about_800_lines(shop: Path) -> None:
    files = written(shop)
    del files[".dvc/plots.html"]  # a page for DVC's plots, which nobody edits
    assert 600 < sum(len(text.splitlines()) for text in files.values()) < 900
    left = {name for name, text in files.items() if re.search(r"\{[a-z]+\}(?!\})", text)}
    assert left <= {"dvc.yaml"}, "a name that was not filled in"


def test_every_dep_is_there_or_made(shop: Path) -> None:
    params = yaml.safe_load((shop / "params.yaml").read_text())
    stages = dvc_yaml.stages(dvc_yaml.read(shop), params)
    made = {path for stage in stages.values() for path in stage.paths}
    deps = {dep for stage in stages.values() for dep in stage.deps} - made
    assert [dep for dep in deps if not (shop / dep).exists()] == []
    assert len(stages) == 7
    assert all(library.tracked(stage) for stage in stages.values())


def test_the_library_and_its_pins_are_noted_as_installed(shop: Path) -> None:
    assert library_file.stale(shop) == []
    assert environment_files.stale(shop) == []
    pins = (shop / "environment" / "train.txt").read_text()
    assert "xgboost-cpu==" in pins
    assert "evidently==" not in pins


@pytest.mark.parametrize("name", STAGES)
def test_the_noted_parts_are_the_deps_of_this_repository(shop: Path, name: str) -> None:
    parts = library.read(shop)[library.PARTS][name]
    deps = [dep for dep in STAGES[name]["deps"] if dep.startswith("plumbline/")]
    assert sorted(parts) == sorted(
        [*(dep.removeprefix("plumbline/") for dep in deps), f"pipeline/{name}.py"]
    )


def test_the_graph_differs_in_the_library_alone() -> None:
    stages = yaml.safe_load(texts.graph())["stages"]
    for name, stage in stages.items():
        noted = {library.FILE: [f"{library.MD5S}.{name}"]}
        stage["params"] = [param for param in stage["params"] if param != noted]
        own = [dep for dep in STAGES[name]["deps"] if not dep.startswith("plumbline/")]
        assert stage == {**STAGES[name], "deps": own}


@pytest.mark.parametrize("name", texts.WORKFLOWS)
def test_a_workflow_has_the_steps_of_this_repository(name: str) -> None:
    text = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text()
    here = steps(yaml.safe_load(text.replace('PATH="$PWD/.cml:$PATH" ', "")))
    there = steps(yaml.safe_load(texts.workflow(name)))
    dropped = [step["run"] for step in here if step not in there]
    assert set(dropped) <= {*texts.ONLY_HERE, "make cml"}
    assert [step for step in there if step not in here] == []
    targets = set(re.findall(r"\bmake ([\w-]+)", texts.workflow(name)))
    assert targets <= set(re.findall(r"^([\w-]+):", texts.shared()["Makefile"], re.MULTILINE))


@pytest.mark.parametrize("name", texts.WORKFLOWS)
def test_a_script_that_a_workflow_starts_is_in_the_project(name: str) -> None:
    started = set(re.findall(r"\bbash ([\w./-]+)", texts.workflow(name)))
    assert started <= set(texts.shared())
    assert started or name != "deploy"
    for path in started:
        assert texts.shared()[path] == (ROOT / path).read_text(), path
        assert texts.shared()[path].startswith("#!"), path


def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    """All steps of a workflow."""
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_a_stage_refuses_another_library(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = dvc_yaml.of_usecase(dvc_yaml.read(shop), "my_orders")["tune"]
    library.refuse("tune", stage, shop)
    monkeypatch.setattr(library, "_part", lambda part: f"other {part}")
    with pytest.raises(PlumblineError, match=r"stage 'tune': expected .* run `plumbline sync`"):
        library.refuse("tune", stage, shop)
    assert "data, validate" in library_file.stale(shop)[0]


def test_only_a_stage_that_reaches_changed_code_has_another_fingerprint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("core/a.py", "data/b.py", "core/__pycache__/a.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("one")
    monkeypatch.setattr(library, "PACKAGE", tmp_path)
    before = fingerprints()
    (tmp_path / "data" / "b.py").write_text("two")
    (tmp_path / "core" / "__pycache__" / "a.pyc").write_text("two")
    after = fingerprints()
    assert (before["train"] == after["train"], before["data"] == after["data"]) == (True, False)


def fingerprints() -> dict[str, str]:
    """Of two stages, as a new process computes them."""
    library._part.cache_clear()
    parts = {"train": ["core"], "data": ["core", "data"]}
    found = {stage: library.fingerprint(named) for stage, named in parts.items()}
    library._part.cache_clear()
    return found


@pytest.mark.parametrize(
    ("there", "file", "name", "message"),
    [
        ("kept.txt", "t.csv", "shop", "expected a new or an empty folder, found kept.txt"),
        (None, "none.csv", "shop", "none.csv: no such file"),
        (None, "t.csv", "Shop", "the use case's name.* expected lower-case"),
        (None, "t.csv", "shop", "--label; it could be one of"),
    ],
)
def test_a_refused_start_writes_nothing(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    there: str | None,
    file: str,
    name: str,
    message: str,
) -> None:
    (tmp_path / "t.csv").write_text(ROWS)
    (tmp_path / "shop").mkdir()
    if there:
        (tmp_path / "shop" / there).touch()
    words = ["init", str(tmp_path / "shop"), "--from", str(tmp_path / file), "--name", name]
    label = [] if "--label" in message else ["--label", "answer"]
    assert main([*words, *label]) == 2
    assert re.search(message, capsys.readouterr().err)
    assert sorted(p.name for p in (tmp_path / "shop").iterdir()) == ([there] if there else [])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["shop", "t.csv"]


def test_an_empty_clone_becomes_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(create, "LARGE", 10)
    (tmp_path / "t.csv").write_text(ROWS)
    git.output(tmp_path, "init", "-q", "-b", "trunk", "shop")
    create.create(tmp_path / "shop", infer.infer(tmp_path / "t.csv", "answer", name="shop"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["shop", "t.csv"]
    assert git.text(tmp_path / "shop", "symbolic-ref", "HEAD") == "refs/heads/trunk"
    source = tmp_path / "shop" / "sources" / "shop"
    assert (source / "t.csv.dvc").exists() or (source / "shop.csv.dvc").exists(), (
        "too large for git"
    )


def noted(version: str, md5: str) -> dict[str, Any]:
    """A file of fingerprints with one stage."""
    return {
        "version": version,
        library.MD5S: {"train": md5},
        library.PARTS: {"train": ["pipeline/train.py"]},
    }


OWN = library.fingerprint(["pipeline/train.py"])


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        ({}, []),
        (noted("0.1.0", OWN), []),
        (noted("0.1.0", "other"), [f"plumbline 0.1.0 (installed: {VERSION})"]),
        (noted(VERSION, "other"), [f"plumbline {VERSION} (installed: {VERSION} with other code)"]),
    ],
)
def test_another_library_is_named(recorded: dict[str, Any], expected: list[str]) -> None:
    assert library.differing(recorded) == expected


@pytest.mark.parametrize(("md5", "judge", "rules"), [(OWN, "base", 0), ("other", "head", 1)])
def test_a_library_that_base_does_not_note_judges_as_head_s(
    md5: str, judge: str, rules: int
) -> None:
    result = isolation._by_installed(comparison(), noted("0.1.0", md5))
    assert (result.judge, len(result.rules)) == (judge, rules)
    assert all(rule.base == "plumbline 0.1.0" for rule in result.rules)


def test_a_newer_library_reaches_the_stages_whose_fingerprint_differs() -> None:
    sides = []
    for version, md5 in (("0.1.0", "a"), ("0.2.0", "b")):
        params = {"data": {"library-code.data": "same"}, "train": {"library-code.train": md5}}
        entries = {
            f"{stage}@shop": Entry(params=values, deps={f"environment/{stage}.txt": EMPTY})
            for stage, values in params.items()
        }
        texts_of = {library.PINS: f"plumbline=={version}\n", library.FILE: dumps(noted("", md5))}
        sides.append((texts_of, entries))
    [effect] = packages.effects(*sides)
    assert (effect.key, effect.stages, effect.rebuilt) == ("plumbline", ["train@shop"], True)


EMPTY = "d41d8cd98f00b204e9800998ecf8427e"


def test_the_copy_of_a_rollback_is_not_searched(tmp_path: Path) -> None:
    for name in ("logs", "tool/plumbline"):
        (tmp_path / name).mkdir(parents=True)
    assert list(scan.outputs([tmp_path, tmp_path / "none"])) == [tmp_path / "logs"]
    assert list(scan.outputs([tmp_path / "tool"])) == [tmp_path / "tool"]


@pytest.mark.parametrize(
    ("address", "digest", "line"),
    [
        ("", "", f"plumbline=={VERSION}"),
        ("https://x/p.whl", "", f"plumbline=={VERSION}"),
        ("https://x/p.whl", "ab", "plumbline @ https://x/p.whl --hash=sha256:ab"),
        ("file:///gone/p.whl", "ab", f"plumbline=={VERSION}"),
        (None, "ab", f"--find-links wheels\nplumbline=={VERSION} --hash=sha256:ab"),
    ],
)
def test_the_library_is_named_as_it_was_installed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    address: str | None,
    digest: str,
    line: str,
) -> None:
    wheel = tmp_path / "a wheel.whl"
    wheel.touch()
    where = wheel.as_uri() if address is None else address
    monkeypatch.setattr(pin, "_origin", lambda: (where, digest))
    assert pin.installed().line == line
    assert pin.installed().wheel == (wheel if address is None else None)


@pytest.mark.parametrize("installs", [True, False])
def test_a_clean_room_has_the_library_of_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installs: bool
) -> None:
    steps: list[tuple[list[str], Path]] = []
    monkeypatch.setattr(
        child_process, "run", lambda words, cwd, env, progress: steps.append((words, cwd)) or 0
    )
    if installs:
        (tmp_path / library.PINS).touch()
    clean_room.python(tmp_path, tmp_path / "room")
    own = [words for words, _ in steps if str(tmp_path / library.PINS) in words]
    assert len(own) == installs
    assert {cwd for _, cwd in steps} == {tmp_path}, "paths in the pins are the project's"


def test_a_commit_by_nobody_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(ROWS)
    guess = infer.infer(Path("t.csv"), "answer", name="shop")
    monkeypatch.setattr(git, "answer", lambda *_, **__: None)
    with pytest.raises(PlumblineError, match="--commit: git does not know who commits"):
        create.create(Path("shop"), guess, commit=True)
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]
