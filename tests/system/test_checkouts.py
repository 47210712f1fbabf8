"""Where the project is installed: any path, renamed, a work tree, a submodule, DVC's temporary copy, Python 3.13."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from plumbline.__main__ import main
from plumbline.runtime import run_records
from plumbline.tracking import projection
from tests import two_versions
from tests.conftest import ROOT
from tests.project import Project
from tests.toy import Toy

Seen = Callable[[str], None]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    return two_versions.shared(tmp_path_factory)


@pytest.fixture
def project(made: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """A copy of the toy at two versions, in which the commands run."""
    return two_versions.prepared(made, tmp_path, monkeypatch)


STUB = """#!/bin/sh
echo "$*" >> calls
if [ "$2" = venv ]; then
  mkdir -p .venv/bin
  printf '#!/bin/sh\ncase "$*" in *"-m pip"*) exit 0;; esac\nexec {python} "$@"\n' > .venv/bin/python
  chmod 755 .venv/bin/python
else exec {python} "$@"; fi
"""


def installable(project: Toy, path: Path) -> Project:
    """The project in another folder, with the Makefile and without its downloads."""
    shutil.copytree(project.path, path, symlinks=True)
    shutil.copy2(ROOT / "Makefile", path)
    (path / "plumbline").symlink_to(ROOT / "plumbline")
    for name, text in {
        "requirements.txt": "", ".ci/install": "#!/bin/sh\n", "python": STUB.format(python=sys.executable),
    }.items():  # fmt: skip
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_text(text)
        (path / name).chmod(0o755)
    return Project(path)


def calls(project: Project) -> list[str]:
    """How often `make install` made an environment."""
    return [line for line in (project.path / "calls").read_text().splitlines() if "venv" in line]


@pytest.mark.situation(
    "a checkout under a path with spaces and non-ASCII letters",
    expected="make install, dvc and plumbline remote work",
)
def test_a_path_with_any_letters(
    project: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: Seen
) -> None:
    other = installable(project, tmp_path / "Käufer & Söhne" / "mein Projekt")
    monkeypatch.delenv("DVC_SITE_CACHE_DIR")
    other.run("make", "install", "PYTHON=./python")
    site = other.path / ".dvc" / "tmp" / "site"
    assert str(site) in (other.path / ".dvc" / "config.local").read_text(encoding="utf-8")
    other.run("dvc", "status", env={"DVC_SITE_CACHE_DIR": ""})
    assert [p.name for p in site.iterdir()] == ["repo"]
    assert [p.stat().st_mode & 0o777 for p in (site, site.parent)] == [0o700, 0o700]
    monkeypatch.chdir(other.path)
    (tmp_path / "Größe").mkdir()
    assert main(["remote", str(tmp_path / "Größe")]) == 0
    assert "site_cache_dir" in (other.path / ".dvc" / "config.local").read_text(encoding="utf-8")
    seen(other.run("dvc", "remote", "list"))


@pytest.mark.situation(
    "a checkout renamed after make install", expected="make installs it anew, once"
)
def test_a_renamed_checkout(project: Toy, tmp_path: Path, seen: Seen) -> None:
    other = installable(project, tmp_path / "before")
    for _ in range(2):
        other.run("make", "install", "PYTHON=./python")
    assert calls(other) == ["-m venv .venv"]
    renamed = Project(other.path.rename(tmp_path / "after"))
    for _ in range(2):
        renamed.run("make", "install", "PYTHON=./python")
    assert calls(renamed)[1:] == ["-m venv --clear .venv"]
    local = (renamed.path / ".dvc" / "config.local").read_text()
    assert str(renamed.path) in local
    assert str(other.path) not in local
    seen(calls(renamed)[-1])


RECORDED = """
import sys
from plumbline.runtime import run_records
from plumbline.tracking import projection
run_records.keep("toy", "sum", 1.0)
print("MLflow:", projection.address())
"""


@pytest.mark.situation(
    "dvc exp run --temp and --queue", expected="records and MLflow's runs are in the checkout"
)
def test_an_experiment_in_dvcs_temporary_copy(
    project: Toy, monkeypatch: pytest.MonkeyPatch, seen: Seen
) -> None:
    """Of a queue the copy is in the same place; its process in the background is not started here."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    with Path("sum.py").open("a") as script:
        script.write(RECORDED)
    project.commit("record")
    env = {"PYTHONPATH": str(ROOT)}
    shown = project.run("dvc", "exp", "run", "--temp", "-q", env=env)
    assert f"MLflow: sqlite:///{project.path}/mlflow.db" in shown
    (record,) = run_records.read("toy", project.path)
    assert record["stage"] == "sum"
    copy = project.path / ".dvc" / "tmp" / "exps" / "tmp1"
    copy.mkdir(parents=True)
    monkeypatch.chdir(copy)
    assert projection.address() == f"sqlite:///{project.path}/mlflow.db"
    run_records.keep("toy", "make", 1.0)
    assert [r["stage"] for r in run_records.read("toy", project.path)] == ["sum", "make"]
    seen(projection.address())


@pytest.mark.situation(
    "a git work tree", expected="outs are fetched again; rollback moves it alone, verify is right"
)
def test_a_work_tree(
    project: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: Seen
) -> None:
    tree = Toy(tmp_path / "tree", project.oids)
    project.run("git", "worktree", "add", "-q", "-b", "side", str(tree.path))
    monkeypatch.chdir(tree.path)
    assert main(["verify", "--in", "workspace", "--in", "cache"]) == 1
    tree.run("dvc", "pull", "-q")
    assert main(["rollback", "v1"]) == 0
    assert main(["verify"]) == 0
    tree.run("git", "switch", "-q", "side")
    assert main(["reproduce"]) == 0
    assert project.run("git", "status", "--porcelain", "-b").strip() == "## main"
    monkeypatch.chdir(project.path)
    assert main(["verify"]) == 0
    seen("pull, rollback, verify, reproduce: 0; the first checkout is as it was")


@pytest.mark.situation(
    "the project in a folder of a larger repository, and that one a submodule",
    expected="rollback, verify and reproduce work",
)
def test_a_folder_of_a_submodule(
    project: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: Seen
) -> None:
    whole, outer = Project(tmp_path / "whole"), Project(tmp_path / "outer")
    for repository in (whole, outer):
        repository.path.mkdir()
        repository.run("git", "init", "-q", "-b", "main")
        (repository.path / "readme.txt").write_text("x")
        repository.commit("readme")
    history = ("v1", "v2")
    for tag in history:
        below = whole.path / "models" / "ours"
        shutil.rmtree(below, ignore_errors=True)
        below.mkdir(parents=True)
        project.run("git", "archive", tag, "-o", str(tmp_path / "a.tar"))
        whole.run("tar", "-xf", str(tmp_path / "a.tar"), "-C", str(below))
        whole.commit(tag)
        whole.run("git", "tag", tag)
    words = ("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(whole.path), "ml")
    outer.run("git", *words)
    outer.commit("ml")
    inner = Project(outer.path / "ml" / "models" / "ours")
    remote = str(project.path.parent / "remote")
    inner.run("dvc", "remote", "modify", "-q", "--local", "storage", "url", remote)
    inner.run("dvc", "pull", "-q")
    monkeypatch.chdir(inner.path)
    for line in (
        "verify",
        "rollback v1",
        "verify",
        "reproduce",
        "rollback main",
        "verify --all-tags",
    ):
        assert main(line.split()) == 0, line
    assert outer.run("git", "status", "--porcelain") == ""
    seen("verify, rollback there and back, reproduce: 0")


@pytest.mark.situation("Python 3.13", expected="every installed package admits it")
def test_python_3_13() -> None:
    """`make install PYTHON=python3.13` works where that is; here what the packages themselves say."""
    wanted = {d.name: d.metadata["Requires-Python"] for d in metadata.distributions()}
    assert len(wanted) > 100
    closed = [n for n, spec in wanted.items() if spec and "3.13.0" not in SpecifierSet(spec)]
    assert closed == []
