"""The command `explain` on parcels, without git or DVC: the sum, the words, what is not there."""

from __future__ import annotations

import json
import math
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.__main__ import main
from plumbline.core import documents, tables
from plumbline.evaluate import reporting
from plumbline.model import bundle
from stages import train as stage
from tests.boosting import events, tuned, write
from tests.code.test_train import turn
from tests.code.test_tune import project
from tests.conftest import ROOT


def save(path: Path, first: int, seed: int, n: int, **changed: Any) -> None:
    """A table whose keys start at `first`."""
    columns = {**events(seed, n), "number": np.arange(first, first + n), **changed}
    plain = {k: v.tolist() if v.dtype == object else v for k, v in columns.items()}
    pq.write_table(pa.table(plain), path)


def laid_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch, problem: str = "classification", **train: Any
) -> None:
    """A folder where the parcels' stages have run; current's labels are not known."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    project(folder, monkeypatch, problem)
    shutil.copyfile(ROOT / "dvc.yaml", folder / "dvc.yaml")  # where each out of a stage is
    turn(**train)
    data = folder / "data" / "parcels" / "tables"
    data.mkdir(parents=True)
    pair = write(data)
    save(data / "test.parquet", 10_000, 3, 200)
    save(
        data / "current.parquet",
        20_000,
        4,
        50,
        broken=np.full(50, np.nan),
        weight=np.full(50, np.nan),
    )
    documents.write(Path("tune.json"), tuned({"eta": 0.3}))
    stage.main("parcels", *pair, Path("tune.json"), Path("models/parcels"))
    test = tables.read(data / "test.parquet")
    score = bundle.load(Path("models/parcels")).predict(test)
    report = folder / "reports" / "parcels" / "evaluate"
    report.mkdir(parents=True)
    reporting.write_predictions(
        report / "predictions.parquet", {"number": test["number"], "score": score}
    )


def explained(capsys: pytest.CaptureFixture[str], key: str) -> tuple[dict[str, Any], str]:
    assert main(["explain", key, "--usecase", "parcels", "--json", "e.json"]) == 0
    return json.loads(Path("e.json").read_text()), capsys.readouterr().out


def total(result: dict[str, Any]) -> float:
    each = sum(c["contribution"] for c in result["contributions"])
    return result["base"] + result["offset"]["value"] + each


def test_log_odds_sum_to_the_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    laid_out(tmp_path, monkeypatch)
    for key in ("10000", "10123", "10199"):
        result, text = explained(capsys, key)
        assert total(result) == pytest.approx(result["total"], abs=1e-5)
        assert 1 / (1 + math.exp(-total(result))) == pytest.approx(result["score"], rel=1e-5)
        assert "evaluate recorded the same score" in text
        sizes = [abs(c["contribution"]) for c in result["contributions"]]
        assert sizes == sorted(sizes, reverse=True)
        word = "alarm" if result["score"] >= result["threshold"] else "no alarm"
        assert f": {word}\n" in text
    kinds = {c["feature"]: c["value"] for c in result["contributions"]}
    assert kinds["kind_code"] in ("box", "tube")
    assert "no lineage: " in text


def test_minutes_or_grams_sum_from_the_offset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    laid_out(tmp_path, monkeypatch, "regression")
    result, text = explained(capsys, "10005")
    assert result["offset"]["feature"] == "height"
    assert total(result) == pytest.approx(result["score"], abs=1e-3)
    assert result["alarm"] is None
    assert "the label's unit" in text


def test_isotonic_steps_are_said_to_come_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    laid_out(tmp_path, monkeypatch, calibration="isotonic")
    result, text = explained(capsys, "10005")
    assert "the score before calibration is" in text
    assert total(result) == pytest.approx(result["total"], abs=1e-5)


def test_the_nearest_in_train_is_the_same_parcel_if_it_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    laid_out(tmp_path, monkeypatch)
    save(Path("data/parcels/tables/test.parquet"), 10_000, 1, 1_500)  # train's rows, renumbered
    result, text = explained(capsys, "10077")
    nearest = result["similar"]["nearest"][0]
    assert (nearest["key"], nearest["apart"]) == (77, 0.0)
    assert result["similar"]["searched"] == 1_500
    assert "of another model" in text


def test_what_is_current_has_no_label_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    laid_out(tmp_path, monkeypatch)
    result, text = explained(capsys, "20007")
    assert (result["label"], result["recorded"], result["row"]) == (None, None, 7)
    assert "broken: not known yet" in text


def test_an_unknown_parcel_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    laid_out(tmp_path, monkeypatch)
    assert main(["explain", "77"]) == 2  # one of train: the model learned it
    message = capsys.readouterr()
    assert message.out == ""
    assert "no event with the number '77' in test or current" in message.err
    assert "expected one such as 20000" in message.err
