"""Every metric against scikit-learn's, with weights and ties; and by hand where it has none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn import metrics as known

from plumbline.metrics import bootstrap, metrics, ranking
from plumbline.metrics.bootstrap import Array, Resample
from plumbline.metrics.metrics import Money

RANDOM = np.random.default_rng(11)
ROWS = 400
LABEL = (RANDOM.random(ROWS) < 0.2).astype(float)
SCORE = np.round(np.clip(0.3 * LABEL + 0.7 * RANDOM.random(ROWS), 0.01, 0.99), 2)  # many ties
DAY = np.sort(RANDOM.integers(0, 12, ROWS)).astype("datetime64[D]")
AMOUNT = RANDOM.normal(20, 30, ROWS)
ACTUAL = RANDOM.normal(5, 10, ROWS)
VALUE = ACTUAL + RANDOM.normal(1, 4, ROWS)


@pytest.fixture(params=["days", "rows"])
def sample(request: pytest.FixtureRequest) -> Resample:
    day = DAY if request.param == "days" else None
    return bootstrap.resample(bootstrap.units(ROWS, day), 6, seed=3)


def weighted(function: Callable[..., float], sample: Resample, *arrays: Array) -> list[float]:
    return [function(*arrays, sample_weight=w) for w in sample.weights(np.arange(ROWS))]


def close(result: Array, expected: list[float]) -> None:
    np.testing.assert_allclose(result, expected, rtol=1e-12)


@pytest.mark.capability("E16")
def test_average_precision(sample: Resample):
    result = metrics.primary("classification", LABEL, SCORE, sample)
    close(result, weighted(known.average_precision_score, sample, LABEL, SCORE))
    assert metrics.average_precision(LABEL, SCORE) == pytest.approx(result[0])


def test_average_precision_prefers_the_right_order():
    assert metrics.average_precision(np.array([0, 1.0]), np.array([0.1, 0.9])) == 1.0
    assert metrics.average_precision(np.array([0, 1.0]), np.array([0.9, 0.1])) == 0.5


def test_a_constant_score_has_the_rate_as_average_precision():
    assert metrics.average_precision(LABEL, np.full(ROWS, 0.5)) == pytest.approx(LABEL.mean())


def test_roc_auc(sample: Resample):
    result = metrics.ranks(LABEL, SCORE, sample, None, metrics.RankSettings())["roc_auc"]
    close(result, weighted(known.roc_auc_score, sample, LABEL, SCORE))


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.1, 0.5, 1.0])
def test_recall_at_false_alarm(sample: Resample, rate: float):
    def expected(label: Array, score: Array, sample_weight: Array) -> float:
        far, recall, _ = known.roc_curve(
            label, score, sample_weight=sample_weight, drop_intermediate=False
        )
        return recall[far <= rate].max()

    settings = metrics.RankSettings(false_alarm_rate=rate)
    result = metrics.ranks(LABEL, SCORE, sample, None, settings)["recall_at_false_alarm"]
    close(result, weighted(expected, sample, LABEL, SCORE))


def test_precision_at_k_is_taken_day_by_day():
    day = np.array([0, 0, 0, 1, 1, 1]).astype("datetime64[D]")
    label = np.array([1.0, 0, 0, 0, 1, 0])
    score = np.array([0.9, 0.85, 0.2, 0.3, 0.1, 0.8])  # over both days the top 2 are of day 0
    days, result = ranking.precision_at_k(label, score, day, 2)
    assert result.tolist() == [0.5, 0.0]
    assert len(days) == 2


def test_precision_at_k_counts_a_straddling_tie_in_proportion():
    label = np.array([1.0, 1, 0, 0, 0])
    score = np.array([0.9, 0.5, 0.5, 0.5, 0.1])  # places 2 to 4 tie, two of the three are taken
    _, result = ranking.precision_at_k(label, score, np.zeros(5, "datetime64[D]"), 3)
    assert result[0] == pytest.approx((1 + 2 / 3) / 3)


def test_precision_at_k_of_a_short_day_counts_its_rows():
    _, result = ranking.precision_at_k(
        np.array([1.0, 0]), np.array([0.9, 0.1]), np.zeros(2, "M8[D]"), 50
    )
    assert result[0] == 0.5


def test_precision_at_k_weighs_days_by_their_draws():
    sample = bootstrap.resample(bootstrap.units(ROWS, DAY), 6, seed=3)
    result = metrics.ranks(LABEL, SCORE, sample, DAY, metrics.RankSettings(k=5))["precision_at_k"]
    _, daily = ranking.precision_at_k(LABEL, SCORE, DAY, 5)
    close(result, [np.average(daily, weights=w) for w in sample.draws.T])


def test_shuffled_rows_change_no_ranking_metric():
    sample, order = bootstrap.every_row_once(ROWS), RANDOM.permutation(ROWS)
    one = metrics.ranks(LABEL, SCORE, sample, DAY, metrics.RankSettings(k=5))
    two = metrics.ranks(LABEL[order], SCORE[order], sample, DAY[order], metrics.RankSettings(k=5))
    for name in one:
        assert one[name] == pytest.approx(two[name], rel=1e-12), name


def test_without_days_there_is_no_precision_at_k():
    assert "precision_at_k" not in metrics.ranks(
        LABEL, SCORE, bootstrap.every_row_once(ROWS), None, metrics.RankSettings()
    )


def test_log_loss_and_brier(sample: Resample):
    result = metrics.probabilities(LABEL, SCORE, sample)
    close(result["log_loss"], weighted(known.log_loss, sample, LABEL, SCORE))
    close(result["brier"], weighted(known.brier_score_loss, sample, LABEL, SCORE))


def test_log_loss_of_a_certain_mistake_is_finite():
    result = metrics.probabilities(
        np.array([1.0, 0]), np.array([0.0, 0.0]), bootstrap.every_row_once(2)
    )
    assert np.isfinite(result["log_loss"][0])


OFF_LABEL = np.array([0.0, 1, 1, 1] * 10)
OFF_SCORE = np.array([0.1, 0.1, 0.9, 0.9] * 10)  # two bins, off by 0.4 and by 0.1, of equal size


def test_expected_calibration_error_by_hand():
    result = metrics.calibration_error(OFF_LABEL, OFF_SCORE, bootstrap.every_row_once(40))
    assert result[0] == pytest.approx(0.25)


def test_expected_calibration_error_follows_the_weights():
    sample = bootstrap.resample(np.arange(40) % 10, 5, seed=1)
    result = metrics.calibration_error(OFF_LABEL, OFF_SCORE, sample)
    for ece, w in zip(result, sample.weights(np.arange(40)), strict=True):
        gaps = [abs(np.sum((w * (OFF_SCORE - OFF_LABEL))[s == OFF_SCORE])) for s in (0.1, 0.9)]
        assert ece == pytest.approx(sum(gaps) / w.sum())


def test_the_calibration_error_lies_within_its_interval():
    score = RANDOM.beta(1, 30, 5_000)
    label = (RANDOM.random(5_000) < score).astype(float)
    sample = bootstrap.resample(np.arange(5_000), 200, seed=2)
    result = bootstrap.estimate(metrics.probabilities(label, score, sample)["ece"], sample, 0.95)
    assert result.value == metrics.calibration_error(label, score, sample)[0]
    assert 0 <= result.low < result.value < result.high


def test_bins_keep_ties_together_and_hold_about_as_many_rows():
    place = metrics.bins(SCORE, most=10)
    for value in np.unique(SCORE):
        assert len(np.unique(place[value == SCORE])) == 1
    assert np.bincount(place).min() > ROWS / 20


def test_bins_of_probabilities_hold_about_as_many_expected_positives():
    score = RANDOM.beta(0.5, 40, 5_000)
    expected = np.bincount(metrics.probability_bins(score, 10), score)
    assert len(expected) == 10
    np.testing.assert_allclose(expected, score.sum() / 10, rtol=0.1)
    assert metrics.probability_bins(np.full(7, 0.2)).tolist() == [0] * 7


def test_an_alarm_is_raised_at_the_threshold_itself():
    assert metrics.alarms(np.array([0.2, 0.3, 0.4]), 0.3).tolist() == [False, True, True]


@pytest.mark.capability("E16")
def test_cost_counts_missed_money_and_false_alarms():
    label = np.array([1.0, 1, 0, 0, 1])
    alarm = np.array([False, True, True, False, False])
    money = Money(missed=np.array([70.0, 50, 30, 20, -9]), alarm=5.0)
    assert metrics.cost(label, alarm, money).tolist() == [70.0, 0, 5.0, 0, 0]


def test_decisions(sample: Resample):
    result = metrics.decisions(LABEL, SCORE, sample, 0.5, Money(AMOUNT, 4.0))
    alarm = SCORE >= 0.5
    close(result["precision_at_threshold"], weighted(known.precision_score, sample, LABEL, alarm))
    close(result["recall_at_threshold"], weighted(known.recall_score, sample, LABEL, alarm))
    for replicate, w in enumerate(sample.weights(np.arange(ROWS))):
        missed = np.sum(w * np.maximum(AMOUNT, 0) * (LABEL == 1) * ~alarm)
        false = 4.0 * np.sum(w * (LABEL == 0) * alarm)
        nothing = np.sum(w * np.maximum(AMOUNT, 0) * (LABEL == 1))
        assert result["cost"][replicate] == pytest.approx(missed + false)
        assert result["cost_of_nothing"][replicate] == pytest.approx(nothing)
        assert result["cost_saved"][replicate] == pytest.approx(nothing - missed - false)


def test_without_costs_no_money():
    assert "cost" not in metrics.decisions(LABEL, SCORE, bootstrap.every_row_once(ROWS), 0.5, None)


def test_regression(sample: Resample):
    result = metrics.regression(ACTUAL, VALUE, sample)
    close(result["mae"], weighted(known.mean_absolute_error, sample, ACTUAL, VALUE))
    close(result["rmse"], weighted(known.root_mean_squared_error, sample, ACTUAL, VALUE))
    close(result["r2"], weighted(known.r2_score, sample, ACTUAL, VALUE))
    for name, alpha in (("pinball_10", 0.1), ("pinball_90", 0.9)):
        expected = [
            known.mean_pinball_loss(ACTUAL, VALUE, sample_weight=w, alpha=alpha)
            for w in sample.weights(np.arange(ROWS))
        ]
        close(result[name], expected)
    assert metrics.mae(ACTUAL, VALUE) == pytest.approx(result["mae"][0])


def test_bias_is_prediction_minus_label():
    result = metrics.regression(np.array([1.0, 2]), np.array([4.0, 5]), bootstrap.every_row_once(2))
    assert result["bias"][0] == 3.0


def test_r2_of_a_constant_label_is_undefined():
    assert np.isnan(
        metrics.regression(np.ones(3), np.arange(3.0), bootstrap.every_row_once(3))["r2"][0]
    )


@pytest.mark.parametrize(("name", "level"), [("error_p50", 0.5), ("error_p90", 0.9)])
def test_quantiles_of_the_absolute_error(sample: Resample, name: str, level: float):
    result = metrics.regression(ACTUAL, VALUE, sample)[name]
    error = np.abs(VALUE - ACTUAL)
    for figure, w in zip(result, sample.weights(np.arange(ROWS)), strict=True):
        assert figure == np.quantile(np.repeat(error, w), level, method="inverted_cdf")


@pytest.mark.capability("E16")
def test_the_direction_of_every_metric():
    sample = bootstrap.every_row_once(ROWS)
    money = Money(np.abs(AMOUNT), 4.0)
    good, bad = LABEL * 0.9 + 0.05, 0.95 - LABEL * 0.9
    for judge in (
        lambda s: metrics.ranks(LABEL, s, sample, DAY, metrics.RankSettings(k=5)),
        lambda s: metrics.probabilities(LABEL, s, sample),
        lambda s: metrics.decisions(LABEL, s, sample, 0.5, money),
    ):
        one, two = judge(good), judge(bad)
        for name in set(one) - {"cost_of_nothing"}:
            assert (one[name][0] > two[name][0]) == (name in metrics.HIGHER_IS_BETTER), name


def test_the_direction_of_every_error():
    sample = bootstrap.every_row_once(ROWS)
    one, two = (metrics.regression(ACTUAL, ACTUAL + e, sample) for e in (0.1 * VALUE, VALUE))
    for name in set(one) - {"bias"}:
        assert (one[name][0] > two[name][0]) == (name in metrics.HIGHER_IS_BETTER), name


def test_no_metric_changes_its_arguments():
    label, score, amount = LABEL.copy(), SCORE.copy(), AMOUNT.copy()
    for array in (label, score, amount):
        array.flags.writeable = False
    sample = bootstrap.resample(np.arange(ROWS), 2, seed=1)
    metrics.ranks(label, score, sample, DAY, metrics.RankSettings())
    metrics.probabilities(label, score, sample)
    metrics.decisions(label, score, sample, 0.5, Money(amount, 1.0))
    metrics.regression(label, score, sample)


def test_without_a_positive_the_rankings_are_undefined():
    result = metrics.ranks(
        np.zeros(5), np.arange(5.0), bootstrap.every_row_once(5), None, metrics.RankSettings()
    )
    assert all(np.isnan(v[0]) for v in result.values())
