"""Quality counts known labels only; a loss is an alert by the past periods' own spread."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.metrics import metrics
from plumbline.monitor import estimate, fit_binning, label_outcomes, label_tests
from plumbline.monitor import quality as known
from plumbline.monitor.window import ScoredWindow, labelled_weeks, scorable, window
from tests.shop import usecase
from tests.small import SMALL

LAST = np.datetime64("2025-06-30")
ROWS = 40
"""Rows per day."""


def window_of(days, last=LAST, *, error=1.0, unknown=0, seed=0):
    """A regression whose answers are off by `error`; the last `unknown` days have no label yet."""
    day = np.repeat(last - np.arange(days)[::-1], ROWS)
    random = np.random.default_rng(seed)
    label = random.normal(10, 3, len(day))
    score = label + error * random.choice([-1.0, 1.0], len(day))
    label = np.where(day > last - unknown, np.nan, label)
    return ScoredWindow({"x": label}, label, score, day, last)


def quality(past, now, problem="regression"):
    return known.change(problem, past, now, replicates=100, level=0.95, seed=1)


PAST = window_of(28, LAST - 14, seed=3)


@pytest.mark.mltest("Monitor 7")
def test_a_loss_is_positive_and_a_swap_turns_it():
    worse = quality(PAST, window_of(14, error=1.5))
    assert worse.loss.value == pytest.approx(0.5)
    assert worse.loss.low > 0
    assert worse.judged
    swapped = quality(window_of(14, error=1.5), PAST)
    assert swapped.loss.value == pytest.approx(-1 / 3)


@pytest.mark.mltest("Monitor 7")
def test_average_precision_loses_when_it_falls():
    past = window_of(28, LAST - 14)
    label = (past.label > 13).astype(float)
    sharp = ScoredWindow({}, label, past.label, past.day, past.last)
    blunt = ScoredWindow(
        {}, label, np.random.default_rng(0).random(len(label)), past.day, past.last
    )
    assert quality(sharp, blunt, "classification").loss.value > 0.3
    assert quality(blunt, sharp, "classification").loss.value < -0.3


@pytest.mark.mltest("Monitor 7")
def test_unknown_labels_do_not_count():
    now = window_of(21, unknown=7)
    assert now.labelled.sum() == 14 * ROWS
    result = quality(PAST, now)
    assert result.rows == (28 * ROWS, 14 * ROWS)
    assert result.values[1].value == pytest.approx(1.0)
    assert result.labels[1].value == pytest.approx(np.nanmean(now.label))


@pytest.mark.capability("K7")
def test_quality_is_of_whole_weeks_of_known_labels():
    known = labelled_weeks(window_of(14, unknown=3))
    assert (known.rows, known.last) == (7 * ROWS, LAST - 3)


def test_one_class_has_no_average_precision():
    one = ScoredWindow({}, np.zeros(50), np.zeros(50))
    assert "are all 0" in quality(one, one, "classification").why


@pytest.mark.capability("K7")
def test_by_week():
    weeks = list(known.by_week("regression", window_of(14, unknown=7), "current"))
    assert [str(w.first) for w in weeks] == ["2025-06-17", "2025-06-24"]
    assert [w.rows for w in weeks] == [7 * ROWS, 7 * ROWS]
    assert [w.labelled for w in weeks] == [7 * ROWS, 0]
    assert weeks[0].quality == pytest.approx(1.0)
    assert np.isnan(weeks[1].quality)
    assert list(known.by_week("regression", ScoredWindow({}, np.zeros(3), np.zeros(3)), "x")) == []


def test_window_of_a_table():
    times = np.array(["2025-06-29T23:59", "2025-06-30T00:00"], "datetime64[us]")
    table = {"at": times, "bad": np.array([1, 0]), "cents": np.array([5, 6])}
    whole = window(SMALL, table, np.zeros(2))
    assert (whole.last, whole.label.dtype) == (LAST, np.float64)
    assert window(SMALL, table, np.zeros(2), LAST + 3).last == LAST + 3
    assert np.isnan(window(SMALL, {"at": times}, np.zeros(2)).label).all()


def test_a_lost_column_is_scored_as_null():
    table = {"a": np.array([1, 2]), "b": np.array(["x", "y"], object), "c": np.zeros(2)}
    got = scorable(table, ("a", "b", "d"), 2)
    assert got["a"].tolist() == [1, 2]
    assert np.isnan(got["b"]).all()
    assert np.isnan(got["d"]).all()
    assert table["b"].tolist() == ["x", "y"]


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (window_of(7, unknown=7), "no label of the current window is known"),
        (window_of(3), "too few days"),
        (window_of(0), "no label of the current window is known"),
    ],
)
def test_nothing_to_tell(now, why):
    result = quality(PAST, now)
    assert why in result.why
    assert not result.judged


CASE = usecase()
BINNING = fit_binning.fit(CASE, {}, ScoredWindow({}, np.zeros(9), np.linspace(0, 1, 9), None, None))


def cases(rate, seed, rows=2_000, flip=0.0, unknown=False):
    """A day of calibrated scores and labels; `rate` times as many, a share `flip` of them elsewhere."""
    random = np.random.default_rng(seed)
    score = random.beta(0.3, 6, rows)
    truth = np.where(random.random(rows) < flip, score.mean(), score)
    label = (random.random(rows) < rate * truth).astype(float)
    label = np.full(rows, np.nan) if unknown else label
    return label_outcomes.outcome(BINNING, ScoredWindow({}, label, score, None, LAST))


PAST_OUTCOMES = [cases(1.0, seed) for seed in range(42)]


def findings_of(recent):
    return {(t.name, t.run): t for t in label_tests.tests("classification", PAST_OUTCOMES, recent)}


def test_an_outcome_holds_what_precision_needs():
    random = np.random.default_rng(0)
    score = random.beta(0.3, 6, 5_000)
    label = (random.random(5_000) < score).astype(float)
    whole = ScoredWindow({}, label, score, None, LAST)
    exact = metrics.average_precision(label, score)
    one = label_outcomes.outcome(BINNING, whole)
    assert label_outcomes.quality("classification", one) == pytest.approx(exact, abs=0.005)
    half = [label_outcomes.outcome(BINNING, whole.take(np.arange(5_000) % 2 == k)) for k in (0, 1)]
    pooled = label_outcomes.pool(half)
    assert (pooled.scores == one.scores).all()
    assert pooled.label == label.sum()


def test_labels_that_are_not_known_do_not_count():
    one = cases(1.0, 1, unknown=True)
    assert (one.known, one.maturity) == (0, 0.0)
    assert np.isnan(label_outcomes.quality("classification", one))
    assert estimate.known(one) is None


@pytest.mark.capability("K14")
@pytest.mark.mltest("Monitor 7")
def test_the_same_world_shows_no_loss():
    worst = [
        min(t.p for t in findings_of([cases(1.0, 100 * s + k) for k in range(7)]).values())
        for s in range(1, 9)
    ]
    assert sum(p < 1 / 30 / 4 for p in worst) <= 1


@pytest.mark.capability("K5", "K18")
def test_three_times_the_cases_are_off_the_scores():
    tests = findings_of([cases(3.0, 500 + k) for k in range(7)])
    assert tests[("calibration", 7)].p < 1e-6
    assert tests[("calibration", 7)].size == pytest.approx(2.0, abs=0.4)
    assert tests[("calibration", 3)].size > 1


@pytest.mark.capability("K8", "K14")
@pytest.mark.mltest("Monitor 7")
def test_labels_that_the_scores_no_longer_tell_are_a_loss():
    tests = findings_of([cases(1.0, 700 + k, flip=0.5) for k in range(7)])
    assert tests[("quality", 7)].p < 1e-3
    assert tests[("quality", 7)].size > 0.2
    assert findings_of([cases(1.0, 900 + k) for k in range(2)]) == {}, "two days are too few"


def test_a_regression_that_errs_more_is_a_loss():
    binning = fit_binning.fit(
        usecase("regression"), {}, ScoredWindow({}, np.zeros(9), np.linspace(0, 1, 9), None, None)
    )

    def day(error, bias, seed):
        random = np.random.default_rng(seed)
        score = random.normal(10, 3, 300)
        label = score + bias + error * random.normal(0, 1, 300)
        return label_outcomes.outcome(binning, ScoredWindow({}, label, score, None, LAST))

    usual = [day(1.0, 0.0, s) for s in range(28)]
    worse = label_tests.tests("regression", usual, [day(1.3, 0.0, 50 + s) for s in range(7)])
    assert min(t.p for t in worse if t.name == "quality") < 1e-6
    moved = label_tests.tests("regression", usual, [day(1.0, 0.4, 80 + s) for s in range(7)])
    assert min(t.p for t in moved if t.name == "calibration") < 1e-6
    same = label_tests.tests("regression", usual, [day(1.0, 0.0, 90 + s) for s in range(7)])
    assert min(t.p for t in same) > 1e-3


def test_the_estimate_is_right_where_scores_are_calibrated():
    random = np.random.default_rng(0)
    score = random.beta(0.3, 6, 50_000)
    label = (random.random(50_000) < score).astype(float)
    exact = metrics.average_precision(label, score)
    assert estimate.expected_precision(score) == pytest.approx(exact, abs=0.02)
    assert estimate.expected_precision(np.zeros(3)) is None


def test_a_day_s_quality_has_an_interval():
    one = cases(1.0, 5)
    interval = estimate.known(one)
    assert interval.low < interval.value < interval.high
    assert interval.maturity == 1.0
