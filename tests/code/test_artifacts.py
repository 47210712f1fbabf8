"""The role of each path, by what dvc.yaml declares and by what a dvc.lock records."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline import config
from plumbline.core.errors import PlumblineError
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.repo.tracked_outs import Out
from plumbline.runtime import dvc_lock, dvc_yaml
from plumbline.runtime.dvc_lock import Entry
from tests.conftest import ROOT

STAGES = tuple(dvc_yaml.of_usecase(dvc_yaml.read(ROOT), "x"))


@pytest.mark.parametrize("role", Role)
def test_the_project_declares_every_role_once(role: Role) -> None:
    stages = dvc_yaml.of_usecase(dvc_yaml.read(ROOT), "shop")
    stage = stages[role.stage]
    paths = stage.deps if role.value[1] == "deps" else stage.paths
    assert len([p for p in paths if role.is_at(p, "shop")]) == 1
    assert artifacts.path("shop", role, ROOT).is_relative_to(ROOT)


def test_the_table_in_the_docstring_lists_every_role() -> None:
    assert [role.name for role in Role if role.name not in (artifacts.__doc__ or "")] == []


def test_the_projects_own_paths() -> None:
    stages = set(STAGES) - {"train"}
    assert artifacts.declared("shop", Role.BUNDLE, ROOT) == "models/shop"
    assert artifacts.metrics_path("shop", "tune", ROOT) == ROOT / "metrics/shop/tune.json"
    assert artifacts.study_folder("shop", "backtest", ROOT) == ROOT / "reports/shop/backtest"
    shown = {"evaluate.summary", "monitor.summary"}
    kept = {f"metrics/shop/{name}.json" for name in stages | shown}
    assert set(artifacts.in_git("shop", ROOT)) == kept


def test_the_projects_own_lock() -> None:
    entries = dvc_lock.read(ROOT)
    for name in config.read(ROOT / "params.yaml")["usecases"]:
        own = dvc_lock.of(entries, name)
        assert artifacts.bundle(own, name) == (
            f"models/{name}",
            own["train"].outs[f"models/{name}"],
        )
        assert set(artifacts.metrics(own)) == set(STAGES) - {"train"}
        result = [artifacts.test_table(own, name), artifacts.current_table(own, name)]
        result += artifacts.learned(own, name)
        names = [Path(pair[0]).stem for pair in result if pair]
        assert names == ["test", "current", "train", "valid"]


def test_what_is_not_declared_is_refused_with_the_name_that_it_should_have(tmp_path: Path) -> None:
    (tmp_path / "dvc.yaml").write_text("stages: {train: {outs: [models/one]}}")
    with pytest.raises(PlumblineError, match=r"dvc.yaml: stage 'train' declares no shop among its"):
        artifacts.path("shop", Role.BUNDLE, tmp_path)
    with pytest.raises(PlumblineError, match=r"stage 'tune' declares no out tune.json for shop"):
        artifacts.metrics_path("shop", "tune", tmp_path)
    assert artifacts.declared("one", Role.BUNDLE, tmp_path) == "models/one"


def test_what_a_lock_does_not_record_is_none() -> None:
    assert artifacts.bundle({}, "a") is artifacts.test_table({}, "a") is None
    own = {"train": Entry(outs={"models/b": "1.dir", "m/train.json": "2"})}
    assert artifacts.bundle(own, "a") is None
    assert artifacts.metrics(own) == {"train": "m/train.json"}
    assert artifacts.learned(own, "a") == []


def test_bundles_among_the_outs_of_a_revision() -> None:
    md5 = "a" * 32 + ".dir"
    model = Out("dvc.lock", "train@toy", "models/toy", md5)
    other = Out("dvc.lock", "train@toy", "models/toy.log", md5)
    plain = Out("dvc.lock", "train", "models/toy", md5)
    kept = Out("dvc.lock", "train@a", "models/a", md5, cached=False)
    assert artifacts.by_usecase([other, model, plain, kept], Role.BUNDLE) == {"toy": model}
