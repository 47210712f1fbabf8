"""`git checkout` with the hooks, under real git and real DVC: the outs are the commit's, to the byte."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.core.hashing import md5_bytes
from plumbline.ops.hooks import after_checkout, install, unmoved
from plumbline.repo import revisions
from plumbline.repo.tracked_outs import Out
from tests import toy
from tests.toy import Toy, md5

MODEL = "out/toy/model.json"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """The toy with a second release, of another model, whose entry is written by hand; and the hooks."""
    project = toy.copy(toy.shared(tmp_path_factory), tmp_path_factory.mktemp("two releases"))
    lock, data = project.path / "dvc.lock", b"another model"
    other = Toy(project.path, {MODEL: md5_bytes(data)})
    other.place("cache", MODEL).parent.mkdir(exist_ok=True)
    other.place("cache", MODEL).write_bytes(data)
    (project.path / MODEL).unlink()
    (project.path / MODEL).write_bytes(data)
    lock.write_text(lock.read_text().replace(project.oids[MODEL], other.oids[MODEL]))
    project.commit("another model")
    project.run("git", "tag", "v2")
    install.install(project.path)
    return project


@pytest.fixture
def project(base: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    copied = toy.copy(base, tmp_path)
    monkeypatch.chdir(copied.path)
    return copied


@pytest.mark.capability("D1", "J5")
def test_git_checkout_of_a_tag_brings_its_bytes(project: Toy) -> None:
    output = project.run("git", "checkout", "-q", "v1")
    assert output == "plumbline: the outs of v1 are here: 8 files, each as recorded\n"
    files = {p: oid for p, oid in project.oids.items() if not oid.endswith(".dir")}
    assert {p: md5(project.path / p) for p in files} == files
    assert project.run("git", "status", "--porcelain") == ""


def test_a_commit_s_configuration_neither_links_outs_nor_names_dvcs_state(project: Toy) -> None:
    """DVC unpickles its state: the folder of a stranger's commit must not be it."""
    config = Path(".dvc/config")
    config.write_text(
        config.read_text().replace("[core]", "[core]\n    site_cache_dir = ../theirs")
    )
    project.run("git", "checkout", "-q", "v1", "--", "dvc.lock")
    assert lines() == ["the outs of main are here: 8 files, each as recorded"]
    assert "site_cache_dir" in Path(".dvc/config.local").read_text()
    assert not Path("theirs").exists()
    config.write_text(config.read_text() + "[cache]\n    type = symlink\n")
    with pytest.raises(PlumblineError, match="symlink"):
        lines()


def lines(rev: str = "v2") -> list[str]:
    return list(after_checkout.run(Path("."), rev, ""))


def test_without_the_cache_the_way_to_the_bytes_is_named(project: Toy) -> None:
    shutil.rmtree(".dvc/cache")
    shutil.rmtree("out")
    project.run("git", "checkout", "-q", "v1", env={"PLUMBLINE_HOOKS": "0"})
    [line] = [x for x in lines() if "not in the cache" in x]
    assert f"{MODEL}, " in line
    assert line.endswith(" of v1: not in the cache; `dvc pull` brings what the remote has")


def test_an_edited_out_is_left_and_named(project: Toy) -> None:
    Path(MODEL).unlink()
    Path(MODEL).write_text("edited")
    project.run("git", "checkout", "-q", "v1", env={"PLUMBLINE_HOOKS": "0"})
    [line] = lines()
    assert line.startswith(f"{MODEL}: not as v1 records (DVC: Can't remove the following unsaved")
    assert f"{MODEL})" in line
    assert Path(MODEL).read_text() == "edited"


def test_a_commit_with_the_same_outs_takes_no_time(
    project: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(after_checkout.dvc_command, "run", pytest.fail)
    Path("notes.txt").write_text("a file without outs")
    project.commit("notes")
    assert lines("HEAD~1") == []


def test_what_cannot_be_read_is_one_line_and_stops_nothing(
    project: Toy, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("dvc.lock").write_text("schema: '2.0'\nstages: [\n")
    assert after_checkout.main(["v1"]) == 0
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("plumbline: outs not brought: ")


def test_a_feature_store_of_other_snapshots_is_named(
    project: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("feature_store").mkdir()
    old, new = (
        [Out("", "train@x", "models/x", oid), Out("", "features@x", "data/x/snapshots", oid)]
        for oid in ("1" * 32, "2" * 32)
    )
    monkeypatch.setattr(unmoved.revisions, "outs", lambda _, rev: old if rev else new)
    monkeypatch.setattr(unmoved.artifacts, "declared", lambda *_: "data/x/snapshots")
    assert list(unmoved.lines(Path("."), "v1", "v2")) == []
    Path("feature_store/registry.db").touch()
    [line] = unmoved.lines(Path("."), "v1", "v2")
    assert (
        line
        == "git does not move the feature store (feature_store): `plumbline rollback v2` moves all"
    )


def test_a_file_that_is_not_mlflows_is_no_error(project: Toy) -> None:
    with closing(sqlite3.connect("mlflow.db")) as database:
        database.execute("CREATE TABLE other (x)")
    assert list(unmoved.lines(Path("."), revisions.commit(Path("."), "v1"), "v2")) == []
