"""The git hooks: which checkouts they answer to, and what they leave alone. Python is a stand-in here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.ops.hooks import install
from tests.project import environment

PYTHON = """#!/bin/sh
echo "python $* by $PYTHONPATH safe $PYTHONSAFEPATH" >&2
exit 1
"""
RAN = "python -m plumbline.ops.hooks.after_checkout"


class Repository:
    """A git repository with a DVC folder, in a path with spaces, and with a stand-in for Python."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / ".dvc").mkdir(parents=True)
        (path / ".dvc" / "config").touch()
        self.git("init", "-q", "-b", "main")
        (path / ".gitignore").write_text(".venv\n")
        for number in (1, 2):
            (path / "dvc.lock").write_text(f"{number}\n")
            self.git("add", "-A")
            self.git("commit", "-qm", str(number))
            self.git("tag", f"v{number}")
        self.write(".venv/bin/python", PYTHON)

    def git(self, *words: str, ok: bool = True) -> str:
        """What git and its hooks print."""
        done = subprocess.run(
            ["git", "-c", "advice.detachedHead=false", *words],
            cwd=self.path,
            env={**environment(self.path), "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(self.path)},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert not ok or done.returncode == 0, done.stdout
        return done.stdout

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    built = Repository(tmp_path / "a project")
    monkeypatch.setattr(sys, "executable", str(built.path / ".venv/bin/python"))
    monkeypatch.setattr(sys, "prefix", str(built.path / ".venv"))
    monkeypatch.setattr(install.tool, "PACKAGE", tmp_path / "library")
    (tmp_path / "library").mkdir()
    return built


@pytest.fixture
def hooked(repository: Repository) -> Repository:
    install.install(repository.path)
    return repository


def test_another_commit_runs_it_with_both_commits(hooked: Repository) -> None:
    old, new = (hooked.git("rev-parse", v).strip() for v in ("v2", "v1"))
    assert f"{RAN} {old} {new}" in hooked.git("checkout", "v1")


def test_files_and_the_same_commit_run_nothing(hooked: Repository) -> None:
    assert "python" not in hooked.git("checkout", "v1", "--", "dvc.lock")
    hooked.git("checkout", "-f", "main")
    assert "python" not in hooked.git("checkout", "-b", "topic")


def test_merge_and_rebase_run_it_once(hooked: Repository) -> None:
    hooked.git("checkout", "-q", "-b", "old", "v1")
    assert f"{RAN} ORIG_HEAD" in hooked.git("merge", "main")
    hooked.git("checkout", "-q", "-b", "topic", "v1")
    hooked.write("other", "text")
    hooked.git("add", "other")
    hooked.git("commit", "-qm", "other")
    assert hooked.git("rebase", "main").count(RAN) == 1
    hooked.git("checkout", "-q", "-b", "behind", "v1")
    assert hooked.git("rebase", "main").count(RAN) == 1, "one that only moves forward"


def test_a_bisect_is_quiet(hooked: Repository) -> None:
    for number in (3, 4, 5, 6):
        hooked.write("dvc.lock", f"{number}\n")
        hooked.git("commit", "-qam", str(number))
    output = hooked.git("bisect", "start", "main", "v1") + hooked.git("bisect", "good")
    assert "python" not in output + hooked.git("bisect", "reset")


def test_a_variable_switches_it_off(hooked: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_HOOKS", "0")
    assert "python" not in hooked.git("checkout", "v1")


def test_without_python_one_line_says_what_to_do(hooked: Repository) -> None:
    (hooked.path / ".venv/bin/python").unlink()
    [line] = hooked.git("checkout", "-q", "v1").splitlines()
    assert line.startswith(f"plumbline: {hooked.path}/.venv/bin/python or ")
    assert "is not there; `make install` and `plumbline install-hooks`" in line


def test_nothing_of_the_commit_is_executed(hooked: Repository) -> None:
    """The code is the copy in git's folder, and the folder of the checkout is no place to import from."""
    output = hooked.git("checkout", "v1")
    assert f"by {hooked.path}/.git/{install.CODE} safe 1" in output
    assert (hooked.path / ".git" / install.CODE / "plumbline").is_dir()


@pytest.mark.parametrize("name", [".venv/bin/python", ".dvc/config.local", ".dvc/tmp/x"])
def test_a_commit_that_tracks_files_of_this_machine_is_refused(
    hooked: Repository, name: str
) -> None:
    hooked.git("checkout", "-q", "-b", "stranger", "v1")
    hooked.write(name, PYTHON)
    hooked.write("dvc.lock", "other")
    hooked.git("add", "-f", ".")
    hooked.git("commit", "-qm", "mine now")
    hooked.git("checkout", "-q", "v1")
    output = hooked.git("checkout", "-q", "stranger")
    assert RAN not in output
    assert f"files that belong to this machine; its outs were not brought: {name}" in output


def test_a_commit_before_dvc_is_silent(hooked: Repository) -> None:
    hooked.git("checkout", "-q", "--orphan", "before")
    hooked.git("rm", "-rqf", ".dvc")
    hooked.git("commit", "-qm", "before")
    assert hooked.git("checkout", "-q", "main") != ""
    assert hooked.git("checkout", "-q", "before") == ""


def test_an_earlier_hook_runs_first_and_its_end_is_gits(repository: Repository) -> None:
    earlier = repository.write(".git/hooks/post-checkout", "#!/bin/sh\necho earlier $#\nexit 3\n")
    before = earlier.read_bytes()
    [hook, *_] = install.install(repository.path)
    assert hook.earlier == f"{earlier}{install.EARLIER}"
    output = repository.git("checkout", "v1", ok=False)
    assert output.index("earlier 3") < output.index(RAN)
    assert install.install(repository.path)[0].state == "written again"
    assert install.uninstall(repository.path)[0].state == "removed; the hook from before is back"
    assert earlier.read_bytes() == before
    assert os.access(earlier, os.X_OK)
    assert sorted(p.name for p in earlier.parent.glob("post-*[a-z]") if "sample" not in p.name) == [
        "post-checkout"
    ]


def test_a_tool_that_moves_our_hook_and_calls_it_makes_no_circle(repository: Repository) -> None:
    """As pre-commit does: it renames the hook, and calls it under another name; then ours is installed again."""
    first = repository.write(".git/hooks/post-checkout", "#!/bin/sh\necho first\n")
    install.install(repository.path)
    first.rename(first.with_name("post-checkout.legacy"))
    repository.write(".git/hooks/post-checkout", '#!/bin/sh\n"$0.legacy" "$@"\n')
    output = repository.git("checkout", "v1")
    assert (output.count("first"), output.count(RAN)) == (1, 1)
    first.with_name(f"post-checkout{install.EARLIER}").unlink()
    install.install(repository.path)
    legacy = first.with_name(f"post-checkout{install.EARLIER}")
    legacy.write_text(legacy.read_text().replace("$0.legacy", str(first) + ".legacy"))
    assert repository.git("checkout", "main").count(RAN) == 1


def test_a_hook_that_is_switched_off_stays_so(repository: Repository) -> None:
    repository.write(".git/hooks/post-checkout", "#!/bin/sh\necho earlier\n").chmod(0o644)
    install.install(repository.path)
    assert "earlier" not in repository.git("checkout", "v1")


def test_a_hook_written_over_ours_is_not_lost(hooked: Repository) -> None:
    hooked.write(".git/hooks/post-checkout", "#!/bin/sh\n")
    install.install(hooked.path)
    hooked.write(".git/hooks/post-checkout", "#!/bin/sh\n# another\n")
    with pytest.raises(PlumblineError, match=r"post-checkout is not Plumbline's, .* join the two"):
        install.install(hooked.path)
    assert "# another" in (hooked.path / ".git/hooks/post-checkout").read_text()


def test_a_hooks_folder_of_its_own_is_used_and_a_shared_one_refused(
    repository: Repository, tmp_path: Path
) -> None:
    repository.git("config", "core.hooksPath", "my hooks")
    [hook, *_] = install.install(repository.path)
    assert hook.path == str(repository.path / "my hooks" / "post-checkout")
    assert RAN in repository.git("checkout", "v1")
    repository.git("config", "core.hooksPath", str(tmp_path / "everybody"))
    with pytest.raises(
        PlumblineError, match=r"core\.hooksPath leads to .*everybody, outside of this"
    ):
        install.install(repository.path)
    assert not (tmp_path / "everybody").exists()


def test_a_work_tree_has_them_too(hooked: Repository, tmp_path: Path) -> None:
    assert RAN in hooked.git("worktree", "add", str(tmp_path / "second tree"), "v1")


def test_a_project_below_the_repository(repository: Repository) -> None:
    (repository.path / "inner dir").mkdir()
    repository.git("mv", ".dvc", "dvc.lock", "inner dir")
    repository.git("commit", "-qm", "moved")
    with pytest.raises(PlumblineError, match=r"expected a project with a folder \.dvc"):
        install.install(repository.path)
    install.install(repository.path / "inner dir")
    assert RAN not in repository.git("checkout", "-b", "x", "main~1"), "no project there"
    assert RAN in repository.git("checkout", "main")


def test_uninstall_without_hooks(repository: Repository) -> None:
    assert {h.state for h in install.uninstall(repository.path)} == {"not installed"}
