"""Quality counts known labels only, and says when the others will be known."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.monitoring import matured
from plumbline.monitoring.window import Window, matured_weeks, scorable, whole_weeks, window
from tests.small import SMALL

LAST = np.datetime64("2025-06-30")
ROWS = 40
"""Rows per day."""


def made(days, last=LAST, *, error=1.0, unknown=0, seed=0):
    """A regression whose answers are off by `error`; the last `unknown` days have no label yet."""
    day = np.repeat(last - np.arange(days)[::-1], ROWS)
    random = np.random.default_rng(seed)
    label = random.normal(10, 3, len(day))
    score = label + error * random.choice([-1.0, 1.0], len(day))
    label = np.where(day > last - unknown, np.nan, label)
    return Window({"x": label}, label, score, day, last)


def quality(past, now, problem="regression"):
    return matured.quality(problem, past, now, replicates=100, level=0.95, seed=1)


PAST = made(28, LAST - 14, seed=3)


@pytest.mark.mltest("Monitor 7")
def test_a_loss_is_positive_and_a_swap_turns_it():
    worse = quality(PAST, made(14, error=1.5))
    assert worse.loss.value == pytest.approx(0.5)
    assert worse.loss.low > 0
    assert worse.judged
    swapped = quality(made(14, error=1.5), PAST)
    assert swapped.loss.value == pytest.approx(-1 / 3)


@pytest.mark.mltest("Monitor 7")
def test_average_precision_loses_when_it_falls():
    past = made(28, LAST - 14)
    label = (past.label > 13).astype(float)
    sharp = Window({}, label, past.label, past.day, past.last)
    blunt = Window({}, label, np.random.default_rng(0).random(len(label)), past.day, past.last)
    assert quality(sharp, blunt, "classification").loss.value > 0.3
    assert quality(blunt, sharp, "classification").loss.value < -0.3


@pytest.mark.mltest("Monitor 7")
def test_unknown_labels_do_not_count():
    now = made(21, unknown=7)
    assert now.matured.sum() == 14 * ROWS
    found = quality(PAST, now)
    assert found.rows == (28 * ROWS, 14 * ROWS)
    assert found.values[1].value == pytest.approx(1.0)
    assert found.labels[1].value == pytest.approx(np.nanmean(now.label))


def test_quality_is_of_whole_weeks_of_known_labels():
    known = matured_weeks(made(14, unknown=3))
    assert (known.rows, known.last) == (7 * ROWS, LAST - 3)
    assert whole_weeks(made(17)).rows == 14 * ROWS


def test_weeks_of_the_reference_tell_the_noise():
    calm, rough = made(14, LAST - 28), made(14, LAST - 14, error=1.6)
    past = Window(
        {},
        np.concatenate([calm.label, rough.label]),
        np.concatenate([calm.score, rough.score]),
        np.concatenate([calm.day, rough.day]),
        LAST - 14,
    )
    found = quality(past, made(14, error=1.5))
    assert found.loss.value > 0.1
    assert found.noise == pytest.approx(1.6 / 1.3 - 1)
    assert found.loss.value < found.noise


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (made(7, unknown=7), "no label of the current window is known"),
        (made(3), "too few days"),
        (made(0), "no label of the current window is known"),
    ],
)
def test_nothing_to_tell(now, why):
    found = quality(PAST, now)
    assert why in found.why
    assert not found.judged


def test_one_class_has_no_average_precision():
    one = Window({}, np.zeros(50), np.zeros(50))
    assert "are all 0" in quality(one, one, "classification").why


def test_label_shift():
    now = made(14)
    moved = Window({}, now.label + 3, now.score, now.day, now.last)
    found = quality(PAST, moved)
    assert found.label_shift.value == pytest.approx(3 / np.std(PAST.label), abs=0.2)


def test_blind_days():
    found = matured.blind(SMALL, made(14, unknown=2))
    assert (found.first, found.last, found.until) == (LAST - 1, LAST, LAST + 3)
    assert found.rows == 2 * ROWS
    assert matured.blind(SMALL, Window({}, np.zeros(3), np.zeros(3))) is None


def test_labels_are_due_after_the_delay():
    due = matured.due(SMALL, made(14))
    assert due.sum() == 12 * ROWS
    assert not due[-1]
    assert matured.due(SMALL, Window({}, np.full(3, np.nan), np.zeros(3))).all()


def test_by_week():
    weeks = list(matured.by_week("regression", made(14, unknown=7), "current"))
    assert [str(w.first) for w in weeks] == ["2025-06-17", "2025-06-24"]
    assert [w.rows for w in weeks] == [7 * ROWS, 7 * ROWS]
    assert [w.labelled for w in weeks] == [7 * ROWS, 0]
    assert weeks[0].quality == pytest.approx(1.0)
    assert np.isnan(weeks[1].quality)
    assert list(matured.by_week("regression", Window({}, np.zeros(3), np.zeros(3)), "x")) == []


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
