"""Whether more would pay: the word of a gain, subsets of rows, expected best, a grid of trials."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from plumbline.core.errors import PlumblineError, SpecError
from plumbline.metrics.bootstrap import Estimate
from plumbline.studies import gains
from plumbline.studies.learning_curve import subsets
from plumbline.tune import grid, space
from tests.boosting import parcels

NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "low", "high", "word"),
    [
        (0.02, 0.01, 0.03, "pays"),
        (0.02, -0.01, 0.03, "cannot tell"),
        (0.02, 0.0, 0.03, "cannot tell"),
        (0.005, 0.001, 0.03, "cannot tell"),
        (0.002, -0.004, 0.006, "too little"),
        (0.002, 0.001, 0.006, "too little"),
        (-0.02, -0.03, -0.01, "too little"),
        (0.02, NAN, NAN, "cannot tell"),
    ],
)
def test_a_gain_pays_only_beyond_noise_and_margin(
    value: float, low: float, high: float, word: str
) -> None:
    assert gains.judged(Estimate(value, low, high), 0.8, 0.01).word == word


def test_the_expected_best_is_the_mean_over_all_draws() -> None:
    figures = np.array([0.3, 0.1, 0.7, 0.2, 0.5, 0.5])
    for count in range(1, 7):
        every = [max(one) for one in combinations(figures.tolist(), count)]
        assert gains.expected_best(figures, count) == pytest.approx(np.mean(every))


def test_trials_gain_only_beyond_the_noise_of_seeds() -> None:
    figures = np.linspace(0.5, 0.9, 12)
    plain, noisy = (gains.of_trials(figures, 0.95, 7, noise) for noise in (0.0, 0.5))
    assert 0 < plain.low <= plain.value <= plain.high
    assert noisy.low < 0 < noisy.high
    assert math.isnan(gains.of_trials(figures[:4], 0.95, 7, 0.0).low)


def test_the_latest_days_and_no_others() -> None:
    at = np.datetime64("2025-01-01", "us") + np.arange(80) * np.timedelta64(6, "h")
    rows = subsets.latest(at, 0.25)
    assert np.flatnonzero(rows).tolist() == list(range(60, 80))
    assert subsets.latest(at, 1.0).all()


def test_a_share_of_entities_is_whole_entities_and_grows() -> None:
    ids = np.repeat(np.arange(400), 5)
    small, large = (subsets.of_entities(ids, share, 3) for share in (0.25, 0.5))
    assert (large | ~small).all()
    for rows, share in ((small, 0.25), (large, 0.5)):
        assert (
            rows.reshape(400, 5).all(axis=1).mean() == rows.mean() == pytest.approx(share, abs=0.07)
        )
    assert not np.array_equal(small, subsets.of_entities(ids, 0.25, 4))


def test_the_entity_is_named_or_the_first_one() -> None:
    assert subsets.entity(parcels(), None) == ("sender", "sender")
    assert subsets.entity(
        parcels(entities=(), snapshots=(), rows=(), features=("height",)), None
    ) == (
        "rows",
        "number",
    )
    with pytest.raises(SpecError, match="did you mean 'sender'"):
        subsets.entity(parcels(), "sendr")


SPACE = space.parse(
    {
        "eta": {"loguniform": [0.01, 1.0]},
        "max_depth": {"int": [2, 5]},
        "subsample": {"uniform": [0.5, 1.0]},
        "grow_policy": {"choice": ["depthwise", "lossguide"]},
    }
)


@pytest.mark.parametrize("count", [1, 2, 5, 8, 16, 17, 36, 100])
def test_a_grid_has_as_many_points_as_trials_each_once(count: int) -> None:
    points = grid.points(SPACE, count, seed=3)
    assert len({tuple(sorted(p.items())) for p in points}) == len(points) == count
    for name, low, high in (("eta", 0.01, 1.0), ("subsample", 0.5, 1.0), ("max_depth", 2, 5)):
        values = [p[name] for p in points]
        assert low <= min(values) <= max(values) <= high
    assert points == grid.points(SPACE, count, seed=3)


def test_a_full_grid_is_even() -> None:
    points = grid.points(SPACE[:1], 4, seed=1)
    assert SPACE[0].name == "eta"
    assert [p["eta"] for p in points] == pytest.approx(
        [10**-1.75, 10**-1.25, 10**-0.75, 10**-0.25], rel=1e-5
    )
    whole = grid.points(SPACE, 16, seed=1)
    for name in (d.name for d in SPACE):
        kinds, counts = np.unique([str(p[name]) for p in whole], return_counts=True)
        assert (len(kinds), set(counts.tolist())) == (2, {8}), name


def test_a_space_of_few_settings_is_tried_once_each() -> None:
    few = space.parse({"max_depth": {"int": [2, 4]}})
    assert [p["max_depth"] for p in grid.points(few, 10, seed=1)] == [2, 3, 4]


def test_all_events_have_no_shares() -> None:
    from plumbline.core.declarations import Entity

    case = parcels(
        entities=(Entity("sender", "sender", "who"), Entity("all", None, "every parcel"))
    )
    with pytest.raises(PlumblineError, match="it is all events, of which there is no share"):
        subsets.entity(case, "all")
