"""Infra 2: the training code learns: the loss falls, ten rows are learnt by heart, a saved model goes on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import xgboost

from plumbline.model import boosting
from plumbline.model.boosting import Batch, Batches
from tests.code.test_training import matrices

pytestmark = pytest.mark.mltest("Infra 2")


def losses(booster: xgboost.Booster, data: xgboost.DMatrix) -> list[float]:
    """Log loss after each round."""
    label, result = data.get_label(), []
    for rounds in range(1, booster.num_boosted_rounds() + 1):
        chance = np.clip(booster.predict(data, iteration_range=(0, rounds)), 1e-7, 1 - 1e-7)
        result.append(float(-np.mean(np.log(np.where(label == 1, chance, 1 - chance)))))
    return result


def test_the_loss_falls_round_by_round(tmp_path: Path) -> None:
    settings, train, valid = matrices(tmp_path, "classification")
    boosted = boosting.boost(settings, train, valid, rounds=15, early_stopping=15)
    result = losses(boosted.booster, train)
    assert len(result) >= 5
    assert all(b < a for a, b in pairwise(result))
    assert result[-1] < 0.75 * result[0]


def test_ten_rows_are_learnt_by_heart() -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=(10, 3)).astype(np.float32)
    y = np.array([0, 1] * 5, np.float32)

    def read() -> Iterator[Batch]:
        yield Batch(x, y)

    given = {"max_depth": 6, "min_child_weight": 0, "lambda": 0, "eta": 0.5, "max_bin": 64}
    settings = boosting.settings("classification", given, seed=1, threads=1)
    data = boosting.binned(Batches(("a", "b", "c"), read), max_bin=64, threads=1)
    boosted = boosting.boost(settings, data, data, rounds=60, early_stopping=60)
    assert boosting.score("classification", boosted, data) == 1.0
    whole = xgboost.train(settings, data, 60)
    assert np.abs(whole.predict(data) - y).max() < 0.05


def test_a_saved_model_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    given, train, valid = matrices(tmp_path, "classification")
    settings = {**given, "eta": 0.1}
    whole = boosting.boost(settings, train, train, rounds=10, early_stopping=99)
    half = boosting.boost(settings, train, train, rounds=5, early_stopping=99)
    half.booster.save_model(tmp_path / "half.ubj")
    restarted = xgboost.Booster(model_file=tmp_path / "half.ubj")
    left = whole.rounds - half.rounds
    on = xgboost.train(settings, train, left, xgb_model=restarted)
    assert half.rounds < whole.rounds
    assert np.array_equal(on.predict(valid), whole.booster.predict(valid))


def test_what_it_learnt_beats_a_constant(tmp_path: Path) -> None:
    settings, train, valid = matrices(tmp_path, "classification")
    boosted = boosting.boost(settings, train, valid, rounds=40, early_stopping=5)
    rate = float(np.mean(valid.get_label()))
    assert boosting.score("classification", boosted, valid) > 2 * rate
