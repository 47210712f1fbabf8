"""`gc` frees what nothing needs, and nothing else: whatever branch, tag or clone names it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from plumbline.__main__ import main
from plumbline.core.errors import PlumblineError
from plumbline.repo import garbage, object_stores
from tests import toy
from tests import warm as forks
from tests.shared import built, result
from tests.toy import PARTS, Toy

MODEL = "out/toy/model.json"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """The toy with three more versions of its data, all pushed."""
    start = toy.shared(tmp_path_factory)
    folder = built(tmp_path_factory, "gc", lambda folder: versions(toy.copy(start, folder)))
    return Toy(folder / "project", result(folder), warm=True)


def versions(project: Toy) -> Mapping[str, str]:
    """Versions on a branch, on another clone's branch only, and in a commit that nothing names.

    Each one's md5, with the toy's own.
    """
    oids = dict(project.oids)
    for name in ("branch", "elsewhere", "nowhere"):
        project.run("git", "checkout", "-q", "-B", name, "main")
        (project.path / "source/toy.txt").write_text(f"{name} {name} {name} {name}")
        project.repro()
        project.commit(name)
        oids[name] = toy.recorded(project)[MODEL]
    absolute = project.path.parent / "remote"  # DVC loses a relative path at other revisions
    local = project.path / ".dvc" / "config.local"
    local.write_text(f"['remote \"storage\"']\nurl = {absolute}\n")
    project.run("dvc", "push", "-q", "--all-branches")
    local.unlink()
    project.run("git", "checkout", "-q", "main")
    project.run("dvc", "checkout", "-q")
    project.run("git", "update-ref", "refs/remotes/origin/elsewhere", "elsewhere")
    project.run("git", "branch", "-q", "-D", "elsewhere", "nowhere")
    return oids


@pytest.fixture
def project(template: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """A copy of it, and the test's own folder in it."""
    copy = toy.copy(template, tmp_path)
    monkeypatch.chdir(copy.path)
    forks.lend(monkeypatch)
    return copy


def objects(project: Toy) -> dict[str, set[str]]:
    settings = object_stores.settings(project.path)
    return {p.name: set(p.sizes()) for p in (settings.folder(), settings.remote("storage"))}


def needed(project: Toy) -> set[str]:
    return {project.oids[name] for name in (MODEL, PARTS, "branch", "elsewhere")}


def test_it_says_and_removes_nothing_by_default(
    project: Toy, capsys: pytest.CaptureFixture[str]
) -> None:
    before = objects(project)
    assert main(["gc", "--cloud"]) == 0
    assert objects(project) == before
    shown = capsys.readouterr().out
    assert project.oids["nowhere"] in shown
    assert not {oid for oid in needed(project) if oid in shown}
    assert "nothing was removed" in shown
    assert project.run("git", "tag").split() == ["v1"]


def test_it_removes_what_it_said_and_no_more(project: Toy) -> None:
    settings = object_stores.settings(project.path)
    free = {p: set(o) for p, o in garbage.survey(settings, cloud=True).free.items()}
    before = objects(project)
    assert main(["gc", "--apply", "--cloud"]) == 0
    after = objects(project)
    assert {name: before[name] - after[name] for name in before} == free
    assert needed(project) <= after["cache"] & after["remote storage"]
    assert project.oids["nowhere"] not in after["cache"] | after["remote storage"]
    assert main(["verify", "--all-tags"]) == 0
    assert main(["verify", "origin/elsewhere"]) == 0
    assert project.run("git", "tag").split() == ["v1"]


def test_the_remote_is_left_alone_unless_asked(project: Toy) -> None:
    before = objects(project)
    assert main(["gc", "--apply"]) == 0
    after = objects(project)
    assert after["remote storage"] == before["remote storage"]
    assert project.oids["nowhere"] not in after["cache"]


@pytest.mark.situation("gc with a detached HEAD", expected="what HEAD needs is kept")
def test_a_detached_head_is_kept(
    project: Toy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PLUMBLINE_PARTITIONS")
    month = project.path / ".plumbline/partitions/ab" / "ab".ljust(32, "0")
    month.mkdir(parents=True)
    (month / "month.json").write_text("{}")
    project.run("git", "checkout", "-q", "--detach", "HEAD")
    (project.path / "source/toy.txt").write_text("head head head head")
    project.repro()
    project.commit("on no branch")
    assert main(["gc", "--apply"]) == 0
    assert "partitions: removing 2 bytes" in capsys.readouterr().out
    assert not month.exists()
    assert main(["verify", "--in", "cache", "--in", "workspace"]) == 0


def refused(capsys: pytest.CaptureFixture[str], project: Toy, *words: str) -> str:
    before = objects(project)
    assert main(["gc", "--apply", *words]) == 2
    assert objects(project) == before
    return capsys.readouterr().err


@pytest.mark.situation("gc with a dvc.lock that is not committed", expected="refused, and named")
def test_uncommitted_locks_are_refused(project: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("dvc.lock", "source/toy.txt.dvc"):
        with (project.path / name).open("a") as file:
            file.write("# changed\n")
        assert f"{name}: not committed" in refused(capsys, project)
        project.run("git", "checkout", "-q", name)


@pytest.mark.situation(
    "gc with a git stash", expected="refused, with the commands that end the stash"
)
def test_a_stash_is_refused(project: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    (project.path / "sum.py").write_text("changed")
    project.run("git", "stash")
    assert "1 stashed changes" in refused(capsys, project)


@pytest.mark.situation("as root, a cache linked into the work tree", expected="gc refuses")
def test_links_as_root_are_refused(
    project: Toy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    project.run("dvc", "config", "--local", "cache.type", "hardlink")
    assert "as root" in refused(capsys, project)


@pytest.mark.situation(
    "gc --cloud in a clone that lacks a branch", expected="refused, with the fetch that it needs"
)
def test_a_clone_that_does_not_know_all_is_refused(
    project: Toy, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    project.run("git", "clone", "-q", "--bare", ".", str(tmp_path / "server"))
    project.run("git", "remote", "add", "origin", str(tmp_path / "server"))
    tree = project.run("git", "rev-parse", "main^{tree}").strip()
    new = project.run("git", "commit-tree", "-m", "new", tree).strip()
    project.run("git", "push", "-q", "origin", f"{new}:refs/heads/theirs")
    project.run("git", "update-ref", "-d", "refs/remotes/origin/theirs")
    assert "origin has refs/heads/theirs" in refused(capsys, project, "--cloud")
    project.run("git", "fetch", "-q", "origin")
    assert main(["gc", "--cloud"]) == 0


@pytest.mark.situation(
    "a shallow clone", expected="commands that need the history refuse, and name the fetch"
)
def test_a_shallow_clone_is_refused(
    project: Toy,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project.run(
        "git",
        "clone",
        "-q",
        "--depth",
        "1",
        "--branch",
        "branch",
        f"file://{project.path}",
        str(tmp_path / "shallow"),
    )
    monkeypatch.chdir(tmp_path / "shallow")
    for words in (
        ["gc"],
        ["verify", "--all-tags"],
        ["lineage", "toy"],
        ["champions"],
        ["registry", "status"],
        ["registry", "sync"],
        ["registry", "rebuild"],
    ):
        assert main(words) == 2, words
        assert "`git fetch --unshallow --tags`" in capsys.readouterr().err
    assert main(["verify", "--in", "cache"]) != 2


@pytest.mark.situation("gc with a damaged manifest", expected="refused, nothing removed")
@pytest.mark.parametrize("everywhere", [True, False])
def test_a_damaged_manifest_costs_nothing(
    project: Toy, capsys: pytest.CaptureFixture[str], everywhere: bool
) -> None:
    """DVC would believe it, and free the files that it no longer lists."""
    for where in ("cache", "remote storage") if everywhere else ("cache",):
        damaged = project.place(where, PARTS)
        damaged.chmod(0o644)
        damaged.write_text("[]")
        damaged.chmod(0o444)
    message = "its manifest is lost" if everywhere else "objects that are needed"
    assert message in refused(capsys, project)


@pytest.mark.situation(
    "gc in a shared cache ({kind})", expected="what it cannot account for stays, named"
)
@pytest.mark.parametrize("kind", ["outside", "linked", "work tree"])
def test_a_shared_cache_keeps_what_another_may_need(
    project: Toy, capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str
) -> None:
    own = project.path / ".dvc" / "cache"
    if kind == "work tree":
        project.run("git", "worktree", "add", "-q", "--detach", str(tmp_path / "tree"))
        (tmp_path / "tree" / ".dvc" / "config.local").write_text(f"[cache]\n    dir = {own}\n")
    else:
        own.rename(tmp_path / "shared")
    if kind == "outside":
        project.run("dvc", "config", "--local", "cache.dir", str(tmp_path / "shared"))
    elif kind == "linked":
        own.symlink_to(tmp_path / "shared")
    assert main(["gc"]) == 0
    assert f"  {project.oids['nowhere']}" in capsys.readouterr().out
    message = refused(capsys, project)
    assert "is shared with" in message
    assert "--projects" in message
    assert ("tree" in message) is (kind == "work tree")


@pytest.mark.situation(
    "gc, another work tree with a cache of its own", expected="not shared: gc works"
)
def test_a_work_tree_with_a_cache_of_its_own_is_no_sharer(project: Toy, tmp_path: Path) -> None:
    project.run("git", "worktree", "add", "-q", "--detach", str(tmp_path / "tree"))
    assert main(["gc", "--apply"]) == 0
    assert project.oids["nowhere"] not in objects(project)["cache"]


@pytest.mark.situation(
    "gc with a ref whose objects are lost",
    expected="the refusal names the ref; the command that it names helps",
)
def test_a_refusal_names_the_ref_and_what_helps(
    project: Toy, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.path / "source/toy.txt").write_text("more more more more")
    project.run("git", "checkout", "-q", "-b", "broken")
    project.repro()
    project.commit("broken")
    lost = toy.recorded(project)[PARTS]
    project.run("git", "checkout", "-q", "main")
    (project.path / f".dvc/cache/files/md5/{lost[:2]}/{lost[2:]}").unlink()
    message = refused(capsys, project)
    assert f"refs/heads/broken: {PARTS}" in message
    assert "`plumbline verify refs/heads/broken --repair`" in message
    project.run("git", "update-ref", "-d", "refs/heads/broken")
    assert main(["gc"]) == 0


def test_what_dvc_says_is_read(monkeypatch: pytest.MonkeyPatch, project: Toy) -> None:
    """A failing `dvc gc` is its own message, and the tags that guard other refs are gone."""
    (project.path / ".dvc" / "config.local").write_text("[nonsense]\na = b\n")
    settings = object_stores.settings(project.path)
    results = garbage.survey(settings, cloud=False)
    with pytest.raises(PlumblineError, match="dvc gc: ERROR"):
        garbage.collect(settings, results, cloud=False, apply=True)
    assert project.run("git", "tag").split() == ["v1"]
