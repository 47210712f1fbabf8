"""DVC's state: private, and nothing of a killed DVC in the way."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.repo import state
from plumbline.repo.object_stores import DvcSettings


def test_ours_is_closed_to_others_and_forgets_lists(tmp_path: Path) -> None:
    folder = tmp_path / state.PRIVATE
    (folder / "repo" / "token" / "index").mkdir(parents=True)
    (folder / "repo" / "token" / "state.db").touch()
    assert state.environment(tmp_path)[state.VARIABLE] == str(folder)
    assert [p.stat().st_mode & 0o777 for p in (folder, folder.parent)] == [0o700, 0o700]
    assert [p.name for p in (folder / "repo" / "token").iterdir()] == ["state.db"]


def test_who_can_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    folder = tmp_path / "site"
    (folder / "repo").mkdir(parents=True)
    (folder / "repo").chmod(0o777)
    open_way = all(p.stat().st_mode & 0o011 for p in tmp_path.parents)
    assert state.others_can_write(folder) == (folder / "repo" if open_way else None)
    folder.chmod(0o700)
    assert state.others_can_write(folder) is None
    assert state.others_can_write(tmp_path / "nowhere") is None
    shared = Path("/tmp")
    if shared.stat().st_mode & 0o022:
        assert state.others_can_write(shared) == shared


def test_a_shared_one_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(state.VARIABLE, raising=False)
    monkeypatch.setattr(state, "others_can_write", lambda path: path)
    result = DvcSettings(tmp_path, tmp_path / "cache", state="/var/shared")
    (message,) = state.problems(result)
    assert "other users can write to /var/shared" in message
    assert "core.site_cache_dir" in message


def test_a_lock_that_was_cut_off(tmp_path: Path) -> None:
    file = tmp_path / state.LOCKS
    assert state.cut_lock(tmp_path) is None
    file.parent.mkdir(parents=True)
    file.write_text('{"write": {"')
    assert state.cut_lock(tmp_path) == file
    state.refuse_running(tmp_path)
    assert not file.exists()


@pytest.mark.parametrize("kind", ["write", "read"])
def test_a_dvc_at_work_is_named(tmp_path: Path, kind: str) -> None:
    file = tmp_path / state.LOCKS
    file.parent.mkdir(parents=True)
    for process, alive in ((os.getpid(), True), (999_999_999, False)):
        info = {"pid": process, "cmd": "dvc repro"}
        file.write_text(json.dumps({kind: {"out": info if kind == "write" else [info]}}))
        if alive:
            with pytest.raises(PlumblineError, match=r"DVC is at work here \(dvc repro\)"):
                state.refuse_running(tmp_path)
    state.refuse_running(tmp_path)
    with (file.parent / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(PlumblineError, match="DVC is at work here;"):
            state.refuse_running(tmp_path)
