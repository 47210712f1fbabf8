"""Several classes through the stages that learn, judge and watch, as `dvc repro` runs them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from plumbline.core import documents
from plumbline.core.errors import ParamsError
from plumbline.evaluate import model_card_check
from plumbline.evaluate.evaluate_document import EvaluateDocument
from plumbline.features.params import Features
from stages import evaluate, monitor, train, tune
from tests import classes, in_memory
from tests.served_shop import seal

PARAMS = """
usecases: [days]
seed: 3
days:
  data: {source: csv}
  validate: {}
  features: {}
  tune: {max_evals: 2, rounds: 15, space: {eta: {uniform: [0.1, 0.4]}}}
  train:
    rounds: 25
    early_stopping: 10
    threads: 1
    refit: true
    calibration: vector
    class_costs: {unit: EUR, amounts: {fog: {sun: 5, rain: 5}}, other: 1}
  evaluate: {bootstrap: 60, explained: 60}
  monitor: {bootstrap: 60, rows: 300, period_days: 7}
"""
WINDOWS = Features(warmup_days=10, valid_days=20, test_days=42, current_days=14)
MEASURED = {
    "data": {"source": {"kind": "csv"}, "span": None, "as_of": None},
    "validate": {"rows": {}, "quarantined": {}},
    "features": {"tables": {}},
}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = classes.observed(170, a_day=40)
    return classes.tables_of(classes.days(), rows, tmp_path_factory.mktemp("days"), WINDOWS)


def test_each_stage_runs_and_says_what_several_classes_have(
    tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "off")
    case = classes.days()
    in_memory.install(case, lambda name, module: monkeypatch.setitem(sys.modules, name, module))
    Path("params.yaml").write_text(PARAMS)
    for name, contents in MEASURED.items():
        Path(f"{name}.json").write_text(json.dumps(contents))
    pair = (tables / "train.parquet", tables / "valid.parquet")
    tune.main("days", *pair, Path("tune.json"), Path("tune"))
    best = json.loads(Path("tune.json").read_text())
    assert (best["metric_name"], best["failed"]) == ("log_loss", 0)
    train.main("days", *pair, Path("tune.json"), Path("model"))
    manifest = json.loads(Path("model/bundle.json").read_text())
    assert manifest["classes"] == list(classes.SKIES)
    assert manifest["class_costs"] == [[0, 1, 1], [1, 0, 1], [5, 5, 0]]
    assert manifest["params"]["objective"] == "multi:softprob"
    assert manifest["provenance"]["refit"] == "on train and valid"
    written = ("evaluate.json", "summary.json", "report", "plots")
    evaluate.main(
        "days",
        Path("model"),
        *pair,
        tables / "test.parquet",
        *(Path(f"{m}.json") for m in MEASURED),
        *map(Path, written),
    )
    document = json.loads(Path("evaluate.json").read_text())
    assert set(document["gate"]["checks"]) >= {"baselines", "calibration", "policies", "leaks"}
    assert document["classes"]["costs"]["unit"] == "EUR"
    assert {"log_loss", "macro_f1", "cost"} <= set(json.loads(Path("summary.json").read_text()))
    predicted = pq.read_table("report/predictions.parquet")
    assert set(predicted["decision"].to_pylist()) <= set(classes.SKIES)
    figures = documents.parse(EvaluateDocument, document, "evaluate.json")
    card = Path("report/model_card.md").read_text()
    assert model_card_check.contradictions(case, figures, card) == []
    Path("history.csv").write_text("")
    seal(Path("served"), [], served=False)
    monitor.main(
        "days",
        Path("model"),
        tables / "test.parquet",
        tables / "current.parquet",
        Path("served"),
        Path("history.csv"),
        *map(Path, ("monitor.json", "monitor.summary.json", "monitor")),
    )
    verdict = json.loads(Path("monitor.json").read_text())
    assert [c["name"] for c in verdict["classes"]] == list(classes.SKIES)
    assert verdict["level"] != "alert"
    Path("params.yaml").write_text(PARAMS.replace("vector", "platt"))
    with pytest.raises(ParamsError, match="expected one of none, temperature, vector"):
        train.main("days", *pair, Path("tune.json"), Path("other"))
    assert not Path("other").exists()
