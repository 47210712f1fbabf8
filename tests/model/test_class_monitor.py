"""The monitor on several classes: quality by log loss, each class's share, probability and calibration."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plumbline.core import documents
from plumbline.features.params import Features
from plumbline.model import logged_definitions
from plumbline.monitor import (
    build_result,
    drift_plots,
    fit_binning,
    label_outcomes,
    observe,
    page,
    quality,
)
from plumbline.monitor.monitored_columns import gain_shares
from plumbline.monitor.observe import Observation
from plumbline.monitor.params import Monitor
from plumbline.monitor.result import MonitorResult
from plumbline.monitor.served import served_files, watch
from plumbline.monitor.served.feature_skew import ModelMark
from plumbline.monitor.served.watch import ServedWatch
from plumbline.monitor.window import scorable, window
from tests import classes, served_shop
from tests.classes import SKIES, Built

LIMITS = Monitor(bootstrap=60, rows=300)
WINDOWS = Features(warmup_days=10, valid_days=20, test_days=42, current_days=14)


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("days")
    rows = classes.observed(170, a_day=60)
    return classes.build(classes.days(), rows, folder, features=WINDOWS)


def seen(built: Built, **altered: np.ndarray) -> Observation:
    """The current window, some of its columns altered, against the test window."""
    scorer, past = built.scorer, built.rows("test")
    now = {**built.rows("current"), **altered}
    windows = [
        window(built.case, rows, scorer.predict(scorable(rows, scorer.features, len(rows["sky"]))))
        for rows in (past, now)
    ]
    return observe.observe(built.case, gain_shares(scorer.booster), *windows, LIMITS, 1)


def test_what_was_served_of_several_classes(days: Built, tmp_path: Path):
    case, scorer = days.case, days.scorer
    tables = [days.rows("test"), days.rows("current")]
    answers = [scorer.predict(rows) for rows in tables]
    past, now = (window(case, r, a) for r, a in zip(tables, answers, strict=True))
    mark = ModelMark(served_shop.BUNDLE, logged_definitions.of(case))

    def watched(**changes: object) -> ServedWatch | None:
        rows = served_shop.rows(case, tables[1], answers[1], **changes)
        sealed = served_files.read(
            served_shop.seal(tmp_path / "served", rows), (past, now), len(SKIES)
        )
        return watch.watch(case, sealed, (past, now), mark, gain_shares(scorer.booster), LIMITS, 1)

    decisions = scorer.decide(answers[1])[0]
    quiet = watched(decision=str(decisions))
    assert {f.check for f in quiet.findings if f.level == "alert"} == set()
    assert all(p.equal == p.rows for p in quiet.report.parity)
    assert quiet.report.quality[0].metric == "log_loss"
    assert quiet.report.quality[0].value.low > 0
    assert [d.decision for d in quiet.report.feedback.decisions] == [decisions]
    turned = watched(score=lambda row: row["score"][::-1])
    assert [f.check for f in turned.findings if f.check == "served_score"] == ["served_score"]
    one = watched(score=lambda row: row["score"][:1])
    assert (
        one.report.quality[0].cannot_tell
        == "the logged scores are not those of this use case's problem"
    )


def test_a_quiet_window_is_ok_and_shows_every_class(days: Built, tmp_path: Path):
    observed = seen(days)
    result = build_result.build(observed, LIMITS)
    assert result.level != "alert"
    assert [one.name for one in result.classes] == list(SKIES)
    for one in result.classes:
        assert one.share is not None
        assert abs((one.share.current.value or 0) - (one.probability_current or 0)) < 0.15
        assert one.psi is not None
    assert result.quality is not None
    assert result.quality.metric == "log_loss"
    assert result.quality.mean_label is not None  # the share where the likeliest is right
    assert 0.4 < (result.quality.mean_label.current.value or 0) < 1
    assert result.estimate is not None
    assert abs((result.estimate.value or 0) - (result.quality.value.current.value or 0)) < 0.2  # type: ignore[union-attr]
    assert documents.parse(MonitorResult, result.plain(), "monitor.json") == result
    page.write(tmp_path, "days", result, [])
    drift_plots.draw(tmp_path, observed, [])
    text = next(tmp_path.glob("*.html")).read_text()
    assert "Classes" in text
    assert (tmp_path / "score.svg").exists()


def test_a_class_that_comes_more_often_than_its_probability_is_named(days: Built):
    now = days.rows("current")
    label = now["sky"].astype(float)
    turned = np.where((label == 1) & (np.arange(len(label)) % 3 > 0), 2.0, label)
    findings = {f.check: f for f in seen(days, sky=turned).findings}
    assert findings["calibration"].level == "alert"
    assert (
        "class rain: " in findings["calibration"].evidence
        or "class fog: " in findings["calibration"].evidence
    )
    assert (
        "class rain" in findings["quality"].evidence or "log loss" in findings["quality"].evidence
    )


def test_probabilities_that_move_are_an_alert_with_their_class(days: Built):
    now = days.rows("current")
    high = np.minimum(now["pressure"] + 30, 1_040)
    observed = seen(days, pressure=high)
    (found,) = (f for f in observed.findings if f.check == "prediction")
    assert found.level == "alert"
    assert "probability of " in found.evidence or "scores" in found.evidence
    moved = {c.name: c.shift or 0.0 for c in build_result.build(observed, LIMITS).classes}
    assert moved["sun"] > 0.5 > moved["rain"]


def test_without_labels_each_class_has_its_probability_alone(days: Built):
    rows = days.rows("current")
    none = {**rows, "sky": np.full(len(rows["sky"]), np.nan)}
    windows = [
        window(days.case, table, days.scorer.predict(table)) for table in (days.rows("test"), none)
    ]
    changed = quality.change("multiclass", *windows, replicates=20, level=0.9, seed=1)
    assert changed.why == "no label of the current window is known"
    assert windows[1].take(np.arange(5)).answer.shape == (5, 3)
    assert np.isnan(windows[1].outcome).all()


def test_outcomes_of_two_days_add_up_class_by_class(days: Built):
    scored = window(days.case, days.rows("test"), days.scorer.predict(days.rows("test")))
    binning = fit_binning.fit(days.case, {}, scored)
    half = np.arange(scored.rows) < scored.rows // 2
    parts = [label_outcomes.outcome(binning, scored.take(rows)) for rows in (half, ~half)]
    both, whole = label_outcomes.pool(parts), label_outcomes.outcome(binning, scored)
    assert both.loss == pytest.approx(whole.loss)
    assert [c.label for c in both.classes] == [c.label for c in whole.classes]
    assert [c.known for c in whole.classes] == [whole.known] * 3
    assert label_outcomes.quality("multiclass", whole) == pytest.approx(
        quality.plain("multiclass", scored)
    )
