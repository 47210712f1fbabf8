"""The stage train: tuned params win, the bundle is pure, and what it needs is checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from plumbline.core import documents, dvc_hash, tables
from plumbline.core.errors import ParamsError, PlumblineError
from plumbline.metrics import metrics
from plumbline.model import bundle, calibration
from plumbline.model import threshold as decision
from plumbline.model.tune_result import TuneResult
from stages import train as stage
from tests.boosting import parcels, tuned
from tests.code.test_tune import project

TUNED = tuned({"eta": 0.25}, {"max_bin": 64, "eta": 0.05, "gamma": 2.0})


def run(result: TuneResult = TUNED, out: str = "model") -> bundle.Bundle:
    """The stage as dvc.yaml calls it."""
    documents.write(Path("tune.json"), result)
    stage.main(
        "parcels", Path("train.parquet"), Path("valid.parquet"), Path("tune.json"), Path(out)
    )
    return bundle.load(Path(out), "parcels")


def turn(**train: Any) -> None:
    """Change parcels.train in params.yaml."""
    whole = yaml.safe_load(Path("params.yaml").read_text())
    whole["parcels"]["train"] |= train
    Path("params.yaml").write_text(yaml.safe_dump(whole))


@pytest.mark.mltest("Model 3")
def test_tuned_params_win_over_train_and_fixed_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    project(tmp_path, monkeypatch)
    turn(params={"eta": 0.1, "gamma": 1.0})
    result = run().manifest.params
    assert (result["eta"], result["gamma"], result["max_bin"]) == (0.25, 1.0, 64)
    assert result["seed"] == 7
    assert "nthread" not in result


@pytest.mark.capability("D3")
@pytest.mark.mltest("Infra 1")
def test_the_same_bytes_on_one_thread_and_two_and_in_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    project(tmp_path, monkeypatch)
    seen = set()
    for threads, out in ((1, "model"), (2, "model"), (2, "else/where")):
        turn(threads=threads)
        run(out=out)
        seen.add(dvc_hash.md5(Path(out)))
    assert len(seen) == 1


@pytest.mark.capability("E17")
def test_provenance_is_the_tables_and_the_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project(tmp_path, monkeypatch)
    md5s = {t: dvc_hash.md5(Path(f"{t}.parquet")) for t in ("train", "valid")}
    assert run().provenance == {**md5s, "seed": 7}


def test_the_threshold_is_about_the_cheapest_on_valid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    project(tmp_path, monkeypatch)
    model = run()
    columns = tables.read(Path("valid.parquet"))
    chance = model.predict(columns)
    money = metrics.Money(columns["worth"], 200.0)

    def cost(threshold: float) -> float:
        return float(np.mean(metrics.cost(columns["broken"], chance >= threshold, money)))

    tried = [cost(v) for v in np.linspace(0, 1.01, 400)]
    assert cost(model.threshold or 0.0) <= 1.1 * min(tried)
    assert model.threshold == pytest.approx(decision.steady(columns["broken"], chance, money).value)
    assert model.manifest.threshold.objective == pytest.approx(cost(model.threshold or 0.0))


def test_costs_of_no_column_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project(tmp_path, monkeypatch)
    turn(costs={"unit": "cents", "false_negative": "wroth", "false_positive": 1})
    with pytest.raises(ParamsError, match=r"costs.false_negative: 'wroth'.*did you mean 'worth'"):
        run()
    turn(costs={"unit": "cents", "false_negative": "broken", "false_positive": 1})
    with pytest.raises(ParamsError, match=r"'broken' is no column or feature known at prediction"):
        run()


def test_calibrated_on_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project(tmp_path, monkeypatch)
    columns = tables.read(tmp_path / "valid.parquet")
    for kind in ("none", "platt", "isotonic"):
        turn(calibration=kind)
        model = run()
        raw = model.raw(columns)
        expected = calibration.apply(calibration.fit(kind, raw, columns["broken"]), raw)
        assert model.predict(columns).tolist() == expected.tolist()


def test_a_regression_has_no_threshold_and_no_calibration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    project(tmp_path, monkeypatch, "regression")
    model = run()
    assert (model.threshold, model.calibration.kind) == (None, "none")
    assert model.manifest.params["objective"] == "reg:absoluteerror"
    naive = tables.read(Path("valid.parquet"))
    assert model.manifest.metrics["mae"] < 0.8 * metrics.mae(naive["weight"], naive["height"])


def test_a_failing_stage_leaves_the_last_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project(tmp_path, monkeypatch)
    run()
    before = dvc_hash.md5(Path("model"))
    with pytest.raises(PlumblineError, match=r"none\.json: no such file"):
        stage.main(
            "parcels",
            Path("train.parquet"),
            Path("valid.parquet"),
            Path("none.json"),
            Path("model"),
        )
    monkeypatch.setattr(
        "plumbline.core.usecase_loader.load_features", lambda name: parcels(label="weight")
    )
    with pytest.raises(
        PlumblineError, match=r"train\.parquet: a label to be classified holds 0 and 1"
    ):
        run()
    assert dvc_hash.md5(Path("model")) == before


@pytest.mark.capability("A20")
def test_decisions_rest_on_rows_that_the_model_has_not_learned_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A refit on both windows has the thresholds of the model that did not see the validation window."""
    project(tmp_path, monkeypatch)
    section = {
        "review": {"positive": 10, "negative": 5, "capacity": 3},
        "segment": {"column": "kind"},
    }
    turn(decisions=section)
    plain = run(out="plain")
    turn(refit=True)
    again = run(out="again")
    assert plain.manifest.decisions is not None
    assert again.manifest.decisions == plain.manifest.decisions
    assert (Path("again") / bundle.MODEL).read_bytes() != (
        Path("plain") / bundle.MODEL
    ).read_bytes()


def test_decisions_by_an_unknown_column_are_refused_and_the_bundle_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    project(tmp_path, monkeypatch)
    run()
    before = dvc_hash.md5(Path("model"))
    turn(decisions={"segment": {"column": "kindd"}})
    with pytest.raises(
        ParamsError, match=r"decisions\.segment\.column: 'kindd' .* did you mean 'kind"
    ):
        run()
    assert dvc_hash.md5(Path("model")) == before
