"""Counts by unit give what a pass over the rows gives, to the bit; merged ties keep the figures within their bound."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from plumbline.metrics import bootstrap, ranking
from plumbline.metrics.bootstrap import Array

RANDOM = np.random.default_rng(5)
MEASURES = (
    ranking.average_precision,
    ranking.roc_auc,
    partial(ranking.recall_at_false_alarm, rate=0.01),
)


def scored(rows: int, share: float, digits: int) -> tuple[Array, Array]:
    label = (RANDOM.random(rows) < share).astype(float)
    return label, np.round(0.3 * label + 0.7 * RANDOM.random(rows), digits)


@pytest.mark.parametrize("share", [0.0, 0.004, 0.3, 1.0])
@pytest.mark.parametrize(("rows", "digits", "days"), [(1, 2, 1), (300, 1, 7), (20_000, 9, 28)])
def test_counts_by_unit_equal_a_pass_over_the_rows(
    rows: int, digits: int, days: int, share: float, monkeypatch: pytest.MonkeyPatch
):
    ranked = ranking.ranking(*scored(rows, share, digits))
    day = RANDOM.integers(0, days, rows).astype("datetime64[D]")
    sample = bootstrap.resample(bootstrap.units(rows, day), 30, seed=2)
    monkeypatch.setattr(ranking, "CELLS", 1000)  # several blocks
    figures = []
    for dense in (0, 10**9):
        monkeypatch.setattr(ranking, "DENSE", dense)
        figures.append(ranking.figures(ranked, sample, *MEASURES))
    np.testing.assert_array_equal(*figures)


@pytest.mark.parametrize("share", [0.02, 0.5])
def test_merged_ties_keep_the_average_precision_within_the_bound(
    share: float, monkeypatch: pytest.MonkeyPatch
):
    label, score = scored(60_000, share, 12)
    exact = ranking.average_precision(_whole(label, score))
    for most in (50, 500):
        monkeypatch.setattr(ranking, "MOST_GROUPS", most)
        merged = _whole(label, score)
        assert len(merged.through) <= most
        assert abs(ranking.average_precision(merged) - exact) <= (np.log(most) + 1) / most
        assert merged.through[-1] - merged.hits_through[-1] <= merged.negatives
        assert merged.hits_through[-1] == merged.positives == label.sum()


def _whole(label: Array, score: Array) -> ranking.Curve:
    return ranking.curve(ranking.ranking(label, score), np.ones(len(label), np.int64))
