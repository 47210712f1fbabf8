"""Explanations hold between seeds; where a model is noise, they are seen not to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench import explanations as bench
from plumbline.studies.backtest import refit
from tests import studies
from tests.boosting import events, parcels, tuned

CASE = parcels()
PARAMS = studies.params()


def study(shuffled: bool) -> dict:
    train = events(1, 2_000)
    given = {"eta": 0.3, "max_depth": 3, "subsample": 0.5, "colsample_bytree": 0.5}
    if shuffled:
        train["broken"] = np.random.default_rng(1).permutation(train["broken"])
    full = refit.settings(CASE, PARAMS, tuned(given))
    return bench.study(CASE, PARAMS, full, train, events(2, 800), events(3, 500), [1, 2, 3, 4, 5])


@pytest.mark.capability("I9")
def test_five_seeds_agree(tmp_path: Path):
    result = study(shuffled=False)
    assert result["rank_correlation"]["least"] >= 0.7
    assert result["top_overlap"]["mean"] >= 0.8
    assert np.array(result["size"]).shape == (5, 4)
    bench.draw(tmp_path / "a.png", "A", result)
    assert (tmp_path / "a.png").stat().st_size


def test_noise_has_no_stable_explanation():
    result = study(shuffled=True)
    assert result["rank_correlation"]["mean"] < study(shuffled=False)["rank_correlation"]["mean"]


def test_overlap_counts_shared_features():
    one = np.array([[3.0, -2.0, 1.0, 0.0], [3.0, -2.0, 1.0, 0.0]])
    other = np.array([[1.0, -2.0, 3.0, 0.0], [0.0, -2.0, 1.0, 5.0]])
    assert bench.overlap(one, other) == pytest.approx((1 + 2 / 3) / 2)
