"""The monitor on streams with a known truth: silence without harm, an alert with it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.core import tables
from plumbline.core.stored_columns import StoredColumns
from plumbline.monitor import build_result, day_history, drift_plots, evidently_frames, observe
from plumbline.monitor.params import Monitor
from plumbline.monitor.window import window
from tests.shop import DELAY, LAST, table, usecase

LIMITS = Monitor(bootstrap=100, rows=500)
GAIN = {"size": 0.6, "colour_code": 0.3, "spare": 0.001, "rate": 0.099}
PER_DAY = 100


def score(columns):
    """What the model would say: it looks at size and colour."""
    size = np.nan_to_num(np.asarray(columns.get("size", np.zeros(len(columns["number"]))), float))
    return 1 / (1 + np.exp(-1.5 * (size + (columns["colour"] == "red") - 2)))


def days(count=14, seed=2, **more):
    return table(count, per_day=PER_DAY, seed=seed, **more)


def before(count=35, last=LAST - 14, seed=1, **more):
    return table(count, last, PER_DAY, seed, **more)


def look(past=None, now=None, case=None, answers=score, last=LAST, limits=LIMITS):
    case = case or usecase()
    past = before() if past is None else past
    now = days(unknown=DELAY) if now is None else now
    windows = window(case, past, answers(past)), window(case, now, answers(now), last)
    return observe.observe(case, GAIN, *windows, limits, seed=0)


def since(columns, name, values, back=4):
    """`values` in place of the column's, in the last `back` days."""
    late = columns["at"] >= (LAST - back + 1).astype("datetime64[us]")
    return {**columns, name: np.where(late, values, columns[name])}


def levels(seen):
    return {(f.check, f.column): f.level for f in seen.findings}


def by_check(seen):
    return {(f.check, f.column): f for f in seen.findings}


def test_no_drift_is_fine():
    """Three streams of two weeks: at most one warning, no alert (the promise is one day in 30 and 200)."""
    built = [look(before(seed=100 + s), days(seed=s, unknown=DELAY)) for s in range(3)]
    assert "alert" not in [j.level for seen in built for j in seen.days]
    assert sum(j.level == "warning" for seen in built for j in seen.days) <= 2
    out = build_result.build(built[0], LIMITS)
    assert out.promise == "one false alert in 200 days"
    assert out.retrain.now is False
    assert out.blind.plain() == {
        "first": "2025-06-27",
        "last": "2025-06-29",
        "until": "2025-07-03",
        "rows": 300,
    }
    assert [d.day for d in out.days] == [str(LAST - 13 + k) for k in range(14)]
    assert [d.quality is None for d in out.days] == [False] * 11 + [True] * 3
    assert out.windows.current.labelled == 11 * PER_DAY
    assert out.estimate.muted is None
    assert 0 < out.estimate.value < 1


@pytest.mark.capability("K5")
def test_a_shift_that_moves_the_scores_is_an_alert():
    now = days()
    seen = look(now=since(now, "size", now["size"] + 1.5))
    assert levels(seen)[("drift", "size")] == "alert"
    assert levels(seen)[("prediction", None)] == "alert"
    assert by_check(seen)[("drift", "size")].since == str(LAST - 3)
    assert [j.level == "alert" for j in seen.days] == [False] * 10 + [True] * 4


def test_a_shift_that_the_score_does_not_follow_is_a_warning():
    now = days()
    seen = look(now=since(now, "rate", now["rate"] + 0.3))
    assert levels(seen)[("drift", "rate")] == "warning"
    assert seen.level == "warning"


def test_days_with_an_alert_do_not_enter_the_baseline():
    """Two weeks of a fault: the last day is as clear as the first."""
    now = days()
    now["size"] = now["size"] + 1.5
    seen = look(now=now)
    assert {j.level for j in seen.days} == {"alert"}
    assert by_check(seen)[("drift", "size")].since == str(LAST - 13)


def test_the_cause_is_named():
    now = days()
    rows = np.arange(len(now["size"]))
    big = {**now, "size": np.rint(np.exp(now["size"] + 8))}
    past = before()
    past["size"] = np.rint(np.exp(past["size"] + 8))
    seen = look(past, since(big, "size", np.where(rows % 10, 1, 100) * big["size"]), answers=flat)
    one = by_check(seen)[("unit", "size")]
    assert one.level == "alert"
    assert one.cause.startswith("size x100 in ")
    assert ("outside", "size") not in levels(seen), "its cause says it all"
    stuck = look(past, since(big, "size", np.where(rows % 10, big["size"], 1999)), answers=flat)
    assert "stuck at 1999" in by_check(stuck)[("stuck", "size")].cause


def test_another_mix_of_events_is_no_other_unit():
    """A third of the rows weighs a hundred times as much, and is of another colour: other wares came."""
    past, now = before(), days()
    for one in (past, now):
        one["size"] = np.rint(np.exp(one["size"] + 8))
    rows = np.arange(len(now["size"])) % 3 == 0
    moved = since(now, "size", np.where(rows, 100.0 * now["size"], now["size"]))
    assert ("unit", "size") in levels(look(past, moved, answers=flat))
    other = since(moved, "colour", np.where(rows, "blue", moved["colour"]))
    result = levels(look(past, other, answers=flat))
    assert ("unit", "size") not in result
    assert result[("drift", "colour")] == "warning"


def flat(columns):
    return np.linspace(0, 1, len(columns["number"]))


@pytest.mark.mltest("Monitor 2")
def test_nulls_new_values_and_constants_are_reported():
    now = days()
    rows = np.arange(len(now["size"]))
    now = since(now, "rate", 0.1)
    now = since(now, "size", np.where(rows % 10, now["size"], np.nan))
    now = since(now, "colour", np.where(rows % 5, now["colour"], "violet"))
    result = by_check(look(now=now))
    assert result[("constant", "rate")].level == "alert"
    assert result[("null_share", "size")].level == "alert"
    assert result[("unseen", "colour")].cause == "new colour 'violet'"


def test_faults_of_the_whole_input_are_named():
    now = days()
    late = now["at"] >= (LAST - 1).astype("datetime64[us]")
    hour = (now["at"] - now["at"].astype("datetime64[D]")).astype("m8[h]").astype(int)
    cut = {n: v[~(late & (hour >= 12))] for n, v in now.items()}
    result = by_check(look(now=cut))
    assert result[("hours", "at")].cause == "nothing after 12:00"
    assert ("rows", None) not in result, "the missing hours say it all"
    twice = np.repeat(np.arange(len(late)), 1 + (late & (np.arange(len(late)) % 5 == 0)))
    result = by_check(look(now={n: v[twice] for n, v in now.items()}))
    assert result[("repeated", "number")].level == "alert"


def test_an_all_null_and_a_missing_column_are_reported():
    now = days()
    now["size"] = np.full(len(now["size"]), np.nan)
    del now["spare"], now["colour"]
    seen = look(now=now, answers=lambda c: np.zeros(len(c["number"])))
    result = levels(seen)
    assert result[("all_null", "size")] == "alert"
    assert result[("missing", "colour")] == "alert"
    assert result[("missing", "spare")] == "warning", "the model hardly uses it"
    out = build_result.build(seen, LIMITS)
    assert out.retrain.now is False
    assert out.retrain.why.startswith("refused: repair the input first (colour, size)")
    assert out.estimate.muted.startswith("inputs are invalid: colour, size")
    assert out.estimate.value is None
    assert {c.name: c for c in out.columns}["colour"].problem == "not in the table"


def test_text_in_place_of_numbers_is_reported():
    now = days()
    now["spare"] = np.full(len(now["spare"]), "n/a", object)
    assert levels(look(now=now))[("type", "spare")] == "warning"


@pytest.mark.capability("K8")
@pytest.mark.mltest("Monitor 7")
def test_labels_that_show_a_loss_are_an_alert_and_retrain():
    now = days(21, unknown=DELAY)
    known = ~np.isnan(now["bad"])
    now["bad"] = np.where(known, np.random.default_rng(5).permutation(now["bad"] == 1), np.nan)
    seen = look(now=now, past=before(last=LAST - 21))
    result = by_check(seen)[("quality", None)]
    assert result.level == "alert"
    alerts = [str(j.day) for j in seen.days if j.level == "alert"]
    assert alerts[0] <= str(LAST - 20 + DELAY + 7), "within a week of the first labels"
    assert alerts[0] >= str(LAST - 20 + DELAY), "blind before"
    assert build_result.build(seen, LIMITS).retrain.now is True
    assert build_result.figures(seen, LIMITS)["loss"] > 0.3


def test_a_label_counts_from_the_day_on_which_it_was_known():
    now = days(unknown=DELAY)
    wrong = since(
        now, "bad", 1 - now["bad"], back=8
    )  # the labels known by the last day show a loss
    due = wrong["at"] + np.timedelta64(DELAY, "D")
    punctual = look(now={**wrong, "known_at": due})
    assert levels(punctual) == levels(look(now=wrong))
    assert "quality" in {check for check, _ in levels(punctual)}
    late = look(now={**wrong, "known_at": due + np.timedelta64(30, "D")})
    assert not {"quality", "calibration"} & {f.check for day in late.days for f in day.findings}
    assert "known_at" not in late.now.columns


def test_missing_days_and_empty_windows():
    late = days()
    cut = late["at"] < (LAST - 2).astype("datetime64[us]")
    early = {name: values[cut] for name, values in late.items()}
    seen = look(now=early)
    assert [j.level for j in seen.days][-3:] == ["alert"] * 3
    assert by_check(seen)[("rows", None)].since == str(LAST - 2)
    none = {name: values[:0] for name, values in late.items()}
    assert levels(look(now=none)) == {("rows", None): "alert"}
    assert look(past={n: v[:0] for n, v in before().items()}, now=days()).level in ("ok", "warning")


def test_a_short_past_is_stated_and_drift_is_a_warning_at_most():
    now = days()
    seen = look(before(5), since(now, "size", now["size"] + 3.0))
    assert seen.days[0].cold.startswith("5 past periods, 14")
    assert levels(seen).get(("drift", "size")) != "alert"
    few = look(now=table(14, per_day=20, seed=2))
    assert "a longer period_days gathers more" in few.days[-1].cold


def test_weeks_are_judged_where_days_are_few():
    limits = Monitor(bootstrap=50, period_days=7, min_history=5)
    past = before(84)
    now = days()
    seen = look(past, now, limits=limits)
    assert [str(j.day) for j in seen.days] == [str(LAST - 13), str(LAST - 6)]
    assert seen.level != "alert"
    assert build_result.build(seen, limits).promise == "one false alert in 200 weeks"
    bad = look(past, since(now, "size", now["size"] + 1.5, back=7), limits=limits)
    assert [j.level == "alert" for j in bad.days] == [False, True]


def test_overdue_labels_are_reported():
    assert levels(look(now=days(unknown=12)))[("unlabelled", None)] == "alert"
    assert ("unlabelled", None) not in levels(look(now=days(unknown=DELAY)))


@pytest.mark.mltest("Monitor 4")
@pytest.mark.capability("K22")
def test_an_old_model_is_due():
    """28 days after its own windows ended: a new model would be as much younger."""
    limits = Monitor(bootstrap=50, shelf_life_days=60)
    seen = look(before(last=LAST - 14 - 28), limits=limits)
    out = build_result.build(seen, limits)
    assert (out.shelf_life.age_days, build_result.age_when_made(seen)) == (77 + DELAY, 49 + DELAY)
    assert out.retrain.plain() == {
        "now": True,
        "why": f"the model is {77 + DELAY} days old, its measured shelf life is 60 days",
    }


def test_a_model_that_no_retraining_makes_younger_is_not_due():
    limits = Monitor(bootstrap=50, shelf_life_days=30)
    out = build_result.build(look(limits=limits), limits)
    assert not out.retrain.now
    assert f"a new model would be {49 + DELAY} days old" in out.shelf_life.text
    assert "features.test_days" in out.shelf_life.text


def test_without_a_measured_shelf_life_the_command_that_measures_it_is_named():
    out = build_result.build(look(), LIMITS)
    assert out.shelf_life.days is None
    assert "plumbline backtest --keep" in out.shelf_life.text


@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_a_plain_table_without_time(problem):
    case = usecase(problem, timed=False)
    pair = [table(28, seed=s, problem=problem) for s in (1, 2)]
    for one in pair:
        del one["at"]
    seen = look(*pair, case, last=None)
    assert seen.level != "alert"
    out = build_result.build(seen, LIMITS)
    assert (out.blind, out.weeks, out.days[0].day) == (None, (), None)
    assert out.quality.rows.plain() == {"reference": 28 * 60, "current": 28 * 60}
    shifted = {**pair[1], "size": pair[1]["size"] + 0.6}
    assert levels(look(pair[0], shifted, case, last=None))[("drift", "size")] == "alert"


def test_pictures_tell_the_days(tmp_path):
    seen = look()
    rows = day_history.rows(build_result.build(seen, LIMITS), "abc")
    built = drift_plots.draw(tmp_path, seen, rows)
    assert [p.name for p in built] == ["score.svg", "days.svg"]
    assert drift_plots.COLOURS["ok"] in (tmp_path / "days.svg").read_text()


def test_distributions_are_of_the_found_columns_first():
    now = days()
    out = build_result.build(look(now=since(now, "spare", now["spare"] + 3)), LIMITS)
    first = out.distributions[0]
    assert first.name == "spare"
    assert len(first.bins) == len(first.reference) == len(first.current)
    assert sum(first.current) == pytest.approx(1.0)
    assert out.distributions[-1].name == "score"
    assert {s.value for s in out.segments} >= {"red", "green", "blue"}


def test_the_sample_is_bounded_seeded_and_in_order():
    whole = window(usecase(), table(28), np.arange(28.0 * 60))
    got = evidently_frames.sample(whole, 100, seed=1)
    assert got.rows == 100
    assert (np.diff(got.score) > 0).all()
    assert (got.score == evidently_frames.sample(whole, 100, seed=1).score).all()
    assert evidently_frames.sample(whole, 10_000, seed=1) is whole


@pytest.mark.capability("E10")
@pytest.mark.parametrize("timed", [True, False])
def test_windows_on_disk_are_seen_as_those_in_memory_to_the_bit(tmp_path, timed):
    """Columns with nulls, outcomes with a moment, a column missing now; in groups of 97 rows."""
    past, now = before(count=21), since(days(unknown=DELAY), "size", np.nan)
    now = {name: values for name, values in now.items() if name != "spare"}
    case = usecase(timed=timed)
    results = []
    for stored in (False, True):
        windows = []
        for name, columns, last in (("past", past, None), ("now", now, LAST)):
            path = tmp_path / f"{name}.parquet"
            lists = {n: v.tolist() if v.dtype == object else v for n, v in columns.items()}
            pq.write_table(pa.table(lists), path, row_group_size=97)
            own = StoredColumns(path, list(columns)) if stored else tables.read(path)
            windows.append(window(case, own, score(columns), last if timed else None))
        seen = observe.observe(case, GAIN, *windows, LIMITS, seed=0)
        frames = evidently_frames.sample(seen.past, 50, 1), evidently_frames.sample(seen.now, 50, 1)
        drawn = [evidently_frames.frame(seen, one, ["size", "colour"]).to_csv() for one in frames]
        results.append((build_result.build(seen, LIMITS), drawn))
    assert results[0] == results[1]
    assert results[0][0].level == "alert"
