"""The monitor on windows with a known truth: silence without harm, a page with it."""

from __future__ import annotations

import numpy as np

from plumbline.monitoring import drift_pictures, drift_report, monitor_json
from plumbline.monitoring import watch as monitoring
from plumbline.monitoring.window import window
from plumbline.params import Monitor
from tests.shop import DELAY, LAST, table, usecase

LIMITS = Monitor(bootstrap=100, rows=500)
GAIN = {"size": 0.6, "colour_code": 0.3, "spare": 0.001, "rate": 0.099}


def score(columns):
    """What the model would say: it looks at size and colour."""
    size = np.nan_to_num(np.asarray(columns.get("size", np.zeros(len(columns["number"]))), float))
    return 1 / (1 + np.exp(-1.5 * (size + (columns["colour"] == "red") - 2)))


def look(past=None, now=None, case=None, answers=score, last=LAST):
    case = case or usecase()
    past = table(28, LAST - 14, seed=1) if past is None else past
    now = table(14, seed=2, unknown=DELAY) if now is None else now
    windows = window(case, past, answers(past)), window(case, now, answers(now), last)
    return monitoring.observe(case, GAIN, *windows, LIMITS, seed=0)


def levels(seen):
    return {(f.check, f.column): f.level for f in seen.findings}


def test_no_drift_is_fine():
    for seed in range(10):
        seen = look(table(28, LAST - 14, seed=100 + seed), table(14, seed=seed, unknown=DELAY))
        assert seen.level == "fine", levels(seen)
    out = monitor_json.result(seen)
    assert out["retrain"] == {
        "now": False,
        "why": "known labels show no loss of quality beyond noise",
    }
    assert out["blind"] == {
        "first": "2025-06-27",
        "last": "2025-06-29",
        "until": "2025-07-03",
        "rows": 180,
    }
    assert out["quality"]["rows"]["current"] == 7 * 60
    assert out["windows"]["current"]["labelled"] == 11 * 60
    assert [w["rows"] for w in out["weeks"]] == [420] * 6


def test_weekdays_do_not_raise_alarm():
    """Nine days hold two Saturdays and two Sundays, a week and its reference one in seven each."""
    assert look(now=table(9, seed=2)).level == "fine"
    assert look(now=table(12, seed=3), past=table(25, LAST - 14, seed=1)).level == "fine"


def test_a_shift_that_the_model_feels_pages():
    now = table(14, seed=2)
    now["size"] = now["size"] + 1.5
    seen = look(now=now)
    found = levels(seen)
    assert found[("drift", "size")] == "page"
    assert found[("prediction", None)] == "page"
    assert monitor_json.result(seen)["drift_felt"] > 0.5


def test_a_shift_that_the_score_does_not_follow_is_watched():
    now = table(14, seed=2)
    now["rate"] = np.where(now["rate"] < 1.5, now["rate"] + 1.5, now["rate"])
    assert levels(look(now=now)) == {("drift", "rate"): "watch"}


def test_what_the_reference_s_own_weeks_do_is_no_drift():
    past, now = table(28, LAST - 14, seed=1), table(14, seed=2)
    week = np.arange(28 * 60) // (7 * 60)
    past["spare"] = past["spare"] / 3 + np.array([0.0, 1.0, 0.2, 0.9])[week]
    now["spare"] = now["spare"] / 3 + 0.8
    assert levels(look(past, now)) == {}
    steady = {**past, "spare": past["spare"][np.random.default_rng(0).permutation(28 * 60)]}
    assert levels(look(steady, now)) == {("drift", "spare"): "watch"}


def test_a_shift_in_an_unused_column_is_watched():
    now = table(14, seed=2)
    now["spare"] = now["spare"] + 3
    seen = look(now=now)
    assert levels(seen)[("drift", "spare")] == "watch"
    assert seen.level == "watch"
    assert not monitor_json.result(seen)["retrain"]["now"]


def test_an_all_null_and_a_missing_column_are_said():
    now = table(14, seed=2)
    now["size"] = np.full(len(now["size"]), np.nan)
    del now["spare"], now["colour"]
    seen = look(now=now, answers=lambda c: np.zeros(len(c["number"])))
    assert levels(seen) == {
        ("all_null", "size"): "page",
        ("missing", "colour"): "page",
        ("missing", "spare"): "watch",
    } | {k: v for k, v in levels(seen).items() if k[0] in ("quality", "label")}
    out = monitor_json.result(seen)
    assert out["retrain"]["now"] is False
    assert out["retrain"]["why"].startswith("refused: mend the input first (colour, size)")
    assert {"problem": "not in the current table"}.items() <= {
        c["name"]: c for c in out["columns"]
    }["colour"].items()


def test_a_column_missing_from_the_reference_is_said():
    past = table(28, LAST - 14, seed=1)
    del past["spare"]
    [one] = look(past=past).findings
    assert (one.check, one.evidence) == ("missing", "not in the reference table")


def test_text_in_place_of_numbers_is_said():
    now = table(14, seed=2)
    now["spare"] = np.full(len(now["spare"]), "n/a", object)
    assert levels(look(now=now)) == {("type", "spare"): "watch"}


def test_constant_new_and_extreme_values_are_said():
    now = table(14, seed=2)
    now["rate"] = np.full(len(now["rate"]), 0.1)
    now["colour"] = np.where(np.arange(len(now["size"])) % 5, now["colour"], "violet")
    now["size"] = np.where(np.arange(len(now["size"])) % 20, now["size"], 100 * now["size"])
    found = levels(look(now=now))
    assert found[("constant", "rate")] == "page"
    assert found[("unseen", "colour")] == "page"
    assert found[("outside", "size")] in ("watch", "page")


def test_swapped_windows_tell_another_story():
    """New values are those of the current window, and a loss is a loss only one way round."""
    past, now = table(28, LAST - 14, seed=1), table(14, seed=2)
    now["colour"] = np.where(np.arange(len(now["size"])) % 5, now["colour"], "violet")
    assert ("unseen", "colour") in levels(look(past, now))
    back = {**now, "at": now["at"] - np.timedelta64(28, "D")}
    forth = {**past, "at": past["at"] + np.timedelta64(14, "D")}
    assert ("unseen", "colour") not in levels(look(back, forth))


def test_labels_that_show_a_loss_page_and_retrain():
    now = table(21, seed=2, unknown=DELAY)
    known = ~np.isnan(now["bad"])
    now["bad"] = np.where(known, np.random.default_rng(5).permutation(now["bad"] == 1), np.nan)
    seen = look(now=now, past=table(28, LAST - 21, seed=1))
    assert levels(seen)[("quality", None)] == "page"
    assert monitor_json.result(seen)["retrain"]["now"] is True
    assert monitor_json.figures(seen)["loss"] > 0.3


def test_missing_days_and_empty_windows():
    late = table(14, seed=2)
    cut = late["at"] < (LAST - 9).astype("datetime64[us]")
    early = {name: values[cut] for name, values in late.items()}
    assert levels(look(now=early))[("rows", None)] == "page"
    none = {name: values[:0] for name, values in late.items()}
    seen = look(now=none)
    assert levels(seen) == {("rows", None): "page"}
    assert monitor_json.result(seen)["retrain"]["why"].startswith("refused")
    one = {name: values[-1:] for name, values in late.items()}
    assert set(levels(look(now=one))) <= {("rows", None)}
    assert look(past=none).level == "fine"


def test_overdue_labels_are_said():
    now = table(14, seed=2, unknown=12)
    assert levels(look(now=now))[("unlabelled", None)] == "page"
    assert ("unlabelled", None) not in levels(look(now=table(14, seed=2, unknown=DELAY)))


def test_a_plain_table_without_time():
    case = usecase("regression", timed=False)
    pair = [table(28, seed=s, problem="regression") for s in (1, 2)]
    for one in pair:
        del one["at"]
    seen = look(pair[0], pair[1], case, last=None)
    assert seen.level == "fine"
    out = monitor_json.result(seen)
    assert (out["blind"], out["weeks"]) == (None, [])
    assert out["quality"]["metric"] == "mae"
    assert out["quality"]["rows"] == {"reference": 28 * 60, "current": 28 * 60}
    shifted = {**pair[1], "bad": pair[1]["bad"] + 3}
    assert levels(look(pair[0], shifted, case, last=None))[("quality", None)] == "page"


def test_importance_of_a_code_goes_to_its_column():
    shares = monitoring.importance(usecase(), GAIN)
    assert shares["colour"] == 0.3
    assert "colour_code" not in shares
    kinds = monitoring.monitored(usecase())
    assert kinds == {
        "who": "identifier",
        "size": "numeric",
        "rate": "numeric",
        "colour": "category",
        "spare": "numeric",
    }


def test_pictures_show_the_worst_columns_first(tmp_path):
    now = table(14, seed=2)
    now["spare"] = now["spare"] + 3
    made = drift_pictures.draw(tmp_path, look(now=now))
    assert [p.name for p in made] == ["drift.svg", "score.svg", "weeks.svg"]
    text = (tmp_path / "drift.svg").read_text()
    assert text.index("spare (0%)") > text.index("size (60%)"), "drawn from the bottom up"


def test_the_sample_is_bounded_seeded_and_in_order():
    whole = window(usecase(), table(28), np.arange(28.0 * 60))
    got = drift_report.sample(whole, 100, seed=1)
    assert got.rows == 100
    assert (np.diff(got.score) > 0).all()
    assert (got.score == drift_report.sample(whole, 100, seed=1).score).all()
    assert drift_report.sample(whole, 10_000, seed=1) is whole
