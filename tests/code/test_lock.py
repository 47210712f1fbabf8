"""md5s as DVC writes them, and the graph that says what was made from what."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from plumbline.core import dvc_hash
from plumbline.core.dvc_hash import Stage
from plumbline.core.errors import PlumblineError
from tests.conftest import ROOT

YAML = """
stages:
  make:
    matrix: {usecase: "${usecases}"}
    cmd: make ${item.usecase}
    deps: [make.py]
    outs:
      - data/${item.usecase}/raw: {persist: true}
      - data/${item.usecase}/other
  cook:
    deps: [cook.py, "data/${item.usecase}/raw"]
    outs: ["data/${item.usecase}/table"]
  fit:
    deps: [fit.py, "data/${item.usecase}/table"]
    outs: ["models/${item.usecase}"]
    metrics: ["metrics/${item.usecase}.json"]
"""
LOCK = """
schema: '2.0'
stages:
  make@a:
    outs:
    - {path: data/a/raw, hash: md5, md5: 11.dir}
  cook@a:
    deps: [{path: data/a/raw, md5: 00.dir}]
    outs:
    - {path: data/a/table, md5: '22'}
  make@b:
    outs:
    - {path: data/b/raw, md5: '33'}
"""


def test_as_dvc_writes_them(tmp_path: Path):
    files = {
        "b.txt": "one",
        "a/é.txt": "two",
        "a/b/c.bin": "three" * 1000,
        "a-b": "four",
        "empty": "",
    }
    for name, text in files.items():
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for words in (["init", "--no-scm", "-q"], ["add", "-q", "folder", "folder/b.txt"][:3]):
        subprocess.run(["dvc", *words], cwd=tmp_path, check=True, capture_output=True)
    said = (tmp_path / "folder.dvc").read_text()
    assert f"md5: {dvc_hash.md5(tmp_path / 'folder')}\n" in said
    cached = tmp_path / ".dvc/cache/files/md5" / dvc_hash.md5(tmp_path / "folder/b.txt")[:2]
    assert cached.is_dir()


def test_no_file(tmp_path: Path):
    with pytest.raises(PlumblineError, match=r"none: no such file; run `dvc repro`"):
        dvc_hash.md5(tmp_path / "none")


def test_graph(tmp_path: Path):
    (tmp_path / "dvc.yaml").write_text(YAML)
    assert dvc_hash.graph("a", tmp_path / "dvc.yaml") == {
        "make": Stage(("make.py",), ("data/a/raw", "data/a/other")),
        "cook": Stage(("cook.py", "data/a/raw"), ("data/a/table",)),
        "fit": Stage(("fit.py", "data/a/table"), ("models/a",), ("metrics/a.json",)),
    }
    assert dvc_hash.graph("a", tmp_path / "none.yaml") == {}


def test_the_projects_own_graph():
    stages = dvc_hash.graph("x", ROOT / "dvc.yaml")
    assert "models/x" in stages["train"].outs
    found = dvc_hash.upstream(stages, "train")
    assert "data/x/raw" in found
    assert "data/x/tables/train.parquet" in found
    assert "data/x/tables/test.parquet" not in found


def test_upstream(tmp_path: Path):
    (tmp_path / "dvc.yaml").write_text(YAML)
    stages = dvc_hash.graph("a", tmp_path / "dvc.yaml")
    assert dvc_hash.upstream(stages, "fit") == ["data/a/raw", "data/a/table"]
    assert dvc_hash.upstream(stages, "make") == []
    assert dvc_hash.upstream(stages, "none") == []


def test_locked(tmp_path: Path):
    path = tmp_path / "dvc.lock"
    assert dvc_hash.locked("a", path) == {}
    path.write_text(LOCK)
    assert dvc_hash.locked("a", path) == {"data/a/raw": "11.dir", "data/a/table": "22"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stages: [", r"dvc\.lock: not valid YAML"),
        ("stages: {make@a: {outs: [{path: x}]}}", r"dvc\.lock: damaged"),
        ("stages: {make@a: 3}", r"dvc\.lock: damaged"),
    ],
)
def test_a_damaged_lock(tmp_path: Path, text: str, message: str):
    (tmp_path / "dvc.lock").write_text(text)
    with pytest.raises(PlumblineError, match=message):
        dvc_hash.locked("a", tmp_path / "dvc.lock")


def test_a_lock_without_stages(tmp_path: Path):
    (tmp_path / "dvc.lock").write_text("schema: '2.0'\n")
    assert dvc_hash.locked("a", tmp_path / "dvc.lock") == {}
