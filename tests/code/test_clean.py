"""`clean` removes products that a command makes again, and nothing else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from plumbline.__main__ import main
from plumbline.core.dvc_hash import manifest_bytes, md5_text
from plumbline.runtime import git
from tests.conftest import ROOT

MODEL = "models/toy"
GRAPH = f"stages:\n  train:\n    cmd: x\n    outs:\n    - {MODEL}\n    - reports/one.html\n"
PRODUCTS = (
    ".mypy_cache/a", ".pytest_cache/a", ".ruff_cache/a", ".hypothesis/a", "tests/code/__pycache__/a.pyc",
    "mlflow.db", "mlflow.db-wal", "mlartifacts/1/a", "dvc_plots/index.html", ".coverage", ".coverage.host.1",
)  # fmt: skip
OWN = (
    "usecases/mine/model.py", "sources/mine/only.csv", ".plumbline/audit.jsonl", ".dvc/config.local",
    ".coveragerc", "notes.txt", "data/mine/raw.csv", "models/toy.runs.jsonl", "reports/change.json",
    "mlflow.db.backup", "dist/bundle.tar", ".venv/lib/__pycache__/a.pyc", "other/.git/x", "other/__pycache__/a",
)  # fmt: skip


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a bundle and a page in the cache, products, and files of its owner's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    git.output(tmp_path, "init", "-q")
    texts = {f"{MODEL}/a": "1", f"{MODEL}/deep/b": "2", "reports/one.html": "page"}
    for name, text in {**dict.fromkeys((*PRODUCTS, *OWN), ""), **texts}.items():
        write(tmp_path / name, text)
    manifest = manifest_bytes({"a": md5_text("1"), "deep/b": md5_text("2")}).decode()
    for text, end in ((manifest, ".dir"), ("1", ""), ("2", ""), ("page", "")):
        write(cached(tmp_path, md5_text(text) + end), text)
    md5s = {MODEL: md5_text(manifest) + ".dir", "reports/one.html": md5_text("page")}
    outs = "".join(f"    - path: {p}\n      hash: md5\n      md5: {m}\n" for p, m in md5s.items())
    write(tmp_path / "dvc.yaml", GRAPH)
    write(tmp_path / "dvc.lock", f"schema: '2.0'\nstages:\n  train:\n    cmd: x\n    outs:\n{outs}")
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def cached(root: Path, oid: str) -> Path:
    return root / ".dvc" / "cache" / "files" / "md5" / oid[:2] / oid[2:]


def files(root: Path) -> set[str]:
    return {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()}


def test_it_lists_first_and_removes_only_what_it_listed(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(root)
    assert main(["clean"]) == 0
    assert files(root) == before
    listed = capsys.readouterr().out.splitlines()[:-1]
    assert {MODEL, "reports/one.html", "dvc_plots", "tests/code/__pycache__"} <= set(listed)
    assert main(["clean", "--apply"]) == 0
    assert capsys.readouterr().out.splitlines()[:-1] == listed
    outs = {f"{MODEL}/a", f"{MODEL}/deep/b", "reports/one.html"}
    assert before - files(root) == {*PRODUCTS, *outs}
    assert not (root / MODEL).exists()


@pytest.mark.situation("make clean, an out that the cache has not ({changed})", expected="it stays")
@pytest.mark.parametrize("changed", ["edited", "added", "cache lost", "cache damaged"])
def test_an_out_that_the_cache_does_not_have_stays(
    root: Path, capsys: pytest.CaptureFixture[str], changed: str
) -> None:
    store = cached(root, md5_text("2"))
    if changed == "edited":
        (root / MODEL / "a").write_text("other")
    elif changed == "added":
        (root / MODEL / "c").write_text("1")
    elif changed == "cache lost":
        store.unlink()
    else:
        store.write_text("3")
    before = files(root)
    assert main(["clean", "--apply"]) == 0
    assert f"kept: {MODEL}" in capsys.readouterr().out
    assert {n for n in before if n.startswith(MODEL)} <= files(root)


@pytest.mark.situation("make clean, files that git tracks", expected="they stay")
def test_what_git_tracks_stays(root: Path) -> None:
    git.output(root, "add", "-f", "mlartifacts/1/a", "reports/one.html")
    assert main(["clean", "--apply"]) == 0
    assert {"mlartifacts/1/a", "reports/one.html"} <= files(root)


def test_without_a_lock_no_out_is_removed(root: Path) -> None:
    shutil.move(root / "dvc.lock", root / "dvc.lock.old")
    assert main(["clean", "--apply"]) == 0
    assert (root / MODEL / "a").exists()


@pytest.mark.situation(
    "make clean, a use case that git does not know",
    expected="it stays: products are removed by name",
)
def test_make_clean_does_not_ask_git_what_to_remove() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "git clean" not in text
    assert "plumbline clean --apply" in text


def test_git_ignores_the_plots_that_dvc_writes() -> None:
    assert "/dvc_plots/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
