"""What was served, judged: features that differ, shares, times, arms, shadows, feedback and quality."""

from __future__ import annotations

import numpy as np
import pytest

from plumbline.core.errors import PlumblineError
from plumbline.metrics import metrics
from plumbline.model import logged_definitions
from plumbline.monitor import verdict
from plumbline.monitor.params import LevelLimits, Monitor, ServedLimits
from plumbline.monitor.served import feature_skew, served_files, watch
from plumbline.monitor.served.feature_skew import ModelMark
from tests import served_shop as served
from tests import shop

LIMITS = Monitor(bootstrap=60)
GAIN = {"double": 0.3, "size": 0.5}


def windows(problem="classification", timed=True):
    case = served.usecase(problem, timed)
    past = served.table(28, seed=1, unknown=0, last=shop.LAST - 14, problem=problem)
    now = served.table(14, seed=2, problem=problem)
    if not timed:
        past, now = ({k: v for k, v in one.items() if k != "at"} for one in (past, now))
    return case, past, now


def judged(tmp_path, predictions=None, *, of=None, refused=(), limits=LIMITS):
    case, past, now = of or windows()
    tmp_path.mkdir(exist_ok=True)
    folder = served.seal(tmp_path / "served", predictions or served.rows(case, now), refused)
    both = (served.scored(case, past, shop.LAST - 14), served.scored(case, now))
    sealed = served_files.read(folder, both, len(case.classes))
    mark = ModelMark(served.BUNDLE, logged_definitions.of(case))
    return watch.watch(case, sealed, both, mark, GAIN, limits, 3)


def found(seen):
    return {(f.check, f.column): f for f in seen.findings}


def changed(name, by, when=lambda row: True, struct="computed"):
    """A feature that the service computes otherwise, and what reads it."""

    def computed(row):
        values = dict(row[struct])
        if when(row):
            values[name] = by(values[name])
            if name == "double":
                values["ratio"] = values["double"] / (row["aggregates"].get("who_count_7d", 0) + 1)
        return values

    return {struct: computed}


def test_what_was_served_as_the_batch_has_it_is_healthy(tmp_path):
    seen = judged(tmp_path)
    assert seen.findings == ()
    (parity,) = seen.report.parity
    assert (parity.rows, parity.equal, parity.features) == (840, 840, 4)
    assert (seen.report.events, seen.report.first, seen.report.last) == (
        840,
        "2025-06-16",
        "2025-06-29",
    )


@pytest.mark.capability("C27")
@pytest.mark.parametrize("start", [1, 400, 790])
def test_names_the_one_feature_whose_code_differs(tmp_path, start):
    case, _, now = windows()
    skewed = changed("double", lambda v: v * 1.5, lambda row: row["sequence"] >= start)
    seen = judged(tmp_path, served.rows(case, now, **skewed))
    (finding,) = seen.findings
    assert (finding.check, finding.column, finding.level) == ("skew", "double", "alert")
    assert f"first request request-{start} " in finding.evidence
    assert "what reads it differs too: ratio" in finding.evidence
    day = np.sort(now["at"])[start - 1].astype("datetime64[D]")
    assert finding.since == str(day)


def test_names_the_reader_where_its_own_code_differs(tmp_path):
    case, _, now = windows()
    seen = judged(tmp_path, served.rows(case, now, **changed("ratio", lambda v: v + 1)))
    assert set(found(seen)) == {("skew", "ratio")}


def test_names_a_history_that_differs(tmp_path):
    case, _, now = windows()
    late = changed("who_count_7d", lambda v: v + 1, lambda row: row["sequence"] == 5, "aggregates")
    (finding,) = judged(tmp_path, served.rows(case, now, **late)).findings
    assert (finding.column, finding.level) == ("who_count_7d", "warning"), "one row in 840"
    assert "1 of 840 served rows differ from the batch, by 1 at most" in finding.evidence


@pytest.mark.parametrize("value", [float("nan"), None, float("inf")])
def test_a_value_that_one_side_lacks_differs(tmp_path, value):
    case, _, now = windows()
    seen = judged(tmp_path, served.rows(case, now, **changed("colour_code", lambda _: value)))
    assert found(seen)["skew", "colour_code"].size == 1


def test_rounding_of_a_processor_is_no_skew(tmp_path):
    case, _, now = windows()
    close = changed("ratio", lambda v: v * (1 + 1e-12))
    assert judged(tmp_path, served.rows(case, now, **close)).findings == ()


def test_older_definitions_differ_without_an_alert(tmp_path):
    case, _, now = windows()
    old = {"definitions": "0" * 32, "bundle": served.OLDER}
    seen = judged(tmp_path, served.rows(case, now, **changed("ratio", lambda v: v + 1), **old))
    finding = found(seen)["skew", "ratio"]
    assert finding.level == "warning"
    assert "other definitions of the features" in finding.cause


def test_a_score_that_this_model_does_not_give_is_an_alert(tmp_path):
    case, _, now = windows()
    rows = served.rows(case, now, score=lambda row: [row["score"][0] * 0.9])
    finding = found(judged(tmp_path, rows))["served_score", None]
    assert finding.level == "alert"
    other = served.rows(case, now, bundle=served.OLDER, score=lambda row: [row["score"][0] * 0.9])
    assert ("served_score", None) not in found(judged(tmp_path, other)), "another model's"


def test_a_shadow_s_skew_is_a_warning(tmp_path):
    case, _, now = windows()
    live = served.rows(case, now)
    rows = live + served.shadow(live, **changed("ratio", lambda v: v + 1))
    finding = found(judged(tmp_path, rows))["skew", "ratio"]
    assert finding.level == "warning"
    assert "of bundle aaaaaaaa" in finding.evidence


SHARES = [("late", "late_events"), ("unknown", "unknown_entities"), ("stale", "stale_state")]


@pytest.mark.parametrize(("flag", "check"), SHARES)
def test_a_day_of_flags_is_an_alert_with_its_day(tmp_path, flag, check):
    case, _, now = windows()
    rows = served.rows(case, now, flags=lambda r: [flag] if r["received"].day == 20 else [])
    finding = found(judged(tmp_path, rows))[check, None]
    assert (finding.level, finding.since) == ("alert", "2025-06-20")
    assert finding.evidence.startswith("100.0% of the events of 2025-06-20")


def test_refusals_are_named_by_column(tmp_path):
    refused = [("2025-06-20", "size", "range", 40), ("2025-06-20", "colour", "set", 2)]
    finding = found(judged(tmp_path, refused=refused))["refused_events", None]
    assert finding.level == "alert"
    assert "size: range (40), colour: set (2)" in finding.evidence


def test_a_service_that_refuses_everything_is_an_alert(tmp_path):
    case, past, now = windows()
    folder = served.seal(
        tmp_path / "served", served.rows(case, now), [("2025-06-20", "size", "range", 500)]
    )
    (folder / "predictions-2025-06.parquet").unlink()
    both = (served.scored(case, past, shop.LAST - 14), served.scored(case, now))
    mark = ModelMark(served.BUNDLE, logged_definitions.of(case))
    seen = watch.watch(case, served_files.read(folder, both), both, mark, GAIN, LIMITS, 3)
    assert found(seen)["refused_events", None].level == "alert"
    assert found(seen)["refused_events", None].size == 1
    assert seen.report.events == 0


def test_a_service_without_traffic_says_nothing(tmp_path):
    case, past, now = windows()
    folder = served.seal(tmp_path / "served", [])
    both = (served.scored(case, past, shop.LAST - 14), served.scored(case, now))
    mark = ModelMark(served.BUNDLE, logged_definitions.of(case))
    assert watch.watch(case, served_files.read(folder, both), both, mark, GAIN, LIMITS, 3) is None


def test_a_feature_that_was_never_logged_differs(tmp_path):
    case, _, now = windows()
    rows = served.rows(
        case,
        now,
        computed=lambda r: {
            "double": r["computed"]["double"],
            "colour_code": r["computed"]["colour_code"],
        },
    )
    finding = found(judged(tmp_path, rows))["skew", "ratio"]
    assert (finding.size, finding.level) == (1.0, "warning")
    assert "served none" in finding.evidence
    old = [{**r, "definitions": "0" * 32, "bundle": served.OLDER} for r in rows]
    assert ("skew", "ratio") not in found(judged(tmp_path, old)), (
        "older definitions may not have it"
    )


def test_a_skew_of_the_last_day_is_judged_by_that_day(tmp_path):
    case, _, now = windows()
    last = changed("double", lambda v: v * 2, lambda row: row["sequence"] >= 836)
    finding = found(judged(tmp_path, served.rows(case, now, **last)))["skew", "double"]
    assert finding.size < 0.01
    assert finding.level == "alert", "five of 60"


def test_one_flag_is_no_finding_beyond_chance(tmp_path):
    case, _, now = windows()
    rows = served.rows(case, now, flags=lambda r: ["late"] if r["sequence"] == 100 else [])
    assert judged(tmp_path, rows).findings == ()


def test_too_few_events_cannot_tell(tmp_path):
    case, past, now = windows()
    few = {name: values[-30:] for name, values in now.items()}
    seen = judged(tmp_path, served.rows(case, few, flags=["late"]), of=(case, past, now))
    assert {s.cannot_tell for s in seen.report.shares} == {"30 events, 50 are needed"}
    assert seen.findings == ()


def test_slow_answers_and_a_state_that_lags(tmp_path):
    case, _, now = windows()
    slow = served.rows(case, now, micros=lambda r: 2_000_000 if r["received"].day == 20 else 900)
    assert found(judged(tmp_path, slow))["latency", None].since == "2025-06-20"
    lagging = served.rows(case, now, watermark=lambda r: max(0, r["sequence"] - 3))
    assert found(judged(tmp_path, lagging))["state_age", None].level == "alert"
    wide = Monitor(served=ServedLimits(latency_ms=LevelLimits(warning=5e3, alert=5e3)))
    assert judged(tmp_path, slow, limits=wide).findings == ()


def test_shadows_are_compared_with_what_was_answered(tmp_path):
    case, _, now = windows()
    live = served.rows(case, now)
    other = {"score": lambda r: [r["score"][0] + 0.25], "alarm": True}
    seen = judged(tmp_path, live + served.shadow(live, **other))
    (one,) = seen.report.shadow
    alarms = sum(r["alarm"] for r in live)
    assert (one.rows, one.largest_difference) == (840, pytest.approx(0.25))
    assert one.other_alarms == one.other_decisions == 840 - alarms
    arms = {a.arm: a for a in seen.report.arms}
    assert (arms["champion"].share, arms["challenger"].share) == (1.0, None)
    assert arms["challenger"].quality == arms["champion"].quality, "the same ranking"


def test_bundles_are_judged_one_by_one(tmp_path):
    case, _, now = windows()
    rows = served.rows(
        case,
        now,
        bundle=lambda r: served.OLDER if r["sequence"] <= 420 else served.BUNDLE,
        score=lambda r: [1 - r["score"][0] if r["sequence"] <= 420 else r["score"][0]],
    )
    seen = judged(tmp_path, rows)
    better, worse = seen.report.quality
    assert worse.value.value < better.value.value
    assert (worse.bundle, better.bundle) == (served.OLDER, served.BUNDLE)
    assert ("served_quality", None) not in found(seen), "it answers no more"


def test_a_loss_of_what_answers_now_is_reported(tmp_path):
    case, _, now = windows()
    rows = served.rows(case, now, bundle=served.OLDER, score=lambda r: [1 - r["score"][0]])
    finding = found(judged(tmp_path, rows))["served_quality", None]
    assert finding.level == "alert"


@pytest.mark.parametrize("problem", ["classification", "regression"])
@pytest.mark.parametrize("timed", [True, False])
def test_every_kind_of_use_case(tmp_path, problem, timed):
    of = windows(problem, timed)
    case, _, now = of
    seen = judged(tmp_path, served.rows(case, now), of=of)
    assert seen.findings == ()
    assert seen.report.quality[0].value is not None
    skewed = served.rows(case, now, **changed("double", lambda v: v + 1))
    assert {f.column for f in judged(tmp_path, skewed, of=of).findings} == {"double"}


def test_the_reference_s_blocked_events_count_as_well(tmp_path):
    """The reference's table lacks what was blocked: one alarm in five passed, and stands for the others."""
    case, past, now = windows()
    whole = judged(tmp_path / "whole", of=(case, past, now)).report.quality[0].reference.value
    past_rows = served.rows(
        case,
        past,
        propensity=lambda r: 1.0 if not r["alarm"] else 0.2 if r["sequence"] % 5 == 0 else 0.8,
        action=lambda r: "alarm" if r["alarm"] and r["sequence"] % 5 else "none",
    )
    blocked = {r["key"] for r in past_rows if r["action"] == "alarm"}
    kept = ~np.isin(past["number"], list(blocked))
    left = {name: values[kept] for name, values in past.items()}
    start = len(past_rows)
    rows = [
        {**r, "sequence": r["sequence"] + start, "key": r["key"] + 10_000}
        for r in served.rows(case, now)
    ]
    now = {**now, "number": now["number"] + 10_000}
    seen = judged(tmp_path, past_rows + rows, of=(case, left, now))
    reference = seen.report.quality[0].reference
    assert reference.low < whole < reference.high
    unweighted = metrics.average_precision(left["bad"], served.score(case, left))
    assert unweighted < reference.low
    assert seen.report.events == len(rows), "of the current window"


def test_a_decision_that_never_gets_a_label_is_taken_to_withhold_it(tmp_path):
    case, past, now = windows()
    rows = served.rows(case, now, decision=lambda r: "block" if r["score"][0] > 0.6 else "approve")
    rows = [{**r, "action": r["decision"]} for r in rows]
    blocked = np.isin(now["number"], [r["key"] for r in rows if r["decision"] == "block"])
    without = {**now, "bad": np.where(blocked, np.nan, now["bad"])}
    seen = judged(tmp_path, rows, of=(case, past, without))
    reason = seen.report.quality[0].cannot_tell
    assert "0 passed by chance: 5 are needed: let more of them pass (`serve.explore`)" in reason
    finding = found(seen)["withheld", None]
    assert finding.level == "warning"
    assert "by the decision block, and none passes by chance" in finding.evidence
    assert ("withheld", None) not in found(judged(tmp_path, rows, of=(case, past, now)))


def test_a_damaged_month_is_named(tmp_path):
    case, past, now = windows()
    folder = served.seal(tmp_path / "served", served.rows(case, now))
    (folder / "predictions-2025-06.parquet").write_bytes(b"none")
    with pytest.raises(PlumblineError, match=r"predictions-2025-06.parquet: not Parquet"):
        served_files.read(
            folder, (served.scored(case, past, shop.LAST - 14), served.scored(case, now))
        )


def test_reads_say_what_a_feature_is_made_of():
    assert feature_skew.reads(served.usecase(), "ratio") == ("double", "size", "who_count_7d")


def test_what_is_over_is_dated_and_stops_no_retraining(tmp_path):
    case, _, now = windows()
    gone = changed("double", lambda v: v * 2, lambda row: row["received"].day == 20)
    flags = lambda row: ["stale"] if row["received"].day in (19, 20) else []  # noqa: E731
    seen = judged(tmp_path, served.rows(case, now, flags=flags, **gone))
    skew, stale = found(seen)["skew", "double"], found(seen)["stale_state", None]
    assert (skew.level, skew.since, skew.until) == ("alert", "2025-06-20", "2025-06-20")
    assert (stale.level, stale.since, stale.until) == ("alert", "2025-06-19", "2025-06-20")
    loss = verdict.Finding("quality", "alert", 0.5, "relative loss", "worse")
    assert verdict.retrain([skew, loss], judged=True)[0]


def test_a_fault_of_the_service_is_not_learned_from():
    skew = verdict.Finding("skew", "alert", 0.5, "share of rows", "differs", column="double")
    loss = verdict.Finding("quality", "alert", 0.5, "relative loss", "worse")
    again, why = verdict.retrain([skew, loss], judged=True)
    assert not again
    assert "repair the service first (double)" in why
