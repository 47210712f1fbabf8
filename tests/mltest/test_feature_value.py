"""Data 2: a feature stays only where it beats columns of noise; one that does not is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from plumbline.__main__ import main
from plumbline.model import boosting
from plumbline.model.manifest import definitions
from plumbline.studies.feature_value import shadow_features, study
from plumbline.studies.feature_value.feature_value_document import FeatureCosts, Yardsticks
from plumbline.studies.feature_value.shadow_features import (
    FeatureContribution,
    TrainingSettings,
    TrainingWindow,
)
from tests.boosting import FEATURES, events, parcels
from tests.conftest import ROOT
from tests.mltest import recorded
from usecases.card_fraud import model as card_fraud

pytestmark = pytest.mark.mltest("Data 2")
COSTS = FeatureCosts({}, {}, Yardsticks(row=1.0, request=1.0))


def table(seed: int, rows: int) -> TrainingWindow:
    columns = events(seed, rows)
    x = np.stack([columns[f] for f in FEATURES], axis=1).astype(np.float32)
    return TrainingWindow(x, columns["broken"].astype(np.float32))


@pytest.fixture(scope="module")
def runs() -> list[tuple[dict[str, FeatureContribution], list[FeatureContribution]]]:
    """Three trainings beside four shadows; a parcel's sender says nothing of whether it breaks."""
    full = boosting.settings("classification", {"max_depth": 4}, seed=1, threads=1)
    request = TrainingSettings("classification", full, 40, 10)
    pair = table(1, 4_000), table(2, 2_000)
    return [shadow_features.once(FEATURES, *pair, request, 4, seed) for seed in range(3)]


def test_what_says_nothing_does_not_earn(runs: list) -> None:
    result = {line.name: line for line in study.lines(parcels(), runs, COSTS)}
    assert not result["sender_mean_7d"].earns
    assert result["height"].earns
    assert result["kind_code"].earns
    assert result["height"].won == result["kind_code"].won == 3
    assert result["height"].loss > 0.1 > abs(result["sender_mean_7d"].loss)
    assert sum(line.gain for line in result.values()) == pytest.approx(1)


def test_one_shadow_that_brings_more_is_enough(runs: list) -> None:
    for brought, noise in runs:
        assert len(noise) == 4
        most = max(s.gain for s in noise)
        better = {**brought, "sender_mean_7d": FeatureContribution(most * 0.99, 0.0)}
        lines = study.lines(parcels(), [(better, noise)], COSTS)
        assert "sender_mean_7d" in [f.name for f in lines if not f.earns]


def test_shadows_are_the_same_values_in_another_order() -> None:
    built = shadow_features._beside(table(1, 500), np.array([0, 2]), np.random.default_rng(1))
    assert built.x.shape == (500, 6)
    for shadow, feature in ((4, 0), (5, 2)):
        assert not np.array_equal(built.x[:, shadow], built.x[:, feature])
        assert np.array_equal(np.sort(built.x[:, shadow]), np.sort(built.x[:, feature]))


@pytest.mark.capability("C31")
def test_every_feature_of_card_fraud_earns() -> None:
    result = recorded.read(
        "card_fraud", "feature_value", train="data/card_fraud/tables/train.parquet"
    )
    if result["of"]["model"] != definitions(card_fraud.USECASE):
        pytest.skip(f"of other features: {recorded.REMEDY}")
    assert [f["name"] for f in result["features"] if not f["earns"]] == []
    assert {f["name"] for f in result["features"]} == set(card_fraud.USECASE.features)
    assert result["seeds"] >= 3
    assert result["noise"] >= 5


def test_the_command_asks_for_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    assert main(["feature-value", "card_fraud", "--seeds", "0"]) == 2
    assert main(["feature-value", "card_fraud"]) == 2
    assert "no bundle here; run `dvc checkout`, or `dvc repro`" in capsys.readouterr().err
