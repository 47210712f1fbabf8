"""Around the best: which values are tried, how flat it is, and the rank correlation with the trials."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.studies.sensitivity import points
from plumbline.tune import space

SPACE = space.parse(
    {
        "eta": {"loguniform": [0.01, 1.0]},
        "grow_policy": {"choice": ["depthwise", "lossguide"]},
        "max_depth": {"int": [2, 9]},
        "subsample": {"uniform": [0.5, 1.0]},
    }
)
BEST = {"eta": 0.1, "grow_policy": "lossguide", "max_depth": 3, "subsample": 0.8}


def tried(words: dict) -> list[tuple]:
    return list(words.items())


def test_values_lie_as_the_search_draws_them():
    result = {d.name: points.values(d, 3) for d in SPACE}
    assert result == {
        "eta": pytest.approx([0.01, 0.1, 1.0]),
        "grow_policy": ["depthwise", "lossguide"],
        "max_depth": [2, 6, 9],
        "subsample": pytest.approx([0.5, 0.75, 1.0]),
    }


@pytest.mark.mltest("Model 3")
def test_one_setting_is_changed_and_the_best_is_not_tried_again():
    plan = points.plan(SPACE, BEST, 8)
    assert {name for name, _ in plan} == set(BEST)
    assert ("grow_policy", "depthwise") in plan
    assert not [p for p in plan if BEST[p[0]] == p[1]]


def test_flat_runs_from_the_best_until_something_is_lost():
    words = {2: "worse", 4: "within noise", 6: "within noise", 8: "worse", 9: "within noise"}
    result = points.flat(tried(words), 5)
    assert result.plain() == {"share": pytest.approx(4 / 6), "from": 4, "to": 6}


@pytest.mark.mltest("Model 3")
def test_a_sharp_optimum_is_not_flat():
    assert points.flat(tried({2: "worse", 4: "worse"}), 3).plain() == {
        "share": 1 / 3,
        "from": 3,
        "to": 3,
    }


def test_words_have_no_range():
    result = points.flat(tried({"depthwise": "within noise"}), "lossguide")
    assert result.plain() == {"share": 1.0, "values": ["depthwise", "lossguide"]}


def test_rank_correlation_is_scipys_with_ties():
    from scipy import stats

    one, other = np.random.default_rng(1).integers(0, 6, (2, 40)).tolist()
    assert points.rank_correlation(one, other) == pytest.approx(stats.spearmanr(one, other)[0])


@pytest.mark.parametrize(("one", "other"), [([1, 2], [1, 2]), ([3, 3, 3], [1, 2, 3])])
def test_too_few_or_a_constant_have_none(one: list, other: list):
    assert points.rank_correlation(one, other) is None
