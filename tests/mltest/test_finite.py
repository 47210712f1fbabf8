"""Monitor 5: no infinity goes into a model, in training or in serving, and no NaN or infinity comes out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from plumbline.core import row_features
from plumbline.core.errors import BundleError, PlumblineError
from plumbline.model import bundle, calibration
from plumbline.model.bundle import Bundle
from tests.boosting import FEATURES, events, parcels
from tests.code.test_training import fit
from tests.mltest.bundles import saved

pytestmark = pytest.mark.mltest("Monitor 5")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return bundle.load(saved(tmp_path_factory.mktemp("model")))


@pytest.mark.parametrize("bad", [np.inf, -np.inf, 1e300])
def test_infinity_is_refused_with_its_feature(model: Bundle, bad: float) -> None:
    columns = events(3, 10)
    columns["height_over_mean"] = columns["height_over_mean"].copy()
    columns["height_over_mean"][4] = bad
    fault = "is infinite" if np.isinf(bad) else "is too large for the model"
    with pytest.raises(PlumblineError, match=f"'height_over_mean' {fault} in 1 of 10 rows"):
        model.predict(columns)


def test_a_division_by_nothing_is_refused_in_a_raw_request(model: Bundle) -> None:
    columns = events(3, 5)
    raw = {n: columns[n] for n in ("number", "at", "sender", "height", "kind", "worth")}
    with (
        np.errstate(divide="ignore"),
        pytest.raises(PlumblineError, match="'height_over_mean' is infinite in 5 of 5 rows"),
    ):
        model.score(parcels(), {**raw, "sender_mean_7d": np.full(5, -1.0)})


def test_training_refuses_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.boosting.events", lambda seed, n: _broken(events(seed, n)))
    with pytest.raises(PlumblineError, match="'sender_mean_7d' is infinite in 1 of"):
        fit(tmp_path, "classification")


def _broken(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    columns["sender_mean_7d"][3] = np.inf
    return columns


def test_a_missing_value_is_none() -> None:
    columns = {**events(3, 3), "height": np.array([1.0, np.nan, 3.0])}
    assert np.isnan(row_features.matrix(FEATURES, columns)).sum() == 1


@pytest.mark.parametrize("kind", ["platt", "isotonic", "none"])
def test_answers_are_finite_wherever_the_inputs_lie(model: Bundle, kind: str) -> None:
    columns = events(3, 400)
    extreme = np.array([0.0, -3e38, 3e38, np.nan, 1e-45])
    columns["height"] = np.resize(extreme, 400)
    columns["sender_mean_7d"] = np.repeat(extreme, 80)
    score = np.linspace(0, 1, 400)
    fitted = calibration.fit(kind, score, (score > 0.5).astype(np.float64))
    answer = replace(model, calibration=fitted).predict(columns)
    assert np.isfinite(answer).all()
    assert ((answer >= 0) & (answer <= 1)).all()


def test_a_model_that_answers_nonsense_is_refused(
    model: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nonsense(fitted: object, score: np.ndarray) -> np.ndarray:
        return np.where(np.arange(len(score)) < 2, np.nan, score)

    monkeypatch.setattr(calibration, "apply", nonsense)
    with pytest.raises(BundleError, match="2 of 20 answers are no finite number; do not serve it"):
        model.predict(events(3, 20))
