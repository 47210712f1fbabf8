"""The stage tune: the best trial is the best on the validation window, and is what it says."""

from __future__ import annotations

import csv
import json
import logging
from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline.core import dvc_hash, usecase_loader
from plumbline.core.errors import ParamsError, PlumblineError
from plumbline.metrics import metrics
from plumbline.runtime import progress
from plumbline.tune import search
from plumbline.tune.search import Trial
from stages import train as train_stage
from stages import tune as stage
from tests.boosting import COSTS, parcels, write

SPACE = {"eta": {"loguniform": [0.01, 0.5]}, "max_depth": {"int": [1, 5]}}


def project(
    folder: Path, monkeypatch: pytest.MonkeyPatch, problem: str = "classification", **tune: Any
) -> None:
    """A folder with params.yaml and tables in which the stages run for the parcels."""
    whole = {
        "usecases": ["parcels"],
        "seed": 7,
        "parcels": {
            "data": {"source": "csv"},
            "validate": {},
            "features": {},
            "tune": {"max_evals": 4, "rounds": 15, "space": SPACE, **tune},
            "train": {"rounds": 30, "early_stopping": 5, "costs": COSTS.model_dump()},
            "evaluate": {},
            "monitor": {},
        },
    }
    (folder / "params.yaml").write_text(yaml.safe_dump(whole))
    if not (folder / "train.parquet").exists():
        write(folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "off")
    for part in ("load", "load_features"):
        monkeypatch.setattr(usecase_loader, part, lambda name: parcels(problem))


def run() -> dict[str, Any]:
    """The stage as dvc.yaml calls it; what it wrote to the metrics."""
    stage.main(
        "parcels", Path("train.parquet"), Path("valid.parquet"), Path("tune.json"), Path("tune")
    )
    return json.loads(Path("tune.json").read_text())


@pytest.mark.capability("E8")
@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_the_best_trial_has_the_best_validation_metric(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: str
):
    project(tmp_path, monkeypatch, problem)
    result = run()
    name = metrics.PRIMARY[problem]
    table = list(csv.DictReader(Path("tune/trials.csv").read_text().splitlines()))
    figures = [float(r[name]) for r in table]
    assert len(set(figures)) > 1, "the trials do not differ: nothing is tested"
    best = max(figures) if problem == "classification" else min(figures)
    row = table[result["best_trial"] - 1]
    assert (result["metric_name"], float(row[name])) == (name, best)
    assert result["metric"] == pytest.approx(best)
    assert result["params"] == {"eta": float(row["eta"]), "max_depth": int(row["max_depth"])}
    assert (result["trials"], result["failed"]) == (4, 0)


@pytest.mark.capability("E8")
@pytest.mark.parametrize(("problem", "higher"), [("classification", True), ("regression", False)])
def test_the_search_is_told_which_way_is_better(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: str, higher: bool
):
    report = []
    project(tmp_path, monkeypatch, problem)
    monkeypatch.setattr(
        search, "search", lambda *_, higher_is_better, **__: report.append(higher_is_better) or ()
    )
    run()
    assert report == [higher]


def test_what_is_tried_wins_over_the_fixed_params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project(tmp_path, monkeypatch, params={"eta": 0.1, "max_depth": 3})
    run()
    figures = {
        r["average_precision"]
        for r in csv.DictReader(Path("tune/trials.csv").read_text().splitlines())
    }
    assert len(figures) > 1


def test_the_final_model_is_the_best_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project(tmp_path, monkeypatch, early_stopping=5, rounds=30)
    result = run()
    train_stage.main(
        "parcels", Path("train.parquet"), Path("valid.parquet"), Path("tune.json"), Path("model")
    )
    manifest = json.loads(Path("model/bundle.json").read_text())
    assert manifest["metrics"] == {result["metric_name"]: result["metric"]}
    assert manifest["rounds"] == result["rounds"]


@pytest.mark.capability("E5")
def test_the_same_bytes_twice_and_on_two_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    seen = set()
    for threads in (1, 2, 2):
        project(tmp_path, monkeypatch, threads=threads)
        run()
        seen.add((dvc_hash.md5(Path("tune.json")), dvc_hash.md5(Path("tune"))))
    assert len(seen) == 1


def test_what_xgboost_refuses_is_a_failed_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    both = {"base_score": {"choice": [0.5, 7.0]}}  # 7 is no probability
    project(tmp_path, monkeypatch, space=both, max_evals=6)
    result = run()
    assert 0 < result["failed"] < 6
    assert result["params"] == {"base_score": 0.5}
    assert "base_score" in next(csv.DictReader(Path("tune/trials.csv").read_text().splitlines()))


def test_all_failing_is_an_error_and_leaves_the_last_outs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    project(tmp_path, monkeypatch)
    run()
    before = dvc_hash.md5(Path("tune")), dvc_hash.md5(Path("tune.json"))
    project(tmp_path, monkeypatch, space={"base_score": {"choice": [7.0, 8.0]}})
    with pytest.raises(
        PlumblineError, match=r"parcels\.tune\.space: all 4 trials failed; the first: .*base_score"
    ):
        run()
    assert before == (dvc_hash.md5(Path("tune")), dvc_hash.md5(Path("tune.json")))


def test_without_a_space_one_trial_with_the_fixed_params(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    project(tmp_path, monkeypatch, space={}, params={"max_depth": 2})
    result = run()
    assert (result["trials"], result["params"], result["fixed"]) == (1, {}, {"max_depth": 2})


def test_no_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project(tmp_path, monkeypatch, max_evals=0)
    result = run()
    assert (result["trials"], result["params"]) == (0, {})
    assert "metric" not in result


@pytest.mark.parametrize(
    ("tune", "message"),
    [
        (
            {"space": {"eta": {"uniform": [0.3, 0.1]}}},
            r"^params\.yaml, parcels\.tune\.space\.eta\.uniform: got \[0\.3, 0\.1\], expected the low end",
        ),
        (
            {"space": {"max_bin": {"int": [32, 64]}}},
            r"^params\.yaml, parcels\.tune\.space\.max_bin: cannot be searched",
        ),
        (
            {"params": {"eta": "fast"}},
            r"^params\.yaml, parcels\.tune\.params\.eta: got 'fast', expected a number",
        ),
    ],
)
def test_a_mistake_in_params(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tune: dict[str, Any], message: str
):
    project(tmp_path, monkeypatch, **tune)
    with pytest.raises(ParamsError, match=message):
        run()


def test_nested_runs_say_why_they_failed():
    failed = stage.nested(Trial(2, {"eta": 0.2}, reason="no"), "mae")
    assert (failed.name, failed.failed, failed.tags["reason"]) == ("trial 2", True, "no")
    assert stage.nested(Trial(3, {}, 0.4, 9), "mae").metrics == {"mae": 0.4, "rounds": 9}


def test_progress_is_a_few_lines_where_there_is_no_terminal(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "plumbline")
    tell = progress.progress_callback(8)
    for i in range(1, 9):
        trial = Trial(i, {}, None if i == 1 else 0.5, 1, "no")
        tell(trial, search.best([trial], True))
    assert len(caplog.messages) == 1 + 4


def test_progress_is_one_line_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    tell = progress.progress_callback(2)
    for i in (1, 2):
        tell(Trial(i, {}, 0.5, 1), Trial(i, {}, 0.5, 1))
    assert capsys.readouterr().err.count("\n") == 1
