"""Pictures: there, the same bytes each time, untouched by a user's own matplotlib settings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plumbline.evaluate import curves, plots

RANDOM = np.random.default_rng(1)
LABEL = (RANDOM.random(300) < 0.3).astype(float)
SCORE = np.clip(0.3 * LABEL + 0.6 * RANDOM.random(300), 0, 1)
FIGURE = {"value": 0.5, "low": 0.4, "high": 0.6}
DIFFERENCES = {"naive": FIGURE, "linear": FIGURE, "constant": FIGURE}
IMPORTANCE = curves.importance({f"f{i}": float(i) for i in range(20)})


def figures(problem: str) -> dict:
    primary = "mae" if problem == "regression" else "average_precision"
    return {
        "problem": problem,
        "primary": primary,
        "metrics": {primary: FIGURE},
        "slices": {
            "kind": {
                "a": {**FIGURE, "rows": 200},
                "b": {"value": 0.3, "low": np.nan, "high": np.nan, "rows": 2},
            }
        },
        "floors": {"kind": 0.25},
        "months": {
            m: {**FIGURE, "rows": 9, "differences": DIFFERENCES} for m in ("2025-01", "2025-02")
        },
    }


def lines(problem: str) -> dict:
    if problem == "regression":
        return {
            "calibration": {"model": curves.calibration(LABEL, SCORE, np.arange(300) % 9)},
            "residuals": {"model": curves.residuals(LABEL, SCORE)},
            "errors": {n: curves.errors(LABEL, SCORE) for n in ("model", "linear", "constant")},
        }
    return {
        "calibration": {"model": curves.calibration(LABEL, SCORE, np.arange(300) % 9)},
        "precision_recall": {n: curves.precision_recall(LABEL, SCORE) for n in ("model", "naive")},
        "roc": {n: curves.roc(LABEL, SCORE) for n in ("model", "naive")},
    }


@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_the_same_figures_give_the_same_bytes(problem: str, tmp_path: Path):
    import matplotlib as mpl

    runs = []
    for name, settings in (("one", {}), ("two", {"font.size": 30, "axes.facecolor": "red"})):
        (tmp_path / name).mkdir()
        with mpl.rc_context(settings):
            names = plots.draw(tmp_path / name, "A", figures(problem), lines(problem), IMPORTANCE)
        runs.append({n: (tmp_path / name / n).read_bytes() for n in names})
    assert runs[0] == runs[1]
    assert set(runs[0]) == {"quality.png", "importance.png", "slices.png", "months.png"}
    assert all(data.startswith(b"\x89PNG") and b"Software" not in data for data in runs[0].values())


BIN = {**FIGURE, "predicted": 0.01, "rows": 90}
NO_BIN = {"value": 0.0, "low": np.nan, "high": np.nan, "predicted": 0.0, "rows": 1}
MORE = {
    "calibration": {"kind": "platt", "bins": [NO_BIN, BIN], "bins_uncalibrated": [BIN, NO_BIN]},
    "policies": {
        "unit": "cents",
        "policies": {
            "nothing": {"cost_a_day": {"value": -5.0, "low": None, "high": None}},
            "model": {"cost_a_day": FIGURE},
        },
    },
    "fairness": {
        "colour": {
            "groups": {
                "red": {"rows": 5, "recall": FIGURE, "false_alarm_rate": FIGURE},
                "blue": {
                    "rows": 5,
                    "recall": {"value": np.nan, "low": np.nan, "high": np.nan},
                    "false_alarm_rate": {"value": 0.1, "low": None, "high": None},
                },
            },
            "gaps": {"recall": None, "false_alarm_rate": None},
        }
    },
}


def test_calibration_policies_and_groups_are_drawn_with_and_without_intervals(tmp_path: Path):
    whole = {**figures("classification"), **MORE}
    result = plots.draw(tmp_path, "A", whole, lines("classification"), IMPORTANCE)
    assert {"calibration.png", "policies.png", "fairness.png"} <= set(result)
    assert sorted(result) == sorted(p.name for p in tmp_path.iterdir())


def test_a_plain_table_without_slices_has_two_pictures(tmp_path: Path):
    plain = {**figures("regression"), "slices": {}, "months": None}
    result = plots.draw(tmp_path, "A", plain, lines("regression"), IMPORTANCE)
    assert (
        sorted(p.name for p in tmp_path.iterdir())
        == sorted(result)
        == ["importance.png", "quality.png"]
    )


def test_another_figure_is_another_picture(tmp_path: Path):
    shown = []
    for value in (0.45, 0.55):
        one = figures("classification")
        one["slices"]["kind"]["a"] = {**FIGURE, "value": value, "rows": 200}
        plots.draw(tmp_path, "A", one, lines("classification"), IMPORTANCE)
        shown.append((tmp_path / "slices.png").read_bytes())
    assert shown[0] != shown[1]


def test_too_few_days_and_many_months_can_be_drawn(tmp_path: Path):
    few = figures("regression")
    none = {"value": 0.5, "low": np.nan, "high": np.nan}
    few["metrics"], few["floors"] = {"mae": none}, {"kind": np.inf}
    few["slices"]["kind"]["$b_"] = {"value": np.nan, "low": np.nan, "high": np.nan, "rows": 1}
    few["months"] = {
        f"2025-{m:02}": {**none, "differences": {"linear": none}} for m in range(1, 20)
    }
    assert len(plots.draw(tmp_path, "A", few, lines("regression"), IMPORTANCE)) == 4
