"""Rollback and registry on a real project of two releases: there and back, or nothing at all."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from plumbline.__main__ import main
from plumbline.core import dvc_hash, tables
from plumbline.core.errors import PlumblineError
from plumbline.ops.hooks import unmoved
from plumbline.ops.rollback import feast, golden, journal, registry, restore, steps, transaction
from plumbline.repo import revisions
from plumbline.tracking import mlflow_model, mlflow_process
from tests import project as projects
from tests import releases
from tests import warm as forks
from tests.project import Project
from tests.releases import CASE
from tests.toy import flip

MODEL = Path("models") / CASE
DATA = Path(".dvc/cache/files/md5")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two releases, model-v1 and model-v2, by other train params; HEAD is main at the second."""
    return releases.shared(tmp_path_factory)


@pytest.fixture
def project(template: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of it, in which the commands run."""
    path = tmp_path / "project"
    shutil.copytree(template.path, path, symlinks=True)
    environment = projects.environment(path)
    monkeypatch.setattr(os, "environ", environment)
    forks.lend(monkeypatch)
    monkeypatch.chdir(path)
    return Project(path, warm=True)


@pytest.fixture(scope="module", autouse=True)
def ended() -> Iterator[None]:
    """The process beside these tests ends with them."""
    yield
    mlflow_process.close()


State = tuple[restore.Head, str, str, str | None, list[str]]


def state(project: Project) -> State:
    """Git, the bundle's bytes, all outs' bytes, the champion's md5, and versions."""
    known = registry.versions(project.path, CASE)
    bearer = next((v.md5 for v in known if "champion" in v.aliases), None)
    whole = json.dumps({name: dvc_hash.md5(Path(name)) for name in ("data", "models", "reports")})
    versions = [v.number for v in known]
    return restore.head(project.path), dvc_hash.md5(MODEL), whole, bearer, versions


def recorded(rev: str) -> str:
    """The bundle's md5 in a revision's dvc.lock."""
    (out,) = [o for o in revisions.outs(Path("."), rev) if o.path == str(MODEL)]
    return out.md5


def log() -> list[journal.AuditEntry]:
    return journal.audit(Path("."))


def test_a_git_checkout_names_the_champion_that_stays_behind(project: Project) -> None:
    """Read from MLflow's own file, without MLflow."""
    assert list(unmoved.lines(Path("."), "model-v1", "main")) == []
    project.run("git", "checkout", "-q", "model-v1")
    [line] = unmoved.lines(Path("."), "model-v2", "model-v1")
    assert line == (
        f"git does not move MLflow's champion of {CASE}, version 2: `plumbline rollback model-v1` moves all"
    )


@pytest.mark.capability("F2")
def test_a_registered_version_is_archived_by_one_command(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """In MLflow itself, and in the audit log; what rolls back is not in the way."""
    words = ["registry", "archived", CASE, "1", "--reason"]
    assert main([*words, "its source is gone"]) == 0
    assert "still used by the release model-v1" in capsys.readouterr().out
    [one, two] = registry.versions(project.path, CASE)
    assert (one.aliases, two.aliases) == (("archived",), ("champion",))
    assert one.tags["archived.reason"] == "its source is gone"
    assert main(["registry", "challenger", CASE, "1"]) == 0
    [one, _] = registry.versions(project.path, CASE)
    assert (one.aliases, "archived.reason" in one.tags) == (("challenger",), False)
    assert [e.stage for e in journal.transitions(project.path)] == ["archived", "challenger"]
    for wrong in (["champion", CASE, "1"], ["archived", CASE], ["sync", CASE], ["archived"]):
        assert main(["registry", *wrong]) == 2


@pytest.mark.capability("C37", "D1", "J5")
@pytest.mark.mltest("Infra 7")
def test_there_and_back(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    before = state(project)
    assert before[3] == recorded("model-v2") != recorded("model-v1")
    assert main(["rollback", "--dry-run", "model-v1"]) == 0
    assert "version 2 -> version 1" in capsys.readouterr().out
    assert (state(project), log()) == (before, [])

    assert main(["rollback", "model-v1"]) == 0
    head, bundle, _, champion, _ = state(project)
    assert head == restore.Head(revisions.commit(Path("."), "model-v1"))
    assert bundle == champion == recorded("model-v1")
    output = capsys.readouterr().out
    assert f"{CASE} 100 equal" in output
    assert "features: nothing to do" in output
    assert project.run("git", "status", "--porcelain") == ""

    assert main(["rollback", "main"]) == 0
    assert state(project) == before
    assert [(e.rev, e.result, len(e.proofs)) for e in log()] == [
        ("model-v1", "done", len(steps.STEPS)),
        ("main", "done", len(steps.STEPS)),
    ]


@pytest.mark.situation(
    "a rollback with changes that no commit has", expected="refused before anything is touched"
)
@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda: Path("params.yaml").write_text("seed: 1\n"), "not committed: params.yaml"),
        (lambda: Path("stray.txt").write_text("x"), "not committed: stray.txt"),
        (lambda: flip(MODEL / "model.ubj"), "model.ubj: bad in workspace"),
    ],
)
def test_what_could_not_be_put_back_is_refused(
    project: Project,
    capsys: pytest.CaptureFixture[str],
    break_it: Callable[[], object],
    message: str,
) -> None:
    break_it()
    before = state(project)
    assert main(["rollback", "model-v1"]) == 2
    assert message in capsys.readouterr().err
    assert (state(project), log()) == (before, [])
    assert main(["rollback", "nowhere"]) == 2
    assert "'nowhere': no such revision" in capsys.readouterr().err


def only_in(rev: str) -> Path:
    """The cached object of a revision's model."""
    listed = json.loads((DATA / recorded(rev)[:2] / recorded(rev)[2:]).read_text())
    (md5,) = [e["md5"] for e in listed if e["relpath"] == "model.ubj"]
    return DATA / md5[:2] / md5[2:]


@pytest.mark.mltest("Infra 7")
def test_a_damaged_object_undoes_all(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    flip(only_in("model-v1"))
    before = state(project)
    assert main(["rollback", "model-v1"]) == 2
    assert "undone: everything is as it was at main" in capsys.readouterr().err
    assert state(project) == before
    assert [e.result for e in log()] == ["undone"]


@pytest.mark.situation("a rollback whose objects only the remote has", expected="fetched")
def test_a_remote_makes_good_what_the_cache_lacks(project: Project, tmp_path: Path) -> None:
    project.run("dvc", "remote", "add", "--local", "-d", "store", str(tmp_path / "store"))
    project.run("dvc", "push", "-q", "--all-tags")
    flip(only_in("model-v1"))
    listing = recorded("model-v1")
    (DATA / listing[:2] / listing[2:]).unlink()
    assert main(["rollback", "model-v1"]) == 0
    assert dvc_hash.md5(MODEL) == recorded("model-v1")


@pytest.mark.situation(
    "a rollback whose step '{step}' fails", expected="undone: bytes, alias and versions"
)
@pytest.mark.parametrize("step", ["code", "registry", "predictions"])
def test_a_step_that_fails_after_its_work_is_undone(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    done = steps.STEPS[step]

    def fail(root: Path, at: journal.Journal) -> str:
        done(root, at)
        raise PlumblineError("and then it broke")

    for known in registry.versions(project.path, CASE):
        if step == "registry" and known.number == "1":
            registry.forget(project.path, CASE, "1")  # so that a version is made, and unmade
    before = state(project)
    monkeypatch.setitem(steps.STEPS, step, fail)
    assert main(["rollback", "model-v1"]) == 2
    assert f"{step}: and then it broke\n  undone" in capsys.readouterr().err
    assert state(project) == before


@pytest.mark.situation("Ctrl-C in a rollback", expected="undone")
def test_ctrl_c_undoes(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before = state(project)

    def interrupt(root: Path, at: journal.Journal) -> str:
        raise KeyboardInterrupt

    monkeypatch.setitem(steps.STEPS, "verify", interrupt)
    assert main(["rollback", "model-v1"]) == 130
    assert state(project) == before


@pytest.mark.situation("kill -9 in a rollback, at '{step}'", expected="the next command undoes it")
@pytest.mark.parametrize("step", ["code", "outs"])
def test_killed_and_found(project: Project, capsys: pytest.CaptureFixture[str], step: str) -> None:
    before = state(project)
    words = [sys.executable, "-m", "plumbline", "rollback", "model-v1"]
    running = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    file = Path(".plumbline/journal.json")
    while not (file.exists() and json.loads(file.read_text())["steps"][-1] == step):
        assert running.poll() is None
        time.sleep(0.005)
    running.send_signal(signal.SIGKILL)
    running.wait()
    time.sleep(0.5)  # its children end with it
    with journal.alone(Path(".")):
        transaction.recover(Path("."), print)
    assert f"interrupted at {step}" in capsys.readouterr().out
    assert state(project) == before
    assert not file.exists()
    assert [e.result for e in log()] == ["recovered"]


@pytest.mark.situation(
    "a rollback to a commit without this command", expected="done; the copy leads back"
)
def test_the_copy_works_where_the_code_has_no_rollback(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree("plumbline/ops/rollback")
    project.commit("before there was a rollback")
    project.run("git", "branch", "old")
    project.run("git", "reset", "-q", "--hard", "model-v2")
    before = state(project)
    assert main(["rollback", "old"]) == 0
    assert not Path("plumbline/ops/rollback").exists()
    output = project.run(sys.executable, ".plumbline/tool", "rollback", "main")
    assert "done: old" in output
    mlflow_process.close()
    assert state(project) == before


@pytest.mark.situation("work done after a killed rollback", expected="refused; the work stays")
def test_a_commit_made_after_a_kill_is_left_alone(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    root = Path(".")
    left = transaction.begin(root, "model-v1")
    journal.save(root, left.begun("code").begun("outs"))
    Path("notes.txt").write_text("mine")
    assert main(["rollback", "model-v1"]) == 2
    assert "not committed: notes.txt" in capsys.readouterr().err
    project.commit("mine")
    assert main(["rollback", "model-v1"]) == 2
    assert "git is at main" in capsys.readouterr().err
    project.run("git", "reset", "-q", "--hard", "model-v2")
    assert main(["rollback", "model-v1"]) == 0


def test_one_that_lacked_its_last_line_is_closed(project: Project) -> None:
    root = Path(".")
    left = transaction.begin(root, "model-v2")
    journal.save(root, replace(left, done=True))
    transaction.recover(root, print)
    transaction.recover(root, print)
    assert [e.result for e in log()] == ["done"]


@pytest.mark.capability("J5")
@pytest.mark.mltest("Infra 7")
def test_golden_events_see_another_answer(project: Project) -> None:
    report, test = Path("reports") / CASE / "evaluate", Path("data") / CASE / "tables/test.parquet"
    assert golden.check(CASE, MODEL, test, report) == 100
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = tables.read(report / golden.FILE)
    columns["score"] = columns["score"] * (1 + 2**-50)
    pq.write_table(pa.table(columns), report / golden.FILE)
    with pytest.raises(PlumblineError, match="golden events differ: row 0, score: recorded"):
        golden.check(CASE, MODEL, test, report)
    pq.write_table(pa.table({n: v[1:] for n, v in columns.items()}), report / golden.FILE)
    with pytest.raises(PlumblineError, match=r"not of data/.*test\.parquet"):
        golden.check(CASE, MODEL, test, report)


@pytest.mark.capability("F1")
@pytest.mark.situation("MLflow's file deleted", expected="registry rebuild restores it")
def test_a_deleted_mlflow_is_made_again(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    known = registry.versions(project.path, CASE)
    mlflow_process.close()
    for name in ("mlflow.db", "mlflow.db.lock"):
        Path(name).unlink()
    shutil.rmtree("mlartifacts")
    assert main(["registry", "status"]) == 1
    assert not Path("mlflow.db").exists()
    assert "3 of 3 do not agree" in capsys.readouterr().out
    shutil.rmtree(MODEL)  # it comes from the cache
    assert main(["registry", "rebuild"]) == 0
    assert registry.versions(project.path, CASE) == known
    assert [v.tags["git.tag"] for v in known] == ["model-v1", "model-v2"]
    with closing(sqlite3.connect("mlflow.db")) as database:
        sources = database.execute("SELECT source FROM model_versions ORDER BY version").fetchall()
    bundles = [Path(s.removeprefix("file://")) / mlflow_model.DATA for (s,) in sources]
    result = [dvc_hash.md5(bundle) for bundle in bundles]
    assert result == [recorded("model-v1"), recorded("model-v2")]


@pytest.mark.capability("D7")
def test_sync_moves_the_alias_to_head(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    registry.point(project.path, CASE, "1")
    assert main(["registry", "status"]) == 1
    assert main(["registry", "sync"]) == 0
    assert f"HEAD: {CASE} version 2" in capsys.readouterr().out
    registry.point(project.path, CASE, None)
    assert state(project)[3] is None


@pytest.mark.situation("MLflow is off", expected="a rollback works")
def test_without_mlflow(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "MLFLOW_TRACKING_URI", "off")
    assert main(["rollback", "model-v1"]) == 0
    assert main(["rollback", "--dry-run", "main"]) == 0
    assert capsys.readouterr().out.count("nothing to do: MLflow is off") == 2
    assert main(["registry", "sync"]) == 2
    assert "MLflow is off" in capsys.readouterr().err


@pytest.mark.situation("MLflow's file is no database", expected="one message, nothing moved")
def test_a_broken_mlflow_is_one_message(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mlflow.db").write_bytes(b"no database at all " * 100)
    assert main(["rollback", "model-v1"]) == 2
    assert "file is not a database" in capsys.readouterr().err
    assert restore.head(project.path).branch == "main"


def test_feasts_files_are_put_back(project: Project) -> None:
    """The store is emptied and made again by the commit's own code; here that fails at once."""
    store = Path("feature_store")
    (store / "registry.db").write_text("registry")
    feast.save(Path("."), store)
    with pytest.raises(PlumblineError, match=r"Feast, nobody: .*'nobody' has no module"):
        feast.rebuild(Path("."), store, ["nobody"])
    (store / "online.db").write_text("half")
    feast.put_back(Path("."), store)
    assert {p.name: p.read_text() for p in store.glob("*.db")} == {"registry.db": "registry"}
