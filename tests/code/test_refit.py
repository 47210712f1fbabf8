"""A refit in memory is what the train stage makes of the same tables: trees, calibration, threshold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plumbline import config as params_file
from plumbline.core import documents, tables
from plumbline.core.errors import PlumblineError, SpecError
from plumbline.model import bundle
from plumbline.studies.backtest import refit
from stages import train as stage
from tests import studies
from tests.boosting import parcels
from tests.code.test_train import turn
from tests.code.test_tune import project


@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_the_same_model_as_the_stage(problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project(tmp_path, monkeypatch, problem)
    turn(monotone={"height": 1}, refit=problem == "regression")
    documents.write(Path("tune.json"), studies.TUNED)
    pair = Path("train.parquet"), Path("valid.parquet")
    stage.main("parcels", *pair, Path("tune.json"), Path("model"))
    built = bundle.load(Path("model"))
    case, params = parcels(problem), params_file.load("parcels")
    full = refit.settings(case, params, studies.TUNED)
    model = refit.fit(case, params, full, *(tables.read(p) for p in pair))
    assert model.booster.save_raw("ubj") == built.booster.save_raw("ubj")
    assert model.calibration == built.calibration
    assert model.rounds == built.manifest.rounds == model.booster.num_boosted_rounds()
    assert ("refit" in built.provenance) == (problem == "regression")
    assert model.threshold == (
        pytest.approx(built.threshold, rel=1e-9) if built.threshold else None
    )
    rows = tables.read(pair[1])
    assert np.array_equal(model.predict(rows), built.predict(rows))


def test_a_window_of_one_class_is_refused():
    case, params = parcels(), studies.params()
    columns = studies.daily(30, 20)
    columns["broken"] = np.zeros(600, np.int64)
    full = refit.settings(case, params, studies.TUNED)
    with pytest.raises(
        PlumblineError, match="the train window: a label to be classified holds 0 and 1"
    ):
        refit.fit(case, params, full, columns, columns)


def test_a_table_without_a_feature_is_refused_by_name():
    case, params, columns = parcels(), studies.params(), studies.daily(30, 20)
    del columns["sender_mean_7d"]
    full = refit.settings(case, params, studies.TUNED)
    with pytest.raises(
        SpecError, match="the model needs feature 'sender_mean_7d', not in the table"
    ):
        refit.fit(case, params, full, columns, columns)
