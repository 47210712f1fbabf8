"""Figures beside baselines, paired; by group and by month."""

from __future__ import annotations

import math

import numpy as np
import pytest

from plumbline.core.documents import rounded
from plumbline.evaluate import evidence
from plumbline.metrics import metrics
from plumbline.metrics.bootstrap import Estimate

RANDOM = np.random.default_rng(9)
ROWS = 1_200
DAY = np.datetime64("2025-01-20") + np.sort(RANDOM.integers(0, 24, ROWS))
LABEL = RANDOM.normal(size=ROWS)
LEVEL = RANDOM.normal(size=24)[(DAY - DAY[0]).astype(int)]  # days differ a lot
OTHER = LABEL + 3 + LEVEL
MODEL = LABEL + 2.9 + LEVEL  # nearer by 0.1 on nearly every row


def window(**changes: object) -> evidence.LabelledWindow:
    request = {
        "problem": "regression",
        "label": LABEL,
        "day": DAY,
        "replicates": 200,
        "level": 0.95,
    }
    return evidence.LabelledWindow(**{**request, "seed": 4, **changes})


def test_differences_are_paired():
    result = evidence.compare(window(), MODEL, {"linear": OTHER}, {"linear": "probability"})
    apart = result.differences["linear"]
    assert apart.value == pytest.approx(-0.1, abs=0.01)
    assert apart.high - apart.low < 0.01  # each one's own interval is some 0.8 wide
    assert result.model["mae"].high - result.model["mae"].low > 0.3
    assert result.words == {"linear": "better"}


def test_the_difference_is_model_minus_baseline():
    result = evidence.compare(window(), OTHER, {"linear": MODEL}, {"linear": "probability"})
    assert result.differences["linear"].value > 0
    assert result.words == {"linear": "worse"}


def test_a_model_against_itself_is_noise():
    result = evidence.compare(window(), MODEL, {"linear": MODEL}, {"linear": "probability"})
    assert result.differences["linear"] == Estimate(0, 0, 0)
    assert result.words == {"linear": "within noise"}


@pytest.mark.parametrize(
    ("kind", "there", "absent"),
    [
        ("model", {"roc_auc", "log_loss", "cost"}, set()),
        ("probability", {"roc_auc", "log_loss"}, {"cost"}),
        ("ranking", {"roc_auc"}, {"log_loss", "cost"}),
    ],
)
def test_a_score_is_judged_for_what_it_is(kind: str, there: set[str], absent: set[str]):
    label = (LABEL > 1).astype(float)
    money = metrics.Money(np.ones(ROWS), 1.0)
    request = window(problem="classification", label=label, threshold=0.5, money=money)
    result = set(evidence.figures(request, 1 / (1 + np.exp(-LABEL)), request.sample(), kind))
    assert there <= result
    assert not absent & result


def test_a_group_s_figure_is_its_rows_alone():
    rows = LABEL > 0
    result = evidence.by_group(window(), MODEL, {"up": rows, "down": ~rows})
    assert result["up"].value == pytest.approx(np.abs(MODEL - LABEL)[rows].mean())
    assert result["down"].value == pytest.approx(np.abs(MODEL - LABEL)[~rows].mean())
    assert result["up"].low < result["up"].value < result["up"].high


def test_by_month_draws_the_month_s_own_days():
    months = {m: DAY.astype("datetime64[M]") == np.datetime64(m) for m in ("2025-01", "2025-02")}
    result = evidence.by_month(window(), MODEL, {"naive": OTHER}, months)
    for month, rows in months.items():
        request = window(label=LABEL[rows], day=DAY[rows])
        alone = evidence.compare(request, MODEL[rows], {"naive": OTHER[rows]}, {"naive": "ranking"})
        assert result[month].value == rounded(alone.model["mae"].value)
        assert result[month].low == rounded(alone.model["mae"].low)
        assert result[month].rows == rows.sum()
        assert result[month].differences["naive"].word == "better"
        assert result[month].differences["naive"].high < 0


def test_a_difference_is_relative_to_the_baseline():
    result = evidence.difference(Estimate(-1.5, -2, -1), 15.0, "better")
    assert result.plain() == {
        "value": -1.5,
        "low": -2,
        "high": -1,
        "relative": -0.1,
        "word": "better",
    }
    assert math.isnan(evidence.difference(Estimate(1, 0, 2), 0.0, "within noise").relative)


def test_a_plain_table_draws_rows():
    assert window(day=None).sample().draws.shape == (ROWS, 201)
    assert window().sample().draws.shape == (24, 201)
