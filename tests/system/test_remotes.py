"""A folder, S3 and SSH as remotes: push, fetch in a fresh clone, verify, damage, repair, roll back."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from plumbline.__main__ import main
from plumbline.repo import configure
from tests import project as projects
from tests import remotes, toy
from tests.conftest import ROOT
from tests.project import Project
from tests.remotes import Remote
from tests.shared import built, result
from tests.toy import Toy

PAGE = (ROOT / "docs" / "remotes.md").read_text()
MODEL = "out/toy/model.json"
WHOLE = "out/toy/whole.bin"


@dataclass(frozen=True)
class User:
    """A clone, and the remote that it uses by the commands that a person has for it."""

    project: Project
    remote: Remote

    def plumbline(self, *words: str, ok: bool = True) -> str:
        """A command in a process of its own: a remote's connections end with it."""
        env = {**self.remote.env, "PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": "off"}
        return self.project.run("python", "-m", "plumbline", *words, env=env, ok=ok)

    def verify(self, *words: str) -> list[dict[str, Any]]:
        """The findings."""
        output = self.plumbline("verify", "--json", *words, ok=False)
        return json.loads(output[output.index("{") :])["findings"]

    def dvc(self, *words: str, ok: bool = True) -> str:
        return self.project.run("dvc", *words, env=self.remote.env, ok=ok)

    def follow(self, commands: list[str], words: Mapping[str, str]) -> str:
        """Commands of the page, with the test's own addresses in place of the page's; what they said."""
        return "".join(self._command(command, words) for command in commands)

    def set(self) -> str:
        """The page's first command for this kind of remote."""
        return self.follow(commands(self.remote.heading)[:1], self.remote.words)

    def _command(self, command: str, words: Mapping[str, str]) -> str:
        for output, meant in words.items():
            command = command.replace(output, meant)
        start = "plumbline "
        if command.startswith(start):
            return self.plumbline(*shlex.split(command.removeprefix(start)))
        return self.project.run(*shlex.split(command), env=self.remote.env)


def commands(heading: str) -> list[str]:
    """What the page says to type below a heading."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [line.removeprefix("$ ") for line in section.splitlines() if line.startswith("$ ")]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """The toy at v1, and v2 with another source."""
    start = toy.shared(tmp_path_factory)
    folder = built(tmp_path_factory, "remotes", lambda folder: second(toy.copy(start, folder)))
    return Toy(folder / "project", result(folder), warm=True)


def second(project: Toy) -> Mapping[str, str]:
    """Run, commit and tag another source; the md5 of each file."""
    (project.path / "source/toy.txt").write_text("one two three four")
    project.repro()
    project.commit("other data")
    project.run("git", "tag", "v2")
    return toy.recorded(project)


@pytest.fixture(params=list(remotes.KINDS))
def user(template: Toy, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[User]:
    """Someone who has run both versions, and a new remote of each kind, pushed to."""
    shutil.copytree(template.path, tmp_path / "project")
    with remotes.KINDS[request.param](tmp_path) as remote:
        user = User(Toy(tmp_path / "project", template.oids, warm=True), remote)
        output = user.follow(commands(remote.heading), remote.words)
        assert "it answers" in output
        assert "all good; checked: manifest 2" in output
        yield user


def test_push_fetch_verify_damage_repair_roll_back(
    template: Toy, user: User, tmp_path: Path
) -> None:
    other = User(user.project.clone(tmp_path / "clone"), user.remote)
    other.set()
    other.dvc("pull", "-q")
    assert other.verify("--all-tags", "--in", "remote") == []
    assert other.verify() == []
    assert (other.project.path / MODEL).read_bytes() == (template.path / MODEL).read_bytes()

    oid, good = template.oids[MODEL], user.remote.read(template.oids[MODEL])
    user.remote.write(oid, good[:-1] + b"]")
    user.remote.remove(template.oids[WHOLE])
    results = {f["path"]: f["kind"] for f in other.verify()}
    assert results == {MODEL: "bad", WHOLE: "missing"}

    third = User(user.project.clone(tmp_path / "third"), user.remote)
    third.set()
    assert third.dvc("pull", ok=False).count("ERROR")
    assert not (third.project.path / MODEL).exists()

    assert {f["where"] for f in user.verify("--repair")} == {"remote storage"}
    user.remote.remove(oid)
    user.dvc("push", "-q")
    assert user.verify("--all-tags") == []
    third.dvc("pull", "-q")

    cached = third.project.path / ".dvc/cache/files/md5" / oid[:2] / oid[2:]
    toy.flip(cached)
    assert {f["where"] for f in third.verify()} == {"cache"}
    assert third.verify("--repair") == []
    assert "fetched from storage" in third.plumbline("rollback", "v1")
    assert third.project.run("git", "describe", "--tags").strip() == "v1"
    assert third.verify() == []
    assert "remote storage: would free 0 objects" in third.plumbline("gc", "--cloud")


@pytest.mark.situation("a project moves to another remote", expected="no object of any tag is lost")
def test_moving_loses_nothing(template: Toy, tmp_path: Path) -> None:
    shutil.copytree(template.path, tmp_path / "project")
    with remotes.folder(tmp_path) as old:
        user = User(Project(tmp_path / "project", warm=True), old)
        user.follow(commands(old.heading), old.words)
        shutil.rmtree(tmp_path / "project" / ".dvc" / "cache")
        words = {"/mnt/new": str(tmp_path / "new")}
        assert user.follow(commands("Moving to another remote"), words).count("all good") == 2
        shutil.rmtree(tmp_path / "disk")
    clone = User(user.project.clone(tmp_path / "clone"), old)
    clone.plumbline("remote", str(tmp_path / "new" / "store"))
    clone.project.run("git", "checkout", "-q", "v1")
    clone.dvc("pull", "-q")
    assert clone.verify() == []


def test_a_source_that_changes(tmp_path: Path) -> None:
    """The page's commands on the project, with its plain table: another row, another run, nothing before."""
    project = projects.make(tmp_path / "project", ["diabetes"], warm=True)
    table, source = tmp_path / "origin.csv", "sources/diabetes/diabetes.csv"
    shutil.move(project.path / source, table)
    project.run("git", "rm", "-q", source)
    (project.path / source).parent.mkdir(exist_ok=True)  # as `plumbline new` makes it
    user = User(project, Remote("", {}, {"MLFLOW_TRACKING_URI": "off"}))
    first, *others = commands("A source that changes")
    words = {"https://example.com/my_table.csv": str(table), "my_table": "diabetes"}
    assert "Running stage 'data@diabetes'" in user.follow([first, *others[:3]], words)
    rows = json.loads((project.path / "metrics/diabetes/data.json").read_text())["rows"]
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]))
    assert project.repro("data@diabetes") == []
    assert "Running stage 'data@diabetes'" in user.follow(others[3:], words)
    now = json.loads((project.path / "metrics/diabetes/data.json").read_text())["rows"]
    assert now == rows - 1
    assert project.run("git", "status", "--porcelain") == ""
    assert str(table) in user.plumbline("lineage", "data/diabetes/raw")
    project.run("git", "checkout", "-q", "HEAD^")
    project.run("dvc", "checkout", "-q", "--allow-missing")
    assert project.repro("data@diabetes") == []


@pytest.fixture
def project(template: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """A copy of the toy, in which the commands run."""
    shutil.copytree(template.path, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return Toy(tmp_path / "project", template.oids, warm=True)


def test_a_folder_is_absolute_hashed_and_the_default(
    project: Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["remote", "../disk"]) == 0
    assert capsys.readouterr().out.startswith(f"storage: {tmp_path}/disk, in place of ")
    output = (project.path / ".dvc/config.local").read_text()
    assert f"url = {tmp_path}/disk" in output
    assert "verify = true" in output
    assert project.run("git", "status", "--porcelain") == ""
    project.run("dvc", "push", "-q", "--all-tags")
    assert main(["verify", "--all-tags"]) == 0
    assert "`verify` is off" not in capsys.readouterr().out


def test_a_remote_that_trusts_is_noted(
    project: Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project.run("dvc", "remote", "add", "--local", "other", str(tmp_path / "disk"))
    main(["verify", "--in", "remote"])
    shown = capsys.readouterr().out
    for name in ("other", "storage"):
        assert f"remote {name}: `verify` is off" in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["s3://bucket/x", "--set", "endpointurll=x"], "extra keys not allowed"),
        (["x", "--set", "verify=false"], "expected true: nothing fetched is trusted"),
        (["x", "--set", "port"], "--set port: expected KEY=VALUE"),
    ],
)
def test_mistakes_change_nothing(
    project: Toy, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main(["remote", *words]) == 2
    assert message in capsys.readouterr().err
    assert not (project.path / ".dvc/config.local").exists()


@pytest.mark.situation("a remote that is down ({url})", expected="one message")
@pytest.mark.parametrize("url", ["ssh://nobody@127.0.0.1:1/x", "s3://bucket/x"])
def test_a_remote_that_is_down_is_one_message(template: Toy, tmp_path: Path, url: str) -> None:
    shutil.copytree(template.path, tmp_path / "project")
    env = {**remotes.KEYS, "AWS_MAX_ATTEMPTS": "1"}
    options = {"endpointurl": "http://127.0.0.1:1"} if url.startswith("s3") else {}
    user = User(Project(tmp_path / "project", warm=True), Remote("", {}, env))
    words = [w for key, value in options.items() for w in ("--set", f"{key}={value}")]
    assert "it does not answer: remote storage: cannot be read" in user.plumbline(
        "remote", url, *words, ok=False
    )
    output = user.plumbline("verify", ok=False)
    assert output.startswith("plumbline verify: remote storage: cannot be read")
    assert "Traceback" not in output


def test_an_address_is_kept_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    assert configure.absolute("file:///disk/x") == "/disk/x"
    assert configure.absolute("~/x") == "/home/someone/x"
    assert configure.absolute("ssh://a@b/c") == "ssh://a@b/c"
