"""The search: it seeks the best, keeps what failed, and says the same thing twice."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.tune import search, space
from plumbline.tune.search import Trial

SPACE = space.parse({"gamma": {"uniform": [0, 10]}, "max_depth": {"int": [1, 8]}})


def peak(params: Mapping[str, Any]) -> tuple[float, int]:
    """A figure that is highest at gamma 7, depth 2."""
    return 1 - abs(params["gamma"] - 7) / 10 - abs(params["max_depth"] - 2) / 80, 5


def run(objective: search.Objective = peak, **changed: Any) -> tuple[Trial, ...]:
    given = {"higher_is_better": True, "max_evals": 30, "seed": 3}
    evaluate = search.in_turn(objective, (ArithmeticError,))
    return search.search(changed.pop("dimensions", SPACE), evaluate, **{**given, **changed})


@pytest.mark.capability("E8")
@pytest.mark.mltest("Model 3")
def test_the_best_trial_has_the_best_metric_and_the_search_moves_towards_it():
    for higher in (True, False):
        trials = run(higher_is_better=higher)
        best = search.best(trials, higher)
        metrics = [t.metric for t in trials]
        assert best is not None
        assert best.metric == (max(metrics) if higher else min(metrics))
        late = [t.params["gamma"] for t in trials[22:]]
        assert (sum(late) / len(late) > 5) == higher, "it seeks the worst"


@pytest.mark.capability("E5")
def test_the_same_seed_tries_the_same_points():
    assert run(max_evals=25) == run(max_evals=25)
    assert run(max_evals=3) != run(max_evals=3, seed=4)


@pytest.mark.mltest("Model 3")
def test_all_values_lie_in_the_space():
    for trial in run(max_evals=25):
        assert 0 <= trial.params["gamma"] <= 10
        assert trial.params["max_depth"] in range(1, 9)


@pytest.mark.mltest("Model 3")
def test_choices_are_tried_by_value():
    choice = space.parse({"grow_policy": {"choice": ["depthwise", "lossguide"]}})
    trials = run(lambda p: (float(len(p["grow_policy"])), 1), dimensions=choice, max_evals=6)
    assert {t.params["grow_policy"] for t in trials} == {"depthwise", "lossguide"}


def test_a_failing_trial_is_kept_with_its_reason_and_skipped():
    def sometimes(params: Mapping[str, Any]) -> tuple[float, int]:
        if params["max_depth"] > 6:
            raise ZeroDivisionError("[12:00:00] /src/gbm.cc:12: too deep\nStack trace")
        return (math.nan if params["max_depth"] > 4 else peak(params)[0]), 5

    trials = run(sometimes)
    failed = [t for t in trials if t.status == "failed"]
    assert len(trials) == 30
    assert {t.reason for t in failed} == {"too deep", "the validation metric is nan"}
    assert all(t.metric is None for t in failed)
    best = search.best(trials, True)
    assert best is not None
    assert best.params["max_depth"] <= 4


def test_an_error_of_another_kind_is_no_failed_trial():
    def broken(params: Mapping[str, Any]) -> tuple[float, int]:
        raise KeyError("a mistake in the code")

    with pytest.raises(KeyError, match="a mistake"):
        run(broken)


def test_without_a_space_one_trial_without_search_none():
    assert [t.params for t in run(lambda p: (0.5, 3), dimensions=())] == [{}]
    assert run(lambda p: (0.5, 3), dimensions=(), max_evals=0) == ()


def test_told_after_each_trial():
    report: list[tuple[int, int]] = []
    run(max_evals=4, on_trial=lambda t, b: report.append((t.number, b.number if b else 0)))
    assert [n for n, _ in report] == [1, 2, 3, 4]
    assert report[0] == (1, 1)


TRIALS = (
    Trial(1, {"eta": 0.1}, 0.5, 10),
    Trial(2, {"eta": 0.2}, reason="no"),
    Trial(3, {"eta": 0.3}, 0.7, 30),
    Trial(4, {"eta": 0.4}, 0.7, 40),
)


def test_result():
    result = search.result(TRIALS, "mae", {"max_bin": 64}, higher_is_better=True, where="x")
    assert result.plain() == {
        "trials": 4,
        "failed": 1,
        "metric_name": "mae",
        "fixed": {"max_bin": 64},
        "params": {"eta": 0.3},
        "metric": 0.7,
        "best_trial": 3,
        "rounds": 30,
    }
    lowest = search.result(TRIALS, "mae", {}, higher_is_better=False, where="x")
    assert lowest.best_trial == 1


def test_result_of_no_search():
    result = search.result((), "mae", {"eta": 1}, higher_is_better=True, where="x")
    assert result.plain() == {
        "trials": 0,
        "failed": 0,
        "metric_name": "mae",
        "fixed": {"eta": 1},
        "params": {},
    }


def test_all_failing_is_one_clear_error():
    with pytest.raises(PlumblineError, match=r"tune\.space: all 1 trials failed; the first: no\."):
        search.result(
            TRIALS[1:2], "mae", {}, higher_is_better=True, where="params.yaml, x.tune.space"
        )


def test_rows_have_the_same_keys_and_end_with_the_metric():
    first, second, *_ = search.rows(TRIALS, "mae")
    assert list(first) == list(second) == ["trial", "status", "reason", "eta", "rounds", "mae"]
    assert tuple(second.values()) == (2, "failed", "no", 0.2, "", "")
