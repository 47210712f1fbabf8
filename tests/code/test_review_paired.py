"""Two models on the same rows: what is better, worse, and noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from plumbline.evaluate.evidence import LabelledWindow
from plumbline.metrics.bootstrap import Estimate
from plumbline.review import paired, paired_words
from plumbline.review.paired import Noise, Scored
from tests.small import SMALL

N = 2000
RANDOM = np.random.default_rng(1)
LABEL = (RANDOM.random(N) < 0.2).astype(float)
DAY = np.datetime64("2025-01-01") + np.arange(N) % 20
GOOD = np.clip(0.2 + 0.4 * LABEL + 0.1 * RANDOM.standard_normal(N), 0.01, 0.99)
BAD = np.clip(GOOD + 0.4 * RANDOM.standard_normal(N), 0.01, 0.99)
WINDOW = LabelledWindow("classification", LABEL, DAY, replicates=100, level=0.95, seed=7)
HALVES = {"half": {"first": np.arange(N) < N // 2, "second": np.arange(N) >= N // 2}}


@pytest.mark.capability("I2")
def test_a_worse_model_is_worse_overall_and_by_slice() -> None:
    result = paired.compared(WINDOW, Scored(GOOD, 0.4), Scored(BAD, 0.5), HALVES, Noise(0.01))
    report = result.metrics["average_precision"]
    assert report.difference.word == "worse"
    assert report.difference.value == pytest.approx(report.head - report.base, rel=1e-3)
    assert {g.difference.word for g in result.slices["half"].values()} == {"worse"}
    assert result.slices["half"]["first"].rows == N // 2
    back = paired.compared(WINDOW, Scored(BAD, 0.5), Scored(GOOD, 0.4), HALVES, Noise(0.01))
    assert back.metrics["average_precision"].difference.word == "better"


@pytest.mark.capability("I2")
def test_the_same_model_is_within_noise_everywhere() -> None:
    result = paired.compared(WINDOW, Scored(GOOD, 0.4), Scored(GOOD, 0.4), {}, Noise(0.0))
    assert {m.difference.word for m in result.metrics.values()} == {"within noise"}
    assert {m.difference.value for m in result.metrics.values()} == {0.0}


def test_a_bias_is_judged_by_its_size() -> None:
    window = replace(WINDOW, problem="regression")
    pair = Scored(LABEL - 0.2, None), Scored(LABEL + 0.1, None)
    result = paired.compared(window, *pair, {}, Noise(0.0))
    assert result.metrics["bias"].difference.word == "better"
    assert result.metrics["mae"].difference.word == "better"


def test_what_other_seeds_do_widens_the_interval() -> None:
    """The same two models: apart where the seed moves nothing, within noise where it moves much."""
    moved = [np.clip(GOOD + shift * (LABEL - 0.5), 0.01, 0.99) for shift in (-0.3, 0.0, 0.3)]
    pair = Scored(BAD, 0.5), Scored(GOOD, 0.4)
    still, wild = ([Scored(s, 0.4) for s in some] for some in ([GOOD] * 3, moved))
    words, widths = [], []
    for again in ((), still, wild):
        result = paired.compared(WINDOW, *pair, HALVES, Noise(0.0, again))
        report = result.metrics["average_precision"].difference
        words.append([report.word, result.slices["half"]["first"].difference.word])
        widths.append(report.high - report.low)
        assert report.low <= report.value <= report.high
    assert words == [["better"] * 2, ["better"] * 2, ["within noise"] * 2]
    assert widths[0] == pytest.approx(widths[1], rel=1e-5)
    assert widths[2] > 2 * widths[0]


def test_where_seeds_are_known_the_margin_is_not_used() -> None:
    pair = Scored(BAD, 0.5), Scored(GOOD, 0.4)
    words = {
        count: paired.compared(WINDOW, *pair, {}, Noise(100.0, [Scored(GOOD, 0.4)] * count))
        .metrics["average_precision"]
        .difference.word
        for count in (0, 1, 2)
    }
    assert words == {0: "within margin", 1: "within margin", 2: "better"}


def test_two_runs_differ_by_their_seeds_so_far_one_time_in_twenty() -> None:
    """The rate of false alarms, over runs whose figures are normal."""
    runs = np.random.default_rng(3).standard_normal((4000, 8))
    apart = np.abs(runs[:, 0] - runs[:, 1])
    message = [paired.spread(rest, 0.95) for rest in runs[:, 2:]]
    assert np.mean(apart > np.array(message)) == pytest.approx(0.05, abs=0.01)
    assert paired.spread(np.array([1.0, np.nan]), 0.95) is None


def test_an_unstable_head_lends_base_nothing() -> None:
    """Two stable runs: the half-width is of both sides' variances, not twice head's."""
    calm, wild = np.array([1.0, 1.1, 0.9, 1.0, 1.0]), np.array([0.0, 2.0, 1.0, 3.0, -1.0])
    both, twice = paired.spread(wild, 0.95, calm), paired.spread(wild, 0.95)
    assert both is not None
    assert twice is not None
    assert both == pytest.approx(twice / np.sqrt(2), rel=0.02)
    assert paired.spread(calm, 0.95, wild) == pytest.approx(both)


def test_below_the_margin_is_not_called_noise() -> None:
    certain = Estimate(-0.004, -0.005, -0.003)
    assert paired_words.word("average_precision", certain, 0.5, 0.01) == "within margin"
    assert paired_words.word("average_precision", certain, 0.5, 0.001) == "worse"
    nothing = Estimate(float("nan"), float("nan"), float("nan"))
    assert paired_words.word("mae", nothing, float("nan"), 0.01) == "within noise"


def test_common_rows_keep_the_window_s_order() -> None:
    own, theirs = paired.common(np.array(["c", "a", "x"]), np.array(["a", "b", "c"]))
    assert (own.tolist(), theirs.tolist()) == ([0, 1], [2, 0])
    assert paired.common(np.array([1]), np.array([2]))[0].tolist() == []
    assert paired.take({"k": np.array([5, 6])}, np.array([1]))["k"].tolist() == [6]


def test_a_slice_whose_column_is_gone_is_left_out() -> None:
    assert paired.groups(SMALL, {}) == {}
