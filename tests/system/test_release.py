"""A tag released from a small project under real git and DVC, with a folder as the remote."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from plumbline.__main__ import main
from tests import toy
from tests import warm as forks
from tests.conftest import ROOT
from tests.github import github
from tests.rehearsal import hub as hubs
from tests.rehearsal import mainline, uses
from tests.shared import built, result
from tests.toy import Toy, flip

TAG = "model-v1"
TRAIN = """
  train:
    matrix: {case: [toy]}
    cmd: python make.py source/${item.case}.txt models/${item.case} out/${item.case}/trained.bin
    deps: [make.py, "source/${item.case}.txt"]
    outs:
      - models/${item.case}
      - out/${item.case}/trained.bin
"""
FILES = ["SHA256SUMS", "sbom.cdx.json", f"toy-{TAG}.tar.gz"]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """The toy with a stage that trains, run, committed and tagged; of the tag nothing is pushed yet."""
    start = toy.shared(tmp_path_factory)
    folder = built(tmp_path_factory, "release", lambda folder: tagged(toy.copy(start, folder)))
    return Toy(folder / "project", result(folder), warm=True)


def tagged(project: Toy) -> Mapping[str, str]:
    """Add the stage, run it and tag the commit; the md5 of each file."""
    with (project.path / "dvc.yaml").open("a") as graph:
        graph.write(TRAIN)
    (project.path / "source" / "toy.txt").write_text("alpha beta gamma epsilon")
    (project.path / "requirements.txt").write_text("flask==3.0.0\n")
    (project.path / ".gitignore").write_text("/dist/\n")
    project.run("dvc", "add", "-q", "source/toy.txt")
    project.repro()
    project.commit()
    project.run("git", "tag", TAG)
    return toy.recorded(project)


@pytest.fixture
def project(template: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """A copy of it, and the test's own folder in it."""
    copy = toy.copy(template, tmp_path)
    monkeypatch.chdir(copy.path)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    forks.lend(monkeypatch)
    return copy


def digests(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


def test_the_bundle_with_checksums_and_bill_of_materials(project: Toy) -> None:
    assert not project.place("remote storage", "out/toy/trained.bin").exists()
    assert main(["release", TAG]) == 0
    dist = project.path / "dist" / TAG
    results = digests(dist)
    assert sorted(results) == FILES
    listed = [line.split("  ") for line in (dist / "SHA256SUMS").read_text().splitlines()]
    assert {name: md5 for md5, name in listed} == {n: results[n] for n in FILES[1:]}
    with tarfile.open(dist / FILES[2]) as archive:
        members = {m.name: archive.extractfile(m).read() for m in archive.getmembers()}
    assert members[f"toy-{TAG}/deep/c.txt"] == b"gamma" * 100
    parts = json.loads((dist / FILES[1]).read_text())["components"]
    assert [(p["name"], p["version"]) for p in parts] == [("flask", "3.0.0")]
    assert project.place("remote storage", "out/toy/trained.bin").exists(), "pushed"
    assert project.run("git", "status", "--porcelain") == ""


def test_the_same_bytes_again_from_a_clone(project: Toy, tmp_path: Path) -> None:
    """As a runner has it: an empty cache and the remote."""
    assert main(["release", TAG, "--into", str(tmp_path / "one")]) == 0
    clone = project.clone(tmp_path / "elsewhere" / "clone")
    remote = str(tmp_path / "remote")
    clone.run("dvc", "remote", "modify", "-q", "--local", "storage", "url", remote)
    words = ("python", "-m", "plumbline", "release", TAG, "--into", str(tmp_path / "two"))
    clone.run(*words, env={"PYTHONPATH": str(ROOT)})
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def lose(project: Toy, path: str) -> None:
    for where in ("cache", "remote storage"):
        project.place(where, path).unlink(missing_ok=True)


def test_an_object_that_is_nowhere(project: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    lose(project, "source/toy.txt")
    assert main(["release", TAG]) == 2
    output = capsys.readouterr().err
    assert f"not released: remote storage: source/toy.txt is missing at {TAG}" in output
    assert "run `dvc push --all-tags` where the objects are" in output
    assert not (project.path / "dist").exists()


def test_an_older_tag_counts_too(project: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    """What only v1 names: gc with the wrong words would have taken it."""
    old = project.run("git", "show", "v1:source/toy.txt.dvc").split("md5: ")[1].split()[0]
    for store in (project.path / ".dvc" / "cache", project.path.parent / "remote"):
        (store / "files" / "md5" / old[:2] / old[2:]).unlink(missing_ok=True)
    assert main(["release", TAG]) == 2
    assert "source/toy.txt is missing at v1" in capsys.readouterr().err


def test_damaged_bytes_on_the_remote(project: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    project.run(
        "dvc", "remote", "modify", "--local", "storage", "url", str(project.path.parent / "remote")
    )
    project.run("dvc", "push", "-q")
    flip(project.place("remote storage", "out/toy/whole.bin"))
    assert main(["release", TAG]) == 2
    assert f"out/toy/whole.bin is bad at {TAG}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("tag", "message"),
    [("nowhere", "'nowhere': no such tag"), ("v1", "v1: its dvc.lock names no model")],
)
def test_tags_that_are_no_release(
    project: Toy, capsys: pytest.CaptureFixture[str], tag: str, message: str
) -> None:
    assert main(["release", tag]) == 2
    assert message in capsys.readouterr().err


def test_without_a_remote(project: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    (project.path / ".dvc" / "config").write_text("")
    assert main(["release", TAG]) == 2
    assert "no default remote" in capsys.readouterr().err


@pytest.mark.capability("A15")
def test_published_once_and_only_as_packed(
    project: Toy, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish", TAG]) == 2
    assert "run `plumbline release TAG` first" in capsys.readouterr().err
    assert main(["release", TAG]) == 0
    with github() as hub:
        os.environ.update(hub.environment())
        for _ in range(2):
            assert main(["publish", TAG]) == 0
        (created,) = hub.releases
        assert sorted(a["name"] for a in created["assets"]) == FILES
        assert "sha256sum -c" in created["body"]
        shutil.copy(project.path / "sum.py", project.path / "dist" / TAG / "extra.py")
        assert main(["publish", TAG]) == 2
    assert "the files are not those of SHA256SUMS" in capsys.readouterr().err


def test_the_workflow(project: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packed by one job, signed by another that sees finished files only, published by a third."""
    signed: list[str] = []

    def attest(runner: Any, given: Mapping[str, Any], _env: Mapping[str, str]) -> None:
        assert runner.permissions == {"attestations": "write", "id-token": "write"}
        results = runner.job.workspace.glob(given["subject-path"])
        signed.extend(sorted(p.name for p in results))

    monkeypatch.setitem(uses.ACTIONS, "actions/attest-build-provenance", attest)
    base, remote = tmp_path / "base", tmp_path / "remote"
    project.run("git", "clone", "-q", "--bare", ".", str(base / "origin.git"))
    project.run("dvc", "push", "-q")
    shutil.copytree(remote, base / "remote")
    (tmp_path / "host").mkdir()
    with hubs.hub(base, tmp_path / "host") as hub:
        hub.extra["PYTHONPATH"] = str(ROOT)
        run = mainline.release(hub, TAG)
        assert run.conclusion == "success", "".join(j.output() for j in run.jobs.values())
        (created,) = hub.api.releases
    assert sorted(a["name"] for a in created["assets"]) == FILES == signed
