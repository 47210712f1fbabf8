"""The one way to git and the one way to DVC: what they return, and what they raise."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from plumbline.__main__ import main
from plumbline.core.errors import PlumblineError
from plumbline.repo import dvc_command, revisions
from plumbline.runtime import child_process, git, run_records
from tests.conftest import ROOT


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


HOSTILE = """
[log]
    showSignature = true
    follow = true
[color]
    ui = always
    status = always
    diff = always
[core]
    pager = false
    quotePath = true
    autocrlf = true
    fsmonitor = false-command
[diff]
    external = false
    noprefix = true
    renames = false
[status]
    showUntrackedFiles = no
[column]
    ui = always
[i18n]
    logOutputEncoding = latin1
[gpg]
    program = {gpg}
"""
READS = (
    ("log", "--format=%H%x09%s"), ("log", "-p", "--format=%H"), ("show", "-s", "--format=%T %P"),
    ("diff", "HEAD"), ("diff", "--name-only", "HEAD"), ("status", "--porcelain"), ("stash", "list"),
    ("ls-files", "--eol"), ("log", "--format=%H", "--", "new.txt"), ("branch", "--list"),
)  # fmt: skip


def signed(root: Path) -> None:
    """A commit with a signature that a user's configuration would have shown."""
    body = git.text(root, "cat-file", "commit", "HEAD")
    head, _, message = body.partition("\n\n")
    text = f"{head}\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n -----END PGP SIGNATURE-----\n\n{message}\n"
    data = text.encode()
    oid = git.output(root, "hash-object", "-t", "commit", "-w", "--stdin", data=data).decode()
    git.output(root, "update-ref", "HEAD", oid.strip())


@pytest.mark.situation(
    "a user's git configuration: signatures, colours, external diffs", expected="the same is read"
)
def test_a_users_configuration_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    root, gpg = tmp_path / "project", tmp_path / "gpg"
    root.mkdir()
    gpg.write_text("#!/bin/sh\necho 'gpg: a signature' >&2\necho '[GNUPG:] GOODSIG 0 a'\n")
    gpg.chmod(0o755)
    (tmp_path / "hostile").write_text(HOSTILE.format(gpg=gpg))
    (tmp_path / "empty").touch()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "empty"))
    git.output(root, "init", "-q", "-b", "main")
    (root / "old.txt").write_text("one\ntwo\n")
    git.output(root, "add", "-A")
    git.output(root, *who, "commit", "-qm", "Größe")
    (root / "old.txt").write_text("other\n")
    git.output(root, *who, "stash")
    git.output(root, "mv", "old.txt", "new.txt")
    git.output(root, *who, "commit", "-qm", "move")
    signed(root)
    (root / "new.txt").write_text("one\nthree\n")
    (root / "é.txt").touch()
    expected = [git.output(root, *words) for words in READS]
    answers = [git.answer(*words, root=root) for words in READS]
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "hostile"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    assert [git.output(root, *words) for words in READS] == expected
    assert [git.answer(*words, root=root) for words in READS] == answers
    git.guarded(root, *git.QUIET, "checkout", "-q", "--force", "--detach", "HEAD", "--")
    assert (root / "new.txt").read_bytes() == b"one\ntwo\n"


def foreign(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository that git refuses, as it does one that another user owns."""
    git.output(root, "init", "-q", "-b", "main")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")


@pytest.mark.situation("a checkout that another user owns", expected="git's message as it is")
def test_gits_refusal_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign(tmp_path, monkeypatch)
    with pytest.raises(PlumblineError, match=r"(?s)dubious ownership.*safe.directory"):
        revisions.commit(tmp_path, "HEAD")


@pytest.mark.situation(
    "a run in a checkout that another user owns",
    expected="a warning says why the record has no commit",
)
def test_a_record_says_why_it_has_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    foreign(tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    assert run_records.manifest("shop", "train")["commit"] is None
    [warning] = [r.getMessage() for r in caplog.records]
    assert "without a commit" in warning
    assert "dubious ownership" in warning


@pytest.mark.situation("a clone with core.autocrlf", expected="the bytes that dvc.lock was made of")
def test_line_ends_are_those_of_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clone with core.autocrlf has the bytes that dvc.lock was made of; data keep their own line ends."""
    root, clone = tmp_path / "project", tmp_path / "clone"
    texts = {
        "dvc.lock": b"a\nb\n",
        "plumbline/core/a.py": b"a\nb\n",
        "metrics/a.json": b"{\n}\n",
        "sources/a/a.csv": b"a\r\nb\r\n",
        "sources/a/a.txt": b"a\r\nb\n",
        "profiles/a.history.csv": b"a\nb\n",
        "data.parquet": b"PAR1\r\n\n",
    }
    for name, data in {**texts, ".gitattributes": (ROOT / ".gitattributes").read_bytes()}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    config = tmp_path / "gitconfig"
    config.write_text("[core]\nautocrlf = true\n[user]\nname = a\nemail = a@b\n")
    run = partial(
        subprocess.run, check=True, env={**os.environ, "GIT_CONFIG_GLOBAL": str(config)}, cwd=root
    )
    for words in ("init -q", "add -A", "commit -qm x", f"clone -q . {clone}"):
        run(["git", *words.split()])
    assert {name: (clone / name).read_bytes() for name in texts} == texts
    values = git.text(root, "check-attr", "merge", "dvc.lock")
    assert values == "dvc.lock: merge: unset"


@pytest.mark.situation("no .git folder", expected="one message; what needs no history works")
def test_without_a_repository_the_message_says_what_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    for name in ("dvc.yaml", "dvc.lock", "sub/a.csv.dvc", ".venv/b.dvc", ".dvc/config"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for words in (["champions"], ["verify", "main"], ["gc"], ["rollback", "v1"]):
        assert main(words) == 2, words
        message = capsys.readouterr().err
        assert "not a git repository" in message
        assert message.count("core.no_scm") == 1
    assert main(["verify"]) == 0
    assert revisions.blobs(tmp_path, revisions.WORK_TREE, ["sub/a.csv.dvc"])
    assert run_records.manifest("shop", "train")["commit"] is None
