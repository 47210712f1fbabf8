"""`plumbline manifest`, and what verify and reproduce know of sources that are read in place."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plumbline.__main__ import main
from plumbline.data import hash_index, source_root
from plumbline.repo import reproduce
from plumbline.repo.tracked_outs import Out
from plumbline.review import source_changes
from plumbline.review.revision import Revision
from tests.sales import AS_OF, ROWS, prepare, write_csv

MANIFEST = "sources/sales/sales.json"
SETTINGS = {"source": "csv", "path": "lake", "manifest": MANIFEST, "as_of": AS_OF}
Run = Callable[..., tuple[int, str]]
GOOD = "all good; checked: source 40\n"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """A command's exit code, and what it printed."""

    def run(*words: str) -> tuple[int, str]:
        code = main(list(words))
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    return run


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of DVC's with a manifest of 40 files."""
    prepare(monkeypatch, tmp_path, SETTINGS)
    Path("sources/sales").mkdir(parents=True)
    Path(".dvc").mkdir()
    Path(".dvc/config").write_text("[core]\nsite_cache_dir = .dvc/tmp/site\n")
    for number in range(40):
        write_csv(Path(f"lake/{number:04}.csv"), ROWS[number % 4])
    monkeypatch.setattr(hash_index, "SETTLED", 0)
    return tmp_path


def replace(name: str) -> None:
    path = Path("lake", name)
    path.write_text(path.read_text().replace("north", "abcde"))


@pytest.mark.capability("D19")
def test_one_of_many_is_named_before_anything_is_written(project: Path, run: Run) -> None:
    code, shown = run("manifest", "sales")
    assert code == 1
    assert "all files are new" in shown
    assert not Path(MANIFEST).exists()
    assert run("manifest", "sales", "--update")[0] == 0
    before = Path(MANIFEST).read_text()
    assert (before.count("\n"), run("manifest", "sales")[0]) == (42, 0)
    replace("0008.csv")
    code, shown = run("manifest", "sales", "--json", "found.json")
    assert code == 1
    assert "replaced: 0008.csv (md5:" in shown
    assert Path(MANIFEST).read_text() == before
    (one,) = json.loads(Path("found.json").read_text())["manifests"]
    assert [(c["kind"], c["path"]) for c in one["changes"]] == [("replaced", "0008.csv")]
    assert (one["files"], one["rows"], one["written"]) == (40, 40, False)
    code, shown = run("manifest", "sales", "--update")
    assert code == 0
    assert shown.index("replaced: 0008.csv") < shown.index("written: sources/sales/sales.json")
    changed = set(Path(MANIFEST).read_text().splitlines()) - set(before.splitlines())
    assert len(changed) == 1, "one line of the file is another"


def test_a_file_that_cannot_be_counted_leaves_the_manifest(project: Path, run: Run) -> None:
    run("manifest", "sales", "--update")
    before = Path(MANIFEST).read_bytes()
    Path("lake/0001.csv").write_bytes(b'a,b\n1,2,"3\n')
    code, shown = run("manifest", "sales", "--update")
    assert code == 2
    assert "lake/0001.csv" in shown
    assert Path(MANIFEST).read_bytes() == before


def test_every_byte_again(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("manifest", "sales", "--update")
    read: list[str] = []
    digests = hash_index.md5_files

    def noted(paths: Any) -> Any:
        read.extend(wanted := list(paths))
        return digests(wanted)

    monkeypatch.setattr(hash_index, "md5_files", noted)
    assert run("manifest", "sales")[0] == 0
    assert not read
    assert run("manifest", "sales", "--rehash")[0] == 0
    assert len(read) == 40


def test_without_a_manifest_in_params(project: Path, run: Run, monkeypatch: Any) -> None:
    prepare(monkeypatch, project, {"source": "csv", "path": "sources/sales/a.csv", "as_of": AS_OF})
    code, shown = run("manifest", "sales")
    assert code == 2
    assert "sales.data.manifest: missing; set it to sources/sales/NAME.json" in shown


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (
            lambda: replace("0008.csv"),
            "bad        source: data@sales: lake/0008.csv, expected md5:",
        ),
        (lambda: Path("lake/0008.csv").unlink(), "missing    source: data@sales: lake/0008.csv"),
        (lambda: write_csv(Path("lake/n.csv")), "extra      source: data@sales: lake/n.csv"),
        (lambda: shutil.rmtree("lake"), "unreadable source: data@sales: sources/sales/sales.json"),
        (lambda: Path(MANIFEST).write_text("{"), "unreadable source: data@sales: sources/sales/s"),
        (
            lambda: Path(MANIFEST).unlink(),
            "unreadable source: data@sales: sources/sales/sales.json",
        ),
    ],
)
def test_verify_names_what_is_not_as_listed(
    project: Path, run: Run, damage: Callable[[], object], line: str
) -> None:
    run("manifest", "sales", "--update")
    assert run("verify")[0] == 0
    code, shown = run("verify", "--in", "source")
    assert (code, shown) == (0, GOOD)
    damage()
    for words in ((), ("--in", "source"), ("--repair",)):
        code, shown = run("verify", *words)
        assert code == 1
        assert line in shown
    assert run("verify", "--in", "cache")[0] == 0


def test_a_past_revision_goes_by_its_own_manifest(project: Path, run: Run) -> None:
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run([*git, "init", "-q"], check=True)
    run("manifest", "sales", "--update")
    subprocess.run(["git", "add", "sources", "params.yaml"], check=True)
    subprocess.run([*git, "commit", "-qm", "first"], check=True)
    write_csv(Path("lake/new.csv"))
    assert run("verify", "HEAD", "--in", "source") == (0, GOOD)
    assert run("verify", "--in", "source")[0] == 1, "now it is one file more than listed"
    replace("0008.csv")
    run("manifest", "sales", "--update")
    assert run("verify", "--in", "source")[0] == 0
    code, shown = run("verify", "HEAD", "--in", "source")
    assert code == 1
    assert "source: HEAD: data@sales: lake/0008.csv" in shown
    base, head = (Revision(Path("."), "base", rev, "", {}, {}) for rev in ("HEAD", None))
    differing = ["sources/sales/sales.json: 1 replaced (0008.csv); 1 added (new.csv)"]
    assert source_changes.of(base, head, "sales") == differing
    assert source_changes.of(base, base, "sales") == []
    for path in (MANIFEST, "params.yaml"):
        Path(path).write_text("{}")
        [line] = source_changes.of(base, head, "sales")
        assert "base has no readable manifest" in line or line.endswith("read no more")


def test_a_reproduction_reads_the_project_s_own_files(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its clone has no lake, and no index of what was hashed before."""
    kept: dict[str, str] = {}
    out = Out("dvc.lock", "data@sales", "raw", "0" * 32)
    monkeypatch.setattr(reproduce.revisions, "commit", lambda root, rev: rev)
    monkeypatch.setattr(reproduce.revisions, "outs", lambda root, rev: [out])
    monkeypatch.setattr(reproduce.clones, "cloned", lambda root, commit, folder: folder)
    monkeypatch.setattr(reproduce, "refuse_libraries", lambda rev, clone: None)
    monkeypatch.setattr(reproduce, "_run", lambda p, c, env, f: (kept.update(env), (None, ""))[1])
    reproduce.reproduce(Path("."), "HEAD", Path("clone"), {})
    assert kept[source_root.REPRODUCING] == str(project)
    for name, value in kept.items():
        monkeypatch.setenv(name, value)
    (project / "clone").mkdir()
    monkeypatch.chdir(project / "clone")
    root = source_root.open_root("lake", "data.path", (".csv",))
    assert len(root.found({})) == 40
