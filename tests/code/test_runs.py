"""The runs kept beside the bundle: what a line says, what is read back, which cost belongs to which side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from plumbline.core import dvc_hash
from plumbline.core.files import write_json
from plumbline.review import run_cost
from plumbline.runtime import git, run_records
from plumbline.runtime.dvc_lock import Entry

GRAPH = {
    "stages": {
        "train": {"outs": ["models/${item.usecase}"]},
        "evaluate": {"outs": ["report"], "metrics": [{"m/${item.usecase}.json": {"cache": False}}]},
    }
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("dvc.yaml").write_text(yaml.safe_dump(GRAPH))
    Path("params.yaml").write_text("seed: 3\nshop: {train: {rounds: 5}}\nother: {}\n")
    write_json(Path("m/shop.json"), {"a": 1})
    return tmp_path


@pytest.mark.capability("D4", "E4")
def test_a_line_says_what_the_run_was(here: Path) -> None:
    run_records.keep("shop", "evaluate", 1.234)
    [report] = run_records.read("shop")
    assert (report["stage"], report["usecase"], report["seconds"]) == ("evaluate", "shop", 1.23)
    assert report["params"] == {"seed": 3, "shop": {"train": {"rounds": 5}}}
    assert report["wrote"] == {"m/shop.json": dvc_hash.md5(Path("m/shop.json"))}
    assert report["memory_mb"] > 10
    assert (report["commit"], report["dirty"]) == (None, None)
    assert {"python", "numpy", "xgboost-cpu"} <= report["versions"].keys()
    assert report["machine"]["cores"] >= 1
    assert run_records.place("shop") == Path("models/shop.runs.jsonl")


@pytest.mark.capability("D6")
def test_the_commit_and_whether_it_is_dirty(here: Path) -> None:
    for words in (("init", "-q"), ("add", "params.yaml", "m")):
        assert git.answer(*words) is not None
    assert git.answer("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x") is not None
    assert run_records.manifest("shop", "train")["dirty"] is False
    assert len(run_records.manifest("shop", "train")["commit"]) == 40
    Path("params.yaml").write_text("seed: 4\n")
    assert run_records.manifest("shop", "train")["dirty"] is True


def test_old_and_damaged_lines(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_records, "KEPT", 3)
    for number in range(5):
        run_records.keep("shop", "evaluate", float(number))
    assert [r["seconds"] for r in run_records.read("shop")] == [2.0, 3.0, 4.0]
    with run_records.place("shop").open("a") as file:
        file.write('{"half":\n[]\n')
    assert len(run_records.read("shop")) == 3
    assert run_records.read("unknown") == []
    Path("params.yaml").write_text(": :")
    assert run_records.manifest("shop", "train")["params"] == {}


def test_a_clone_s_runs_are_added(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_records, "KEPT", 3)
    for folder, numbers in (("clone", (1.0, 2.0)), (".", (3.0, 4.0))):
        for number in numbers:
            (here / folder).mkdir(exist_ok=True)
            run_records.keep("shop", "evaluate", number, here / folder)
    run_records.adopt("shop", here / "clone")
    assert [r["seconds"] for r in run_records.read("shop")] == [4.0, 1.0, 2.0]
    run_records.adopt("other", here / "clone")
    assert not run_records.place("other").exists()


def test_a_stage_without_metrics_is_known_by_its_outs(here: Path) -> None:
    Path("models/shop").mkdir(parents=True)
    Path("models/shop/model.ubj").write_text("trees")
    assert run_records.wrote("shop", "train") == {"models/shop": dvc_hash.md5(Path("models/shop"))}
    assert run_records.wrote("shop", "nowhere") == {}


@pytest.mark.capability("E4")
def test_each_side_has_the_cost_of_its_own_run(here: Path) -> None:
    line = {"stage": "train", "seconds": 1, "memory_mb": 2, "wrote": {"models/shop": "a"}}
    lines = [
        line,
        {**line, "seconds": 3},
        {**line, "seconds": 9, "stage": "tune"},
        {**line, "seconds": 5, "wrote": {"models/shop": "b"}},
        {**line, "seconds": 7, "wrote": {}},
    ]
    place = run_records.place("shop")
    place.parent.mkdir()
    place.write_text("\n".join(map(json.dumps, lines)))
    base, head, other = ({"train": Entry(outs={"models/shop": oid})} for oid in "abc")
    [result] = run_cost.costs(here, "shop", base, head)
    assert result.plain() == {
        "stage": "train",
        "base": {"seconds": 3.0, "memory_mb": 2.0},
        "head": {"seconds": 5.0, "memory_mb": 2.0},
    }
    [result] = run_cost.costs(here, "shop", {}, head)
    assert result.base is None
    assert run_cost.costs(here, "shop", other, other) == []


def test_a_system_that_does_not_name_its_features(tmp_path: Path) -> None:
    assert run_records._features(tmp_path / "none") == []
    (tmp_path / "info").write_text("model name\t: x\nflags\t\t: sse avx\n\nflags\t: later\n")
    assert run_records._features(tmp_path / "info") == ["avx", "sse"]
