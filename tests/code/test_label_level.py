"""Growth of the label is named where it is real."""

from __future__ import annotations

import pytest

from plumbline.evaluate import label_level
from plumbline.evaluate.evaluate_document import ServedRows


def windows(kind, train, test, rows=10_000):
    return {
        "train": ServedRows(rows=rows, **{kind: train}),
        "test": ServedRows(rows=rows, **{kind: test}),
    }


@pytest.mark.parametrize(
    ("kind", "train", "test", "words"),
    [
        ("label_mean", 155.0, 241.0, "241 in the test window and 155 in the training window, 1.55"),
        ("label_mean", 241.0, 155.0, "0.64 times it"),
        ("label_rate", 0.01, 0.03, "share of positives is 3.0% in the test window and 1.0%"),
    ],
)
def test_growth_is_named(kind, train, test, words):
    assert words in label_level.sentence(windows(kind, train, test))


@pytest.mark.parametrize(
    ("kind", "train", "test", "rows"),
    [
        ("label_mean", 155.0, 160.0, 10_000),
        ("label_mean", -3.0, 5.0, 10_000),
        ("label_mean", 0.0, 5.0, 10_000),
        ("label_mean", None, 5.0, 10_000),
        ("label_rate", 0.01, 0.014, 500),
    ],
)
def test_noise_and_what_has_no_ratio_are_not(kind, train, test, rows):
    assert label_level.sentence(windows(kind, train, test, rows)) == ""


def test_a_table_without_a_training_window_says_nothing():
    assert label_level.sentence({"test": ServedRows(rows=3, label_mean=1.0)}) == ""
