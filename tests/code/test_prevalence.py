"""The share of cases from the scores alone: right where only it changed, silent where it cannot be told."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.monitor import build_result, prevalence
from plumbline.monitor.params import Monitor
from plumbline.monitor.window import ScoredWindow
from tests.shop import LAST

PER_DAY = 300


def scored(days, share, seed, *, apart=2.5, cases=None, others=0.0, last=LAST, unknown=0):
    """Scores of two normal kinds, `apart` (logits); `cases` and `others` move each kind."""
    random = np.random.default_rng(seed)
    day = np.repeat(last - np.arange(days)[::-1], PER_DAY)
    label = (random.random(len(day)) < share).astype(float)
    middle = np.where(label == 1, apart if cases is None else cases, others)
    score = 1 / (1 + np.exp(-(middle + random.normal(0, 1, len(day)) - 2)))
    return ScoredWindow({}, np.where(day > last - unknown, np.nan, label), score, day, last)


def reference(share=0.05, seed=1, **more):
    return scored(28, share, seed, last=LAST - 14, **more)


def look(past, now):
    return prevalence.estimate(past, now, replicates=200, level=0.95, seed=0)


@pytest.mark.capability("K17")
@pytest.mark.parametrize("share", [0.02, 0.05, 0.1, 0.3])
def test_a_changed_share_is_found_without_a_label(share):
    found = look(reference(), scored(14, share, 2, unknown=14))
    assert found.cannot_tell == ""
    assert found.current.low <= share <= found.current.high
    assert found.current.high - found.current.low < 0.06
    assert found.known is None


def test_intervals_hold_the_truth_as_often_as_they_say():
    """40 draws at 95 %: at least 35 hold it, and at most two cannot tell."""
    found = [look(reference(seed=s), scored(14, 0.1, 100 + s, unknown=14)) for s in range(40)]
    assert sum(f.current.low <= 0.1 <= f.current.high for f in found) >= 35
    assert sum(bool(f.cannot_tell) for f in found) <= 2


@pytest.mark.capability("K17")
@pytest.mark.parametrize("others", [0.5, -0.5, 1.0])
def test_scores_that_are_no_mix_of_the_two_kinds_cannot_tell(others):
    found = look(reference(), scored(14, 0.05, 2, others=others, unknown=14))
    assert "more than their shares has changed" in found.cannot_tell


def test_labels_that_say_otherwise_are_believed():
    """Cases that look like the others: no score tells, labels do."""
    found = look(reference(), scored(14, 0.05, 2, cases=0.0, unknown=7))
    assert found.known.low > found.on_known.high
    assert "labels that have come in say" in found.cannot_tell or "thresholds" in found.cannot_tell


def test_labels_that_agree_stand_beside_it():
    found = look(reference(), scored(14, 0.1, 2, unknown=7))
    assert found.cannot_tell == ""
    assert found.rows == 7 * PER_DAY
    assert found.on_known.low <= found.known.value <= found.on_known.high


@pytest.mark.parametrize(
    ("past", "now", "why"),
    [
        (reference(apart=0.05), scored(14, 0.1, 2, apart=0.05), "ill-conditioned"),
        (reference(share=0.001), scored(14, 0.1, 2), "20 of each kind are needed"),
        (reference(unknown=28), scored(14, 0.1, 2), "0 cases among 0 labelled rows"),
        (reference(), scored(3, 0.1, 2), "3 days in the shorter window; 5 are needed"),
        (reference(), scored(14, 0.1, 2).take(np.zeros(14 * PER_DAY, bool)), "no rows"),
    ],
)
def test_too_little_to_go_by_is_stated(past, now, why):
    assert why in look(past, now).cannot_tell


def test_equal_scores_are_one_threshold():
    label = np.repeat([0.0, 1.0], [900, 100])
    score = np.repeat([0.1, 0.9, 0.9], [880, 20, 100])
    assert prevalence.best_threshold(score, label) == 0.9


def test_the_verdict_and_its_page_say_it():
    from plumbline.monitor import page
    from tests.code import test_observe

    seen = test_observe.look()
    result = build_result.build(seen, Monitor(bootstrap=100))
    assert result.prevalence.cannot_tell == ""
    html = page.render("shop", result)
    assert "today by the scores alone" in html
    assert prevalence.ASSUMES.split(" (")[0] in html
    now = test_observe.days()
    seen = test_observe.look(now=test_observe.since(now, "size", np.nan))
    result = build_result.build(seen, Monitor(bootstrap=100))
    assert "inputs are invalid: size" in result.prevalence.cannot_tell
    assert "cannot tell" in page.render("shop", result)
