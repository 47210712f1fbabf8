"""Outs from the cache in place of runs: parameters changed and changed back, a branch and back, a lost out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from plumbline.repo import known_outs
from tests.faults import kit, works
from tests.faults.kit import Done, plumbline, well
from tests.project import Project
from tests.shared import built, void

REPRO = ("dvc", "repro")
PRESSED = Path("data/works/pressed.bin")
NAMES = ["grow@works", "press@works", "weigh@works"]


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Project:
    folder = built(tmp_path_factory, "works", lambda folder: void(works.make(folder)))
    return works.copy(Project(folder / "project"), tmp_path)


def run(project: Project, *words: str, **given: str) -> Done:
    """A command whose stages start as new Pythons: what is tested here happens as they start."""
    return kit.run(project, *words, warm=False, **given)


def turn(project: Project, stage: str, value: int) -> None:
    project.set({f"works.{stage}.turn": value})


def executed(done: Done) -> list[str]:
    """The stages whose work was done."""
    return [line.split(":")[0] for line in well(done).text.splitlines() if ": done in" in line]


def started(done: Done) -> list[str]:
    """The stages that DVC started."""
    return [ln.split("'")[1] for ln in well(done).text.splitlines() if ln.startswith("Running")]


def state(project: Project) -> dict[str, bytes]:
    return works.outs(project)


@pytest.mark.capability("A12")
@pytest.mark.situation("parameters A, B, A with dvc repro", expected="nothing is executed")
def test_parameters_there_and_back_run_nothing(project: Project) -> None:
    first = state(project)
    turn(project, "grow", 2)
    assert executed(run(project, *REPRO)) == ["grow"], "the folder is the same: press did not run"
    second = state(project)
    turn(project, "grow", 1)
    back = run(project, *REPRO)
    assert executed(back) == []
    assert state(project) == first
    assert back.line("grow: unchanged inputs; outs brought from the cache (data/works/raw")
    turn(project, "grow", 2)
    assert executed(run(project, *REPRO)) == []
    assert state(project) == second
    assert run(project, "dvc", "status").line("up to date")


def test_data_there_and_back_run_nothing(project: Project) -> None:
    first = state(project)
    works.words(project, "new")
    assert executed(run(project, *REPRO)) == ["grow", "press", "weigh"]
    works.words(project, "v2")
    back = run(project, *REPRO)
    assert executed(back) == []
    assert started(back) == NAMES
    assert state(project) == first


@pytest.mark.situation("data A, B, A with plumbline reuse", expected="outs and dvc.lock as before")
def test_reuse_puts_outs_and_lock_back(project: Project) -> None:
    first = state(project)
    works.words(project, "new")
    well(run(project, *REPRO))
    works.words(project, "v2")
    result = well(plumbline(project, "reuse"))
    assert result.line("press@works: outs brought from the cache (data/works/pressed.bin)")
    assert state(project) == first, "dvc.lock, too, as DVC wrote it"
    assert started(run(project, *REPRO)) == []
    turn(project, "press", 3)
    result = well(plumbline(project, "reuse"))
    assert result.line("press@works: to run: no known entry has its inputs")
    assert result.line("weigh@works: to run")
    assert result.line("1 of 3 stages: outs were there")


@pytest.mark.situation("git switch there and back, dvc repro", expected="nothing is executed")
def test_a_branch_and_back_starts_one_stage(project: Project) -> None:
    ours = state(project)
    for branch in ("v1", "main"):
        well(run(project, "git", "switch", "-q", *(["--detach"] if branch == "v1" else []), branch))
        done = run(project, *REPRO)
        assert executed(done) == []
        assert started(done) == NAMES[:1]
        assert done.line("; also those of press, weigh")
        assert not run(project, "git", "status", "--porcelain").text
    assert state(project) == ours


def test_the_gate_knows_where_a_checkout_is_enough(project: Project) -> None:
    well(run(project, "git", "switch", "-q", "--detach", "v1"))
    assert known_outs.held(project.path, NAMES) == NAMES
    turn(project, "press", 2)
    assert known_outs.held(project.path, NAMES) == ["grow@works", "weigh@works"]
    shutil.rmtree(project.path / ".dvc/cache")
    assert known_outs.held(project.path, NAMES) == []


@pytest.mark.situation("an out and a metric deleted", expected="both from what is kept")
def test_a_lost_out_and_a_lost_metric_come_back(project: Project) -> None:
    before = state(project)
    (project.path / PRESSED).unlink()
    (project.path / "metrics/works/weigh.json").unlink()
    done = run(project, *REPRO)
    assert executed(done) == []
    assert state(project) == before


@pytest.mark.parametrize(
    "words", [("-f",), ("--force",), ("--no-run-cache",), ("-sf", "press@works")], ids=" ".join
)
def test_what_must_run_runs(project: Project, words: tuple[str, ...]) -> None:
    (project.path / PRESSED).unlink()
    assert "press" in executed(run(project, *REPRO, *words))


def test_a_variable_switches_it_off(project: Project) -> None:
    (project.path / PRESSED).unlink()
    assert executed(run(project, *REPRO, PLUMBLINE_NO_CACHE="1")) == ["press"]


@pytest.mark.capability("A6")
def test_one_target_brings_no_others(project: Project) -> None:
    (project.path / PRESSED).unlink()
    (project.path / "metrics/works/weigh.json").unlink()
    well(run(project, *REPRO, "press@works"))
    assert not (project.path / "metrics/works/weigh.json").exists()


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_damaged_object_is_not_brought(project: Project, damage: str) -> None:
    before = state(project)
    entry = yaml.safe_load((project.path / "dvc.lock").read_text())["stages"]["press@works"]
    md5 = entry["outs"][0]["md5"]
    stored = project.path / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    (project.path / PRESSED).unlink()
    stored.unlink()
    if damage == "changed":
        stored.write_bytes(b"forged")
        stored.chmod(0o444)
    done = run(project, *REPRO)
    message = "damaged in the cache" if damage == "changed" else "not in the cache"
    assert done.line(f"press: the stage runs: {PRESSED}: {message}")
    assert executed(done) == ["press"]
    assert state(project) == before


@pytest.mark.parametrize("damage", ["cut", "inputs", "open"])
def test_a_damaged_or_foreign_entry_counts_for_nothing(project: Project, damage: str) -> None:
    turn(project, "press", 2)
    well(run(project, *REPRO))
    turn(project, "press", 1)
    for file in (project.path / ".plumbline/known/press@works").glob("*.json"):
        content = json.loads(file.read_text())
        if damage == "cut":
            file.write_text(file.read_text()[:80])
        elif damage == "inputs":
            content["lines"] = content["lines"].replace("turn: 1", "turn: 7")
            file.write_text(json.dumps(content))
        else:
            file.chmod(0o666)
    assert executed(run(project, *REPRO)) == ["press"]


def test_few_entries_are_kept_and_gc_prunes_them(project: Project) -> None:
    folder = project.path / ".plumbline/known"
    before = len(list(folder.glob("*/*.json")))
    works.words(project, "new")
    well(run(project, *REPRO))
    works.words(project, "v2")
    well(plumbline(project, "reuse"))
    assert len(list(folder.glob("*/*.json"))) == before + 6
    assert (folder.stat().st_mode & 0o777) == 0o700
    result = well(plumbline(project, "gc", "--apply"))
    assert result.line("3 remembered entries of dvc.lock, whose objects are gone, were removed")
    assert len(list(folder.glob("*/*.json"))) == before + 3
    works.words(project, "new")
    assert executed(run(project, *REPRO)) == ["grow", "press", "weigh"]
