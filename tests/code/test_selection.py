"""Features that do not earn their cost are left out: of the model, and of nothing else."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plumbline.core import documents
from plumbline.core.errors import ParamsError
from plumbline.model import bundle, manifest, tune_result
from plumbline.model.tune_result import TuneResult
from plumbline.review import metadata_diff
from plumbline.tune import elimination, search
from stages import train as train_stage
from stages import tune as stage
from tests.boosting import FEATURES, events, parcels
from tests.code.test_train import turn
from tests.code.test_tune import project

WORTH = {"a": 0.3, "b": 0.0, "c": 0.002, "d": 0.05, "e": -0.01}


def selection(max_fits: int = 100, higher: bool = True, **costs: float) -> Any:
    """Among features that each add their worth to the metric, and nothing to each other's."""
    fits: list[tuple[str, ...]] = []

    def fit(features: tuple[str, ...]) -> tuple[float, Mapping[str, float]]:
        fits.append(features)
        figure = 0.5 + sum(WORTH[name] for name in features)
        return (figure if higher else 2 - figure), {n: abs(WORTH[n]) for n in features}

    result = elimination.eliminate(
        tuple(WORTH),
        fit,
        lambda name: costs.get(name, 0.01),
        higher_is_better=higher,
        max_fits=max_fits,
    )
    assert result.fits == len(fits) <= max_fits
    return result


@pytest.mark.capability("E12")
@pytest.mark.parametrize("higher", [True, False])
def test_what_does_not_earn_its_cost_goes(higher: bool) -> None:
    result = selection(higher=higher)
    assert result.kept == ["a", "d"]
    assert sorted(result.dropped) == ["b", "c", "e"]
    assert [one.name for one in result.tried] == ["b", "c", "e", "d", "a"], "the least used first"
    assert {one.name: one.earned for one in result.tried} == pytest.approx(WORTH)
    assert result.fits == 6


def test_a_cost_of_its_own_keeps_or_drops_a_feature() -> None:
    assert selection(c=0.0).kept == ["a", "c", "d"]
    assert selection(d=0.5).kept == ["a"]


def test_one_feature_stays_and_what_is_not_tried_stays() -> None:
    assert selection(**dict.fromkeys(WORTH, 0.9)).kept == ["a"]
    few = selection(max_fits=3)
    assert few.kept == ["a", "d", "e"]
    assert len(few.tried) == 2


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose label hangs on two of the four features."""
    project(tmp_path, monkeypatch, select={"cost": 0.02}, max_evals=2)
    turn(monotone={"height": 1, "sender_mean_7d": 0})
    return tmp_path


def run() -> tuple[TuneResult, bundle.Bundle]:
    pair = Path("train.parquet"), Path("valid.parquet")
    stage.main("parcels", *pair, Path("tune.json"), Path("tune"))
    train_stage.main("parcels", *pair, Path("tune.json"), Path("model"))
    return documents.read(TuneResult, Path("tune.json")), bundle.load(Path("model"), "parcels")


@pytest.mark.capability("E12")
def test_the_bundle_takes_the_kept_features_and_scores_raw_events(folder: Path) -> None:
    tuned, built = run()
    assert tuned.selection is not None
    assert "sender_mean_7d" in tuned.dropped
    assert {"height", "kind_code"} <= set(tuned.selection.kept)
    assert built.features == tuple(n for n in FEATURES if n not in tuned.dropped)
    assert built.manifest.dropped == tuple(tuned.dropped)
    assert set(built.manifest.kinds) == set(built.features)
    assert built.manifest.definitions == manifest.definitions(parcels())
    raw = {n: v[:50] for n, v in events(5, 200).items()}
    known = {c.name: raw[c.name] for c in parcels().known} | {
        "sender_mean_7d": raw["sender_mean_7d"]
    }
    assert np.array_equal(built.score(parcels(), known), built.predict(raw))
    rows = list(csv.DictReader((folder / "tune" / "selection.csv").read_text().splitlines()))
    assert [row["feature"] for row in rows] == [one.name for one in tuned.selection.tried]
    assert tuned.selection.fits == len(rows) + 1


def test_the_test_window_is_not_there_and_bytes_repeat(folder: Path) -> None:
    assert not list(folder.rglob("test.parquet"))
    run()
    before = [path.read_bytes() for path in (folder / "tune.json", folder / "model/bundle.json")]
    run()
    assert before == [p.read_bytes() for p in (folder / "tune.json", folder / "model/bundle.json")]


def test_without_it_nothing_is_written_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path, monkeypatch, max_evals=1)
    tuned, _ = run()
    assert tuned.selection is None
    assert "selection" not in json.loads(Path("tune.json").read_text())
    assert "dropped" not in json.loads(Path("model/bundle.json").read_text())
    assert not Path("tune/selection.csv").exists()
    assert tune_result.without(parcels(), ()) == parcels()


def test_a_cost_of_no_feature_is_refused_before_any_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path, monkeypatch, select={"costs": {"heigth": 0.1}})
    monkeypatch.setattr(search, "search", pytest.fail)
    text = r"parcels\.tune\.select\.costs\.heigth: no feature of the model; did you mean 'height'"
    with pytest.raises(ParamsError, match=text):
        run()
    assert not Path("tune.json").exists()


def test_the_comparison_names_what_left_the_model() -> None:
    catalog = {"features": [{"name": n, "in_model": n != "d"} for n in "abcd"]}
    tried = [
        {"name": "b", "earned": 0.0, "kept": False},
        {"name": "c", "earned": 1.0, "kept": True},
    ]
    base = {"features": catalog, "tune": {}}
    head = {"features": catalog, "tune": {"selection": {"tried": tried}}}
    assert metadata_diff.features(base, head).left == ["b"]
    back = metadata_diff.features(head, base)
    assert (back.left, back.joined) == ([], ["b"])
    assert metadata_diff.features(head, head).left == []
