"""Two texts of dvc.lock side by side."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from plumbline.core.errors import PlumblineError
from plumbline.repo import dvc_lock
from plumbline.repo.dvc_lock import Entry
from tests.conftest import ROOT

TEXT = """
schema: '2.0'
stages:
  train@a:
    cmd: go
    deps: [{path: x, hash: md5, md5: '1'}]
    params: {params.yaml: {a.train: {rounds: 3, params: {}}, seed: 7}}
    outs: [{path: models/a, hash: md5, md5: '2.dir'}]
  plain: {cmd: go}
"""


def test_an_entry_is_read() -> None:
    entries = dvc_lock.parse(TEXT, "dvc.lock")
    params = {"a.train.rounds": 3, "a.train.params": {}, "seed": 7}
    assert entries["train@a"] == Entry("go", {"x": "1"}, params, {"models/a": "2.dir"})
    assert entries["plain"] == Entry("go")
    assert dvc_lock.usecases(entries) == {"a"}
    assert dvc_lock.parse("", "dvc.lock") == {}


@pytest.mark.parametrize("text", ["stages: {a: {outs: []}}", "stages: [1]", "- 1", "a: [", "1"])
def test_a_damaged_lock_is_named(text: str) -> None:
    with pytest.raises(PlumblineError, match=r"main: dvc.lock: damaged .*git checkout"):
        dvc_lock.parse(text, "main: dvc.lock")


def test_a_stage_is_changed_by_its_deps_params_and_command() -> None:
    base = {
        "train": Entry("go", {"x": "1", "y": "1"}, {"k": 1}, {"m": "1"}),
        "data": Entry("same"),
        "old": Entry("away"),
    }
    head = {
        "train": Entry("run", {"x": "2", "z": "1"}, {"k": 2}, {"m": "2"}),
        "data": Entry("same"),
    }
    train, old = dvc_lock.changed_stages(base, head)
    assert train["change"] == "changed"
    assert train["command"]
    assert train["params"] == ["k"]
    assert [(d["path"], d["change"]) for d in train["deps"]] == [
        ("x", "changed"),
        ("y", "removed"),
        ("z", "added"),
    ]
    assert train["outs"] == [{"path": "m", "change": "changed"}]
    assert (old["name"], old["change"]) == ("old", "removed")
    assert dvc_lock.changed_params(base, head) == [{"key": "k", "base": 1, "head": 2}]


def test_a_run_s_model_table_and_metrics_are_found_in_its_entries() -> None:
    made = {"t/train": "1", "t/valid": "2", "t/test": "3"}
    mine = {
        "data": Entry(outs={"raw": "d", "m/data.json": "e"}),
        "features": Entry(outs=made, deps={"raw": "d"}),
        "train": Entry(deps={"t/train": "1", "t/valid": "2"}, outs={"models/a": "9.dir"}),
        "evaluate": Entry(deps={"models/a": "9.dir", "t/train": "1", "t/test": "3"}),
    }
    assert dvc_lock.model(mine) == ("models/a", "9.dir")
    assert dvc_lock.test_table(mine) == ("t/test", "3")
    assert dvc_lock.metrics(mine) == {"data": "m/data.json"}
    assert dvc_lock.lineage(mine)["model"] == {"models/a": "9.dir"}
    assert dvc_lock.lineage({}) == {"model": {}}
    assert dvc_lock.model({}) is None
    assert dvc_lock.test_table({}) is None
    edges = [["data", "features"], ["features", "train"], ["train", "evaluate"]]
    assert dvc_lock.edges(mine) == edges


def test_this_project_s_own_lock() -> None:
    entries = dvc_lock.parse((ROOT / "dvc.lock").read_text(), "dvc.lock")
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for name in dvc_lock.usecases(entries):
        mine = dvc_lock.of(entries, name)
        assert list(mine) == list(stages) == list(dvc_lock.ORDER)
        assert Path(dvc_lock.test_table(mine)[0]).stem == "test"
        assert dvc_lock.model(mine)[0] == f"models/{name}"
        assert set(dvc_lock.metrics(mine)) == set(stages) - {"train"}
