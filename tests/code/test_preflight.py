"""What a stage makes sure of before it begins."""

from __future__ import annotations

import fcntl
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from plumbline.core import dvc_hash
from plumbline.core.errors import PlumblineError
from plumbline.runtime import preflight
from tests.conftest import ROOT

GRAPH = """
stages:
  cook: {matrix: {usecase: "${usecases}"}, deps: [raw.txt], outs: [table.txt]}
  train: {matrix: {usecase: "${usecases}"}, deps: [table.txt, code.py], outs: [model.txt]}
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project where cook ran for the use case toy; the test is run by hand, not by DVC."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(preflight.UNDER_DVC, raising=False)
    (tmp_path / "dvc.yaml").write_text(GRAPH)
    (tmp_path / "params.yaml").write_text("usecases: [toy]\n")
    (tmp_path / "table.txt").write_text("table")
    md5 = dvc_hash.md5(tmp_path / "table.txt")
    (tmp_path / "dvc.lock").write_text(
        f"stages: {{cook@toy: {{outs: [{{path: table.txt, md5: {md5}}}]}}}}"
    )
    return tmp_path


def test_inputs_as_recorded_are_taken(root: Path) -> None:
    preflight.begin("toy", "train", [root / "model.txt"])
    preflight.begin("toy", "cook", [])
    preflight.begin("toy", "no stage at all", [])


def test_changed_inputs_are_refused_in_a_run(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (root / "table.txt").write_text("other")
    with caplog.at_level(logging.WARNING):
        preflight.begin("toy", "train", [])
    assert "table.txt: md5" in caplog.text
    monkeypatch.setenv(preflight.UNDER_DVC, "train@toy")
    with pytest.raises(PlumblineError, match=r"table\.txt: md5 .* but dvc\.lock records"):
        preflight.refuse_changed("toy", "train")


def test_what_dvc_ignores_is_no_change(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte-code cache beside an input's files: neither DVC's md5 nor ours counts it."""
    monkeypatch.setenv(preflight.UNDER_DVC, "train@toy")
    (root / ".dvc").mkdir()
    (root / ".dvcignore").write_text("__pycache__\n")
    (root / "table.txt").unlink()
    (root / "table.txt").mkdir()
    (root / "table.txt" / "a").write_text("a")
    md5 = dvc_hash.md5(root / "table.txt")
    (root / "dvc.lock").write_text(
        f"stages: {{cook@toy: {{outs: [{{path: table.txt, md5: {md5}}}]}}}}"
    )
    (root / "table.txt" / "__pycache__").mkdir()
    (root / "table.txt" / "__pycache__" / "a.pyc").write_text("compiled")
    preflight.refuse_changed("toy", "train")
    (root / "table.txt" / "b").write_text("b")
    with pytest.raises(PlumblineError, match=r"table\.txt: md5 .* but dvc\.lock records"):
        preflight.refuse_changed("toy", "train")


def test_what_a_killed_stage_left_is_swept(root: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    names = (f".model.txt.{gone.pid}.part", f".model.txt.{os.getpid()}.part", ".model.txt.x.part")
    for name in names:
        (root / name).touch()
    (root / f".model.txt.{gone.pid}.old").mkdir()
    preflight.begin("toy", "train", [root / "model.txt"])
    assert sorted(p.name for p in root.glob(".model*")) == sorted(names[1:])


def test_no_stage_in_a_rollback(root: Path) -> None:
    folder = root / preflight.ROLLBACK
    folder.mkdir()
    with (folder / "lock").open("w") as stream:
        preflight.refuse_rollback(folder)
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(PlumblineError, match="a rollback is running"):
            preflight.begin("toy", "train", [])
    (folder / "journal.json").write_text("{}")
    with pytest.raises(PlumblineError, match="was interrupted"):
        preflight.begin("toy", "train", [])


@pytest.mark.parametrize("name", ["config", "config.local"])
def test_links_are_refused_as_root(root: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (root / ".dvc").mkdir()
    (root / ".dvc" / name).write_text(
        '[core]\n  remote = x\n[cache]\n    type = "reflink,symlink"\n'
    )
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    preflight.refuse_links(root / ".dvc")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(PlumblineError, match=r"cache\.type links"):
        preflight.refuse_links(root / ".dvc")
    (root / ".dvc" / name).write_text("[cache]\ntype = copy\n['remote \"a\"']\n type = hardlink\n")
    preflight.refuse_links(root / ".dvc")


def test_a_stage_whose_run_has_ended_does_not_start(root: Path) -> None:
    (root / ".dvc" / "tmp").mkdir(parents=True)
    (root / ".dvc" / "tmp" / "rwlock").write_text(
        '{"write": {"x": {"pid": 999999999, "cmd": "dvc"}}}'
    )
    with pytest.raises(PlumblineError, match="the run that started this stage has ended"):
        preflight.die_with_parents()


STAGE = "from plumbline.runtime import preflight; import time; preflight.die_with_parents(); print(1, flush=True); time.sleep(3600)"


@pytest.mark.parametrize("shell", [False, True])
def test_a_stage_dies_with_its_parent(tmp_path: Path, shell: bool) -> None:
    """Its parent, or the one above a shell between them, ends without a word."""
    words = f"{sys.executable} -c '{STAGE}'; true" if shell else [sys.executable, "-c", STAGE]
    parent = (
        "import os, subprocess, sys\n"
        f"child = subprocess.Popen({words!r}, shell={shell}, stdout=subprocess.PIPE)\n"
        "assert child.stdout.readline()\n"
        "os.kill(os.getpid(), 9)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", parent], env=env, cwd=tmp_path, stderr=subprocess.PIPE, timeout=300
    )  # its end is seen when the last who holds its standard error has ended
    assert done.returncode == -9


@pytest.mark.situation(
    "DVC's state deleted, and made again by DVC, open to all", expected="closed by the next stage"
)
def test_dvcs_state_is_closed_again(tmp_path: Path) -> None:
    folder = tmp_path / "tmp"
    preflight.close(folder)
    assert not folder.exists()
    (folder / "site").mkdir(parents=True)
    folder.chmod(0o777)
    preflight.close(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
