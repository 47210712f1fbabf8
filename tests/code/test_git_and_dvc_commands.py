"""The one way to git and the one way to DVC: what they return, and what they raise."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.repo import dvc_command
from plumbline.runtime import child_process, git


def test_what_git_prints(tmp_path: Path) -> None:
    git.output(tmp_path, "init", "-q", "-b", "main")
    for name in ("a b", "é"):
        (tmp_path / name).touch()
    git.output(tmp_path, "add", "-A")
    assert git.names(tmp_path, "ls-files", "-z") == ["a b", "é"]
    assert git.text(tmp_path, "branch", "--show-current") == "main"
    assert git.lines(tmp_path, "status", "--porcelain")[0] == 'A  "a b"'
    oid = git.output(tmp_path, "hash-object", "--stdin", data=b"").decode().strip()
    assert oid == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    name = git.text(
        tmp_path, "var", "GIT_AUTHOR_IDENT", env={"GIT_AUTHOR_NAME": "Ann", "EMAIL": "a@b"}
    )
    assert name.startswith("Ann <")


def test_where_git_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    for call in (git.output, git.guarded):
        with pytest.raises(PlumblineError, match=r"^git status: fatal: not a git repository"):
            call(tmp_path, *git.QUIET, "status")
    assert git.answer("status", root=tmp_path) is None
    monkeypatch.setenv("PATH", "")
    assert git.answer("status", root=tmp_path) is None
    with pytest.raises(PlumblineError, match="install git"):
        git.output(tmp_path, "status")


def test_a_dvc_command_is_quiet_and_finds_its_own_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, str] = {}

    def run(words, cwd, env, tell) -> int:
        seen.update(env, words=" ".join(words))
        for line in ("one", "ERROR: two"):
            tell(line)
        return 3

    monkeypatch.setattr(child_process, "run", run)
    heard: list[str] = []
    done = dvc_command.run(tmp_path, "repro", "x", env={"MORE": "1"}, progress=heard.append)
    assert (done.code, done.lines, done.errors) == (3, heard, ["ERROR: two"])
    assert seen["words"] == f"{sys.executable} -m dvc repro x"
    assert seen["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
    assert (seen["MORE"], seen["DVC_NO_ANALYTICS"]) == ("1", "1")
    with pytest.raises(PlumblineError, match=r"^dvc repro: one\nERROR: two$"):
        dvc_command.check(tmp_path, "repro")
