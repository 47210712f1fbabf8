"""A commit run again from nothing: what is the same is said so, and so is all that is not."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from plumbline.__main__ import main
from plumbline.repo import reproduce
from plumbline.repo.tracked_outs import Out
from tests import toy
from tests import warm as forks
from tests.conftest import ROOT
from tests.project import environment
from tests.toy import Toy


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """The toy, run once for all tests here."""
    return toy.shared(tmp_path_factory)


@pytest.fixture
def project(template: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """A copy of it, and the test's own folder in it; temporary folders in `tmp_path`/tmp."""
    copy = toy.copy(template, tmp_path)
    monkeypatch.chdir(copy.path)
    forks.lend(monkeypatch)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    return copy


def run(project: Toy, *words: str) -> tuple[int, dict]:
    """The command's exit code, and the file it wrote."""
    file = project.path.parent / "result.json"
    code = main(["reproduce", "--json", str(file), *words])
    assert "--keep" in words or not list((project.path.parent / "tmp").iterdir())
    return code, json.loads(file.read_text())


def results(record: dict) -> dict[str, str]:
    return {out["path"]: out["result"] for out in record["outs"]}


@pytest.mark.capability("D15")
def test_the_same_commit_is_the_same(project: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    """In spite of what stands in the work tree and the environment, which the run must not see."""
    shared = project.path.parent / "shared"
    project.run("dvc", "config", "cache.dir", str(shared))
    project.commit("a cache that others use too")
    (project.path / "sum.py").write_text("not committed, not run")
    code, record = run(project)
    assert (code, record["same"], record["failed"]) == (0, True, None)
    assert set(results(record).values()) == {"reproduced"}
    assert len(record["commit"]) == 40
    shown = capsys.readouterr().out
    md5 = project.oids["out/toy/model.json"]
    assert re.search(rf"sum@toy +out/toy/model.json +reproduced +{md5} +{md5}\n", shown)
    assert not shared.exists()


@pytest.mark.capability("D15")
def test_what_changes_is_named_with_both_md5s(
    project: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY", "from outside")
    code, record = run(project, "--env", "TOY=other")
    assert (code, record["same"], record["environment"]) == (1, False, {"TOY": "other"})
    [changed] = [out for out in record["outs"] if out["result"] != "reproduced"]
    assert (changed["path"], changed["result"]) == ("out/toy/model.json", "changed")
    assert changed["expected"] == project.oids["out/toy/model.json"] != changed["found"]


def test_a_stage_that_writes_nothing_is_not_taken_for_good(project: Toy) -> None:
    """Its metric is in git, and so in the clone: it must be written, not just be there."""
    script = project.path / "sum.py"
    script.write_text(script.read_text().replace("metrics.write_text", "str"))
    project.commit("a metric is written no more")
    code, record = run(project)
    assert code == 1
    assert record["failed"]["stage"] == "sum@toy"
    assert results(record)["metrics/toy.json"] == "not written"
    assert results(record)["out/toy/parts"] == "reproduced"


def test_a_failing_stage_ends_with_its_message(
    project: Toy, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.path / "sum.py").write_text("raise SystemExit('the sum is off')")
    project.commit("fails")
    code, record = run(project)
    assert (code, record["failed"]["stage"]) == (1, "sum@toy")
    assert "the sum is off" in record["failed"]["message"]
    assert "sum@toy failed:" in capsys.readouterr().out


@pytest.mark.situation("reproduce beside work in progress", expected="the work tree stays as it is")
def test_the_clone_keeps_to_itself(project: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    before = project.run("git", "status", "--porcelain", "--ignored")
    code, _ = run(project, "--keep")
    assert code == 0
    assert project.run("git", "status", "--porcelain", "--ignored") == before
    [folder] = (project.path.parent / "tmp").iterdir()
    assert f"kept: {folder}" in capsys.readouterr().out
    assert (folder / "clone" / ".dvc" / "tmp" / "site").is_dir()
    assert "site_cache_dir" in (folder / "clone" / ".dvc" / "config.local").read_text()
    assert Toy(folder / "clone", project.oids).run("git", "status", "--porcelain") == ""


def test_a_tracked_source_comes_from_where_it_is_good(
    project: Toy, capsys: pytest.CaptureFixture[str]
) -> None:
    toy.flip(project.place("cache", "source/toy.txt"))
    assert run(project)[0] == 0
    toy.flip(project.place("remote storage", "source/toy.txt"))
    assert main(["reproduce"]) == 2
    assert "no good copy" in capsys.readouterr().err


def test_other_libraries_than_the_commit_s_are_refused(
    project: Toy, capsys: pytest.CaptureFixture[str]
) -> None:
    """A commit without such a file, as all others here, runs with what is installed."""
    graph = project.path / "dvc.yaml"
    graph.write_text(graph.read_text().replace("[sum.py, ", "[sum.py, environment/sum.txt, "))
    (project.path / "environment").mkdir()
    (project.path / "environment" / "sum.txt").write_text("numpy==0.1\npyyaml==0.2\n")
    project.commit("of its time")
    project.run("git", "tag", "old")
    assert main(["reproduce", "old"]) == 2
    message = capsys.readouterr().err
    assert "old: its outs are those of numpy 0.1 (installed: " in message
    assert "add --clean-room" in message
    assert "`git checkout old` and `make install`" in message
    (project.path / "environment" / "sum.txt").write_text("")
    project.repro()
    project.commit("no library at all")
    assert run(project)[0] == 0


def test_a_clean_room_without_dvc_is_said(project: Toy) -> None:
    """The new environment is really used: this one has DVC, that one has nothing."""
    (project.path / "requirements.txt").write_text("")
    project.commit("nothing is required")
    code, record = run(project, "--clean-room")
    assert (code, record["clean_room"]) == (1, True)
    assert "No module named dvc" in record["failed"]["message"]


def test_a_clean_room_that_cannot_be_made_is_said(
    project: Toy, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reproduce", "--clean-room"]) == 2
    assert "requirements.txt" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"), [(["nowhere"], "no such revision"), (["--env", "x"], "KEY=VALUE")]
)
def test_mistakes(
    project: Toy, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main(["reproduce", *words]) == 2
    assert message in capsys.readouterr().err


def test_nothing_to_compare(project: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    project.run("git", "rm", "-q", "dvc.lock")
    project.commit("no lock")
    assert main(["reproduce"]) == 2
    assert "no dvc.lock with outs" in capsys.readouterr().err


def test_every_difference_of_two_locks() -> None:
    def out(stage: str, path: str, md5: str) -> Out:
        return Out("dvc.lock", stage, path, md5)

    recorded = [out("a", "same", "1"), out("a", "other", "2"), out("b", "gone", "3")]
    written = [out("a", "other", "9"), out("a", "same", "1"), out("c", "gone", "3")]
    result = reproduce.compare(recorded, written)
    assert [(r.stage, r.path, r.result) for r in result] == [
        ("a", "same", "reproduced"),
        ("a", "other", "changed"),
        ("b", "gone", "not written"),
        ("c", "gone", "new"),
    ]
    assert not reproduce.Reproduction("x", result).same
    assert reproduce.Reproduction("x", result[:1]).same


def test_variables_that_lead_out_of_the_clone_are_dropped() -> None:
    outside = ["GIT_DIR", "DVC_ROOT", "MLFLOW_TRACKING_URI", "VIRTUAL_ENV", "PYTHONHOME"]
    base = {**dict.fromkeys(outside, "x"), "PATH": "/bin", "PYTHONPATH": "/x", "TZ": "UTC"}
    base["PLUMBLINE_PARTITIONS"] = "/kept"
    built = reproduce.environment(base, Path("/env/bin"), Path("/clone"), {"TZ": "CET"})
    assert not set(outside) & set(built)
    assert built["PLUMBLINE_PARTITIONS"] == "off"  # everything is computed
    assert (built["PATH"], built["PYTHONPATH"], built["TZ"]) == ("/env/bin:/bin", "/clone", "CET")


@pytest.mark.situation(
    "reproduce ended by signal {number}", expected="its run ends with it; nothing is left"
)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_the_run_dies_with_the_command(project: Toy, number: signal.Signals) -> None:
    if signal.getsignal(number) == signal.SIG_IGN:  # as in a shell's background jobs; inherited
        signal.signal(number, signal.default_int_handler)
    (project.path / "sum.py").write_text("import time; time.sleep(600)")
    project.commit("endless")
    words = [forks.PYTHON, "-m", "plumbline", "reproduce"]
    env = {**environment(ROOT), "TMPDIR": str(project.path.parent / "tmp")}
    with subprocess.Popen(
        words, cwd=project.path, env=env, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        while "sum@toy" not in process.stderr.readline():
            assert process.poll() is None
        started = wait(lambda: [p for p in below(process.pid) if "sum.py" in p.cmdline()])
        everyone = below(process.pid)
        assert started
        process.send_signal(number)  # to it alone, not to its group
        process.wait(120)
    wait(lambda: not [p for p in everyone if alive(p)])
    if number != signal.SIGKILL:
        assert not list((project.path.parent / "tmp").glob("plumbline-*"))


def below(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait(question: Callable[[], object], seconds: float = 120) -> object:
    end = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return answer
