"""Findings to words: which side of a threshold, what may page, and when to retrain."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from plumbline.errors import ParamsError
from plumbline.evaluation.bootstrap import Estimate
from plumbline.monitoring import verdict
from plumbline.monitoring.drift import Effect, Size
from plumbline.monitoring.matured import Quality
from plumbline.monitoring.verdict import Finding, Input
from plumbline.params import Limits, Monitor, load

LIMITS = Monitor()
NOTHING = Size(0.0, 0.0)
CALM = Effect(
    rows=(10_000, 5_000),
    psi=NOTHING,
    js=0.0,
    ks=0.0,
    null=NOTHING,
    null_shares=(0.0, 0.0),
    unseen=NOTHING,
    outside=NOTHING,
    constant=False,
    all_null=False,
)
KNOWN = Quality(
    "mae",
    (5_000, 1_000),
    values=(Estimate(10, 9, 11), Estimate(12, 11, 13)),
    labels=(Estimate(5, 4, 6), Estimate(5, 4, 6)),
    loss=Estimate(0.2, 0.1, 0.3),
    label_shift=Estimate(0.0, -0.1, 0.1),
)


def found(importance=0.5, felt=True, **changes):
    one = Input("x", importance, replace(CALM, **changes))
    return verdict.column_findings(one, LIMITS, felt=felt)


def finding(check, level="page", column=None):
    return Finding(check, level, 1.0, "", "", column, 0.5)


@pytest.mark.parametrize(
    ("size", "level"), [(0.09, "fine"), (0.1, "watch"), (0.24, "watch"), (9, "page")]
)
def test_a_larger_size_is_graver(size, level):
    assert verdict.grade(size, Limits(watch=0.1, page=0.25)) == level


def test_watch_above_page_is_refused(tmp_path):
    path = tmp_path / "params.yaml"
    rest = "{data: {source: csv}, validate: {}, features: {}, tune: {}, train: {}, evaluate: {}"
    path.write_text(
        f"usecases: [a]\nseed: 1\na: {rest}, monitor: {{psi: {{watch: 0.3, page: 0.2}}}}}}\n"
    )
    with pytest.raises(ParamsError, match=r"a\.monitor\.psi.*watch 0\.3 above page 0\.2"):
        load("a", path)


def test_nothing_is_fine():
    assert found() == []
    assert verdict.level([]) == "fine"


@pytest.mark.parametrize(
    ("check", "changes"),
    [
        ("drift", {"psi": Size(0.4, 0.1)}),
        ("null_share", {"null": Size(0.3, 0.01)}),
        ("unseen", {"unseen": Size(0.2, 0.01)}),
        ("outside", {"outside": Size(0.2, 0.01)}),
        ("constant", {"constant": True}),
        ("all_null", {"all_null": True, "null_shares": (0.1, 1.0)}),
    ],
)
def test_each_fault_pages_where_the_model_looks(check, changes):
    [one] = found(**changes)
    assert (one.check, one.level, one.column, one.importance) == (check, "page", "x", 0.5)
    assert one.next
    [unused] = found(importance=0.001, **changes)
    assert unused.level == "watch"


def test_noise_is_taken_off():
    assert found(psi=Size(0.5, 0.45)) == []
    assert found(psi=Size(0.5, 0.35))[0].level == "watch"


def test_drift_pages_only_with_the_score():
    assert found(psi=Size(0.4, 0.1), felt=False)[0].level == "watch"
    assert found(psi=Size(0.1, 0.1), felt=False) == []
    assert found(outside=Size(0.4, 0.1), felt=False)[0].level == "page"


def test_few_rows_are_not_judged_but_a_lost_column_is():
    drifted = {"psi": Size(9.0, 0.0), "unseen": Size(1.0, 0.0), "constant": True}
    assert found(rows=(10_000, 3), **drifted) == []
    assert found(rows=(10_000, 3), all_null=True)[0].check == "all_null"


@pytest.mark.parametrize("problem", ["missing", "type"])
def test_a_lost_column_pages(problem):
    one = Input("x", 0.5, problem=problem, detail="not in the current table")
    [lost] = verdict.column_findings(one, LIMITS, felt=False)
    assert (lost.check, lost.level, lost.evidence) == (problem, "page", "not in the current table")
    assert (
        verdict.column_findings(replace(one, importance=0.0), LIMITS, felt=False)[0].level
        == "watch"
    )


def test_the_score_pages_by_itself():
    assert verdict.prediction_findings(None, LIMITS) == []
    assert verdict.prediction_findings(CALM, LIMITS) == []
    [moved] = verdict.prediction_findings(replace(CALM, psi=Size(0.4, 0.0)), LIMITS)
    assert (moved.check, moved.level, moved.column) == ("prediction", "page", None)
    assert verdict.prediction_findings(replace(CALM, rows=(9_999, 9), psi=Size(9, 0)), LIMITS) == []


@pytest.mark.mltest("Monitor 7")
def test_a_loss_pages_and_a_gain_does_not():
    [lost] = verdict.quality_findings(KNOWN, LIMITS)
    assert (lost.check, lost.level, lost.size) == ("quality", "page", 0.2)
    assert "mae 10 before, 12 now, loss 20.0%" in lost.evidence
    better = replace(KNOWN, loss=Estimate(-0.2, -0.3, -0.1))
    assert verdict.quality_findings(better, LIMITS) == []


def test_a_loss_within_noise_is_none():
    assert verdict.quality_findings(replace(KNOWN, loss=Estimate(0.2, -0.01, 0.4)), LIMITS) == []
    assert verdict.quality_findings(replace(KNOWN, noise=0.25), LIMITS) == []
    assert verdict.quality_findings(replace(KNOWN, loss=Estimate(0.02, 0.01, 0.03)), LIMITS) == []
    nothing = Quality("mae", (5, 0), why="no label of the current window is known")
    assert verdict.quality_findings(nothing, LIMITS) == []
    assert verdict.quality_text(nothing) == "no label of the current window is known"


@pytest.mark.parametrize(("shift", "low", "high", "count"), [(1, 0.5, 1.5, 1), (-1, -2, -0.5, 1), (1, -1, 3, 0), (0.1, 0.05, 0.2, 0)])  # fmt: skip
def test_labels_are_watched(shift, low, high, count):
    got = verdict.label_findings(replace(KNOWN, label_shift=Estimate(shift, low, high)), LIMITS)
    assert [f.level for f in got] == ["watch"] * count


def test_rows():
    assert verdict.row_findings(1_000.0, 1_000, LIMITS) == []
    assert verdict.row_findings(None, 10, LIMITS) == []
    assert verdict.row_findings(1_000.0, 650, LIMITS)[0].level == "watch"
    assert verdict.row_findings(1_000.0, 300, LIMITS)[0].level == "page"
    assert verdict.row_findings(1_000.0, 2_000, LIMITS)[0].level == "page"
    assert verdict.row_findings(None, 0, LIMITS)[0].level == "page"


def test_labels_that_are_due():
    assert verdict.unlabelled_findings(0, 0, LIMITS) == []
    assert verdict.unlabelled_findings(1_000, 10, LIMITS) == []
    assert verdict.unlabelled_findings(1_000, 500, LIMITS)[0].level == "page"


def test_the_gravest_decides_and_comes_first():
    some = [finding("drift", "watch", "b"), finding("rows"), finding("drift", "watch", "a")]
    assert verdict.level(some) == "page"
    assert verdict.level(some[:1]) == "watch"
    assert [f.column for f in verdict.order(some)] == [None, "a", "b"]
    assert verdict.order(some) == verdict.order(some[::-1])


@pytest.mark.mltest("Monitor 7")
@pytest.mark.parametrize(
    ("findings", "judged", "now", "why"),
    [
        ([], True, False, "no loss of quality beyond noise"),
        ([], False, False, "unknown until labels"),
        ([finding("quality")], True, True, "show a loss"),
        ([finding("quality", "watch")], True, False, "no loss that calls for it"),
        ([finding("quality"), finding("null_share", column="x")], True, False, "refused.*x"),
        ([finding("drift", column="x")], False, True, "harm is to be expected: x"),
        ([finding("drift", column="x")], True, False, "x moved, but"),
        ([finding("prediction")], False, True, "prediction"),
        ([finding("drift", "watch", "x")], False, False, "nothing that the model uses"),
        ([finding("missing", column=c) for c in "abcde"], True, False, "a, b, c and 2 more"),
        ([finding("missing", "watch", "x"), finding("quality")], True, True, "show a loss"),
        ([finding("unlabelled")], False, False, "unknown until labels"),
    ],
)
def test_retrain(findings, judged, now, why):
    decision, reason = verdict.retrain(findings, judged)
    assert decision is now
    assert re.search(why, reason), reason


def test_every_check_has_a_next_step():
    assert set(verdict.FAULTS) < set(verdict.NEXT)
