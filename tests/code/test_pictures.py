"""Pictures: there, the same bytes each time, untouched by a user's own matplotlib settings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plumbline.evaluate import curves, evaluation_plots, picture_process
from plumbline.evaluate.evaluate_document import EvaluateDocument
from plumbline.evaluate.evaluation_plots import Drawn
from tests.code.test_modelcard import FIGURES
from tests.code.test_modelcard import POLICY as MODEL_POLICY

RANDOM = np.random.default_rng(1)
LABEL = (RANDOM.random(300) < 0.3).astype(float)
SCORE = np.clip(0.3 * LABEL + 0.6 * RANDOM.random(300), 0, 1)
FIGURE = {"value": 0.5, "low": 0.4, "high": 0.6}
APART = {**FIGURE, "relative": 0.1, "word": "better"}
DIFFERENCES = {"naive": APART, "linear": APART, "constant": APART}
IMPORTANCE = curves.importance({f"f{i}": float(i) for i in range(20)})


def figures(problem: str) -> dict:
    primary = "mae" if problem == "regression" else "average_precision"
    without = ("calibration", "policies")
    return {
        **{name: section for name, section in FIGURES.items() if name not in without},
        "fairness": {},
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


def draw(folder: Path, of: dict, problem: str) -> list[str]:
    return evaluation_plots.draw(folder, drawn(of, problem))


def drawn(of: dict, problem: str) -> Drawn:
    return Drawn("A", EvaluateDocument.model_validate(of), lines(problem), IMPORTANCE)


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
            names = draw(tmp_path / name, figures(problem), problem)
        runs.append({n: (tmp_path / name / n).read_bytes() for n in names})
    assert runs[0] == runs[1]
    assert set(runs[0]) == {"quality.png", "importance.png", "slices.png", "months.png"}
    assert all(data.startswith(b"\x89PNG") and b"Software" not in data for data in runs[0].values())


RATE = {**FIGURE, "of": 5}
POLICY = {"description": "one", **MODEL_POLICY}
BIN = {**FIGURE, "predicted": 0.01, "rows": 90}
NO_BIN = {"value": 0.0, "low": np.nan, "high": np.nan, "predicted": 0.0, "rows": 1}
MORE = {
    "calibration": {
        **FIGURES["calibration"],
        "bins": [NO_BIN, BIN],
        "bins_uncalibrated": [BIN, NO_BIN],
    },
    "policies": {
        **FIGURES["policies"],
        "policies": {
            "nothing": {**POLICY, "cost_a_day": {"value": -5.0, "low": None, "high": None}},
            "model": {**POLICY, "cost_a_day": FIGURE},
        },
    },
    "fairness": {
        "colour": {
            "groups": {
                "red": {"rows": 5, "recall": RATE, "false_alarm_rate": RATE},
                "blue": {
                    "rows": 5,
                    "recall": {"value": np.nan, "low": np.nan, "high": np.nan, "of": 0},
                    "false_alarm_rate": {"value": 0.1, "low": None, "high": None, "of": 1},
                },
            },
            "gaps": {"recall": None, "false_alarm_rate": None},
        }
    },
}


def test_calibration_policies_and_groups_are_drawn_with_and_without_intervals(tmp_path: Path):
    whole = {**figures("classification"), **MORE}
    result = draw(tmp_path, whole, "classification")
    assert {"calibration.png", "policies.png", "fairness.png"} <= set(result)
    assert sorted(result) == sorted(p.name for p in tmp_path.iterdir())


def test_a_plain_table_without_slices_has_two_pictures(tmp_path: Path):
    plain = {**figures("regression"), "slices": {}, "months": None}
    result = draw(tmp_path, plain, "regression")
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
        draw(tmp_path, one, "classification")
        shown.append((tmp_path / "slices.png").read_bytes())
    assert shown[0] != shown[1]


def test_too_few_days_and_many_months_can_be_drawn(tmp_path: Path):
    few = figures("regression")
    none = {"value": 0.5, "low": np.nan, "high": np.nan}
    few["metrics"], few["floors"] = {"mae": none}, {"kind": np.inf}
    few["slices"]["kind"]["$b_"] = {"value": np.nan, "low": np.nan, "high": np.nan, "rows": 1}
    few["months"] = {
        f"2025-{m:02}": {**none, "rows": 9, "differences": {"linear": {**APART, **none}}}
        for m in range(1, 20)
    }
    assert len(draw(tmp_path, few, "regression")) == 4


def test_two_processes_draw_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(picture_process, "LEAST", 0)
    monkeypatch.setenv("PLUMBLINE_WORKERS", "2")
    whole = drawn({**figures("classification"), **MORE}, "classification")
    for name in ("one", "two", "killed"):
        (tmp_path / name).mkdir()
    picture_process.PictureProcess().draw(tmp_path / "one", whole)
    with picture_process.beside([]) as process:
        process.draw(tmp_path / "two", whole)
        assert process.started
    with picture_process.beside([]) as process:
        process.kill()
        process.draw(tmp_path / "killed", whole)
    one, two, killed = (digests(tmp_path / name) for name in ("one", "two", "killed"))
    assert one == two == killed


@pytest.mark.parametrize(("least", "workers"), [(10**9, "2"), (0, "1")])
def test_a_small_table_or_machine_draws_in_one_process(
    monkeypatch: pytest.MonkeyPatch, least: int, workers: str
):
    monkeypatch.setattr(picture_process, "LEAST", least)
    monkeypatch.setenv("PLUMBLINE_WORKERS", workers)
    with picture_process.beside([]) as process:
        assert not process.started


def digests(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
