"""Predictions and inputs beyond the extremes of the reference: counted, expected, alerted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from plumbline.core.declarations import Row
from plumbline.monitor import build_result, observe, outlier_counts
from plumbline.monitor.params import Monitor
from plumbline.monitor.window import window
from tests.shop import DELAY, LAST, table, usecase

LIMITS = Monitor(bootstrap=50)
GAIN = {"size": 0.5, "heavy": 0.4, "rate": 0.1}
FIRST_BAD = LAST - 3


def heavy(size):
    "Twice the weight, kg"
    return 2 * size


CASE = replace(
    usecase(),
    rows=(Row(heavy),),
    features=("size", "heavy", "colour_code", "rate"),
)


def rows(days, last=LAST, seed=0):
    out = table(days, last, per_day=100, seed=seed, unknown=DELAY if last == LAST else 0)
    return {**out, "heavy": 2 * out["size"]}


def score(columns):
    return 1 / (1 + np.exp(-1.5 * (columns["size"] + (columns["colour"] == "red") - 2)))


def look(now=None, answers=score, case=CASE, seed=0):
    past = rows(35, LAST - 14, seed + 100)
    now = rows(14, seed=seed) if now is None else now
    pair = window(case, past, score(past)), window(case, now, answers(now), LAST)
    return observe.observe(case, GAIN, *pair, LIMITS, seed=0)


def hit(columns, share=20):
    """One row in `share` of the last four days."""
    late = columns["at"] >= FIRST_BAD.astype("datetime64[us]")
    return late & (np.arange(len(late)) % share == 0)


def found(seen):
    return {f.check: f for f in seen.findings}


@pytest.mark.capability("K10", "K23")
def test_predictions_beyond_those_validated_are_counted_and_alerted():
    seen = look(answers=lambda c: np.where(hit(c), 0.9999, score(c)))
    finding = found(seen)["outlier_predictions"]
    assert finding.level == "alert"
    assert finding.since == str(FIRST_BAD)
    assert "of predictions below" in finding.evidence
    days = build_result.build(seen, LIMITS).days
    assert [d.outliers.predictions >= 5 for d in days[-4:]] == [True] * 4
    assert max(d.outliers.predictions_expected for d in days) < 2
    assert [d.level for d in days[:-4]] == ["ok"] * 10


@pytest.mark.capability("K10", "K23")
def test_inputs_beyond_the_extremes_are_a_warning_where_the_score_stays():
    now = rows(14)
    now["heavy"] = np.where(hit(now), 40.0, now["heavy"])
    seen = look(now)
    finding = found(seen)["extreme_values"]
    assert finding.level == "warning"
    assert finding.cause.startswith("heavy in ")
    assert all(d.outliers.rows >= 5 for d in build_result.build(seen, LIMITS).days[-4:])


@pytest.mark.capability("K10")
def test_another_mix_of_a_segment_is_found():
    now = rows(14)
    now["colour"] = np.where(hit(now, 3), "blue", now["colour"])
    seen = look(now)
    assert found(seen)["drift"].column == "colour"
    assert [s.value for s in build_result.build(seen, LIMITS).segments][:3] == [
        "red",
        "green",
        "blue",
    ]


def test_a_fault_that_explains_the_extremes_is_named_alone():
    now = rows(14)
    now["size"] = np.where(hit(now, 10), 1e6, now["size"])
    now["heavy"] = 2 * now["size"]
    seen = look(now)
    assert found(seen)["outside"].column == "size"
    assert not {"extreme_values", "outlier_predictions"} & set(found(seen))


def test_values_beyond_the_contract_s_range_are_counted_however_near():
    """2.1 is in the same bin of the fine grid as 2.0, which the training rows have."""
    columns = tuple(replace(c, min=-9.0, max=2.05) if c.name == "size" else c for c in CASE.columns)
    case = replace(CASE, columns=columns)
    past, now = rows(35, LAST - 14, 100), rows(14)
    for one in (past, now):
        one["size"] = np.minimum(one["size"], 2.0)
    now["size"] = np.where(hit(now), 2.1, now["size"])
    pair = window(case, past, score(past)), window(case, now, score(now), LAST)
    seen = observe.observe(case, GAIN, *pair, LIMITS, seed=0)
    assert "beyond the contract's least of -9 and most of 2.05" in found(seen)["outside"].evidence
    assert [d.outliers.disallowed for d in build_result.build(seen, LIMITS).days[-4:]] == [5] * 4


@pytest.mark.parametrize("seed", range(3))
def test_ordinary_days_are_none(seed):
    seen = look(seed=seed)
    assert not {"extreme_values", "outlier_predictions"} & set(found(seen))
    result = build_result.build(seen, LIMITS)
    counted = sum(d.outliers.predictions for d in result.days)
    expected = sum(d.outliers.predictions_expected for d in result.days)
    assert counted < 3 * expected + 5


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        (np.repeat([0.0, 1.0], 500), (0.0, 1.0)),
        (np.array([np.nan, np.inf, 3.0]), (3.0, 3.0)),
        (np.arange(100_000.0), (50.0, 99_949.0)),
        (np.arange(30.0), (1.0, 28.0)),
    ],
)
def test_bounds_leave_a_known_number_of_the_reference_outside(values, limits):
    assert outlier_counts.bounds(values) == limits
