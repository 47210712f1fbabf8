"""dvc.yaml and dvc.lock as the library reads them: templates, matrices, entries, damage."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from plumbline.core.errors import PlumblineError
from plumbline.runtime import dvc_lock, dvc_yaml
from plumbline.runtime.dvc_lock import Entry
from plumbline.runtime.dvc_yaml import DeclaredOut, DeclaredStage
from tests.conftest import ROOT

GRAPH = """
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
    metrics: [{"metrics/${item.usecase}.json": {cache: false}}]
"""
LOCK = """
schema: '2.0'
stages:
  train@a:
    cmd: go
    deps: [{path: x, hash: md5, md5: '1'}]
    params: {params.yaml: {a.train: {rounds: 3, params: {}}, seed: 7}}
    outs: [{path: models/a, hash: md5, md5: '2.dir'}]
  plain: {cmd: go}
"""


def graph(text: str = GRAPH) -> dict[str, object]:
    return dvc_yaml.document(text, "dvc.yaml")


def test_stages_of_one_use_case() -> None:
    stages = dvc_yaml.of_usecase(graph(), "a")
    assert stages["make"] == DeclaredStage(
        "make a", ("make.py",), {}, (DeclaredOut("data/a/raw"), DeclaredOut("data/a/other"))
    )
    assert stages["cook"].deps == ("cook.py", "data/a/raw")
    assert stages["fit"].stored == ("models/a",)
    assert stages["fit"].in_git == ("metrics/a.json",)
    assert stages["fit"].paths == ("models/a", "metrics/a.json")


def test_upstream_follows_outs_to_their_stages() -> None:
    stages = dvc_yaml.of_usecase(graph(), "a")
    assert dvc_yaml.upstream(stages, "fit") == ["data/a/raw", "data/a/table"]
    assert dvc_yaml.upstream(stages, "make") == dvc_yaml.upstream(stages, "none") == []


@pytest.mark.capability("A3")
def test_the_projects_own_graph() -> None:
    stages = dvc_yaml.of_usecase(dvc_yaml.read(ROOT), "x")
    result = dvc_yaml.upstream(stages, "train")
    assert "models/x" in stages["train"].paths
    assert {"data/x/raw", "data/x/tables/train.parquet"} <= set(result)
    assert "data/x/tables/test.parquet" not in result


def test_templates_are_filled_in_for_every_combination() -> None:
    whole = {
        "stages": {
            "a": {
                "matrix": {"x": ["p", "q"], "y": "${ys}"},
                "cmd": "do ${item.x} ${item.y} ${deep.er}",
                "params": ["seed", {"other.yaml": ["k"]}],
                "outs": ["o/${item.x}"],
                "metrics": [{"m/${item.x}.json": {"cache": False}}],
            },
            "unknown": {"cmd": "do ${nothing}"},
            "many": {"foreach": ["a"], "do": {"cmd": "x"}},
        }
    }
    params = {"ys": [1], "deep": {"er": "z"}}
    result = dvc_yaml.stages(whole, params)
    assert list(result) == ["a@p-1", "a@q-1"]
    one = result["a@q-1"]
    assert (one.cmd, one.paths, one.in_git) == ("do q 1 z", ("o/q", "m/q.json"), ("m/q.json",))
    assert one.params == {"params.yaml": ("seed",), "other.yaml": ("k",)}
    assert dvc_yaml.names(whole, params) == {*result, "unknown", "many"}
    assert dvc_yaml.names(whole, {}) == {"unknown", "many"}


def test_without_files_there_is_nothing(tmp_path: Path) -> None:
    assert dvc_yaml.of_usecase(dvc_yaml.read(tmp_path), "a") == {}
    assert dvc_lock.read(tmp_path) == dvc_lock.parse("") == dvc_lock.parse("schema: '2.0'") == {}


def test_an_entry_is_read_and_written_back() -> None:
    entries = dvc_lock.parse(LOCK)
    params = {"a.train.rounds": 3, "a.train.params": {}, "seed": 7}
    assert entries["train@a"] == Entry("go", {"x": "1"}, params, {"models/a": "2.dir"})
    assert entries["plain"] == Entry("go")
    assert dvc_lock.usecases(entries) == {"a"}
    assert dvc_lock.outs(dvc_lock.of(entries, "a")) == {"models/a": "2.dir"}
    assert dvc_lock.outs(dvc_lock.of(entries, "b")) == {}
    assert yaml.safe_load(dvc_lock.dump(entries)) == yaml.safe_load(LOCK)


def test_a_dep_from_the_web_has_no_md5() -> None:
    text = "stages: {get: {cmd: x, deps: [{path: 'https://a/b', etag: '1'}]}}"
    assert dvc_lock.parse(text)["get"].deps == {"https://a/b": "1"}


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "- 1",
        "1",
        "stages: [1]",
        "stages: {make@a: 3}",
        "stages: {a: {outs: [{path: x}]}}",
        "stages: {a: {deps: [{path: x}]}}",
    ],
)
def test_a_damaged_lock_is_named(text: str) -> None:
    with pytest.raises(PlumblineError, match=r"main: dvc.lock: damaged .*git checkout"):
        dvc_lock.parse(text, "main: dvc.lock")


def test_this_projects_own_lock_is_in_the_order_of_dvc_yaml() -> None:
    entries = dvc_lock.read(ROOT)
    declared = list(dvc_yaml.of_usecase(dvc_yaml.read(ROOT), "x"))
    assert dvc_lock.usecases(entries)
    for name in dvc_lock.usecases(entries):
        assert list(dvc_lock.of(entries, name)) == declared
