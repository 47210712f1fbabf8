"""What a change is compared with: fetched or computed, and base's dvc.lock put in place."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
import yaml

from plumbline.__main__ import main
from plumbline.core.errors import PlumblineError
from plumbline.repo import object_stores
from plumbline.review import baseline, revision
from tests import toy
from tests import warm as forks
from tests.toy import Toy

WANTED = {toy.PARTS: "", "out/toy/model.json": ""}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    return toy.shared(tmp_path_factory)


@pytest.fixture
def project(template: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """A copy with an empty cache, whose stages' outs stand for models and tables."""
    copied = toy.copy(template, tmp_path)
    shutil.rmtree(copied.path / ".dvc" / "cache")
    wanted = {path: copied.oids[path] for path in WANTED}
    monkeypatch.setattr(baseline, "needed", lambda side: wanted)
    monkeypatch.chdir(copied.path)
    forks.lend(monkeypatch)
    return copied


def missing(project: Toy) -> list[str]:
    wanted = {path: project.oids[path] for path in WANTED}
    return baseline.missing(object_stores.settings(project.path).folder(), wanted)


def test_what_a_remote_has_is_fetched(project: Toy) -> None:
    assert missing(project) == sorted(WANTED)
    assert list(baseline.bring(project.path, "main")) == ["main: 2 objects fetched"]
    assert missing(project) == []
    assert list(baseline.bring(project.path, "main")) == ["main: 2 objects are in the cache"]


def test_what_no_remote_has_is_computed(project: Toy) -> None:
    project.place("remote", toy.PARTS).unlink()
    assert list(baseline.bring(project.path, "main")) == ["main: 2 objects computed here"]
    assert missing(project) == []


def test_a_commit_that_gives_other_bytes(project: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    project.place("remote", "out/toy/model.json").unlink()
    monkeypatch.setenv("TOY", "another machine")
    with pytest.raises(PlumblineError, match=r"main: out/toy/model\.json: no remote has the bytes"):
        list(baseline.bring(project.path, "main"))


def test_one_of_other_libraries_is_computed_with_those(
    project: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Base's outs are not head's libraries'; what the clean room installs is tested with `reproduce`."""
    graph = project.path / "dvc.yaml"
    graph.write_text(graph.read_text().replace("[sum.py, ", "[sum.py, environment/sum.txt, "))
    (project.path / "environment").mkdir()
    (project.path / "environment" / "sum.txt").write_text("numpy==0.1\n")
    project.commit("of its time")
    project.place("remote", toy.PARTS).unlink()
    rooms = []

    def room(clone: Path, folder: Path) -> Path:
        rooms.append((clone / "environment" / "sum.txt").read_text())
        return Path(sys.executable)

    monkeypatch.setattr(baseline.clean_room, "python", room)
    assert list(baseline.bring(project.path, "main")) == ["main: 2 objects computed here"]
    assert rooms == ["numpy==0.1\n"]


def test_the_lock_of_base_without_what_head_has_not(project: Toy) -> None:
    lock, graph = project.path / "dvc.lock", project.path / "dvc.yaml"
    text = lock.read_text()
    lock.write_text("")
    assert baseline.start_from(project.path, "main") == "dvc.lock: main's, 2 stages"
    assert lock.read_text() == text
    (project.path / "params.yaml").write_text("{}\n")
    whole = yaml.safe_load(graph.read_text())
    del whole["stages"]["sum"]
    graph.write_text(yaml.safe_dump(whole))
    assert baseline.start_from(project.path, "main") == "dvc.lock: main's, 1 stages"
    assert list(revision.side(project.path, None).entries) == ["make@toy"]


def test_the_command(project: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    (project.path / "params.yaml").write_text("{}\n")
    assert main(["baseline", "main", "--lock"]) == 0
    message = capsys.readouterr().out
    assert "main: 2 objects fetched" in message
    assert "dvc.lock: main's, 2 stages" in message
