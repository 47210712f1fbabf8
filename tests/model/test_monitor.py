"""The monitor stage and its files: whole, self-contained, the same bytes, whatever the input."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.model import bundle as bundles
from plumbline.model import manifest
from plumbline.model.threshold import Threshold
from plumbline.monitor import evidently_report, evidently_widgets, stable_html
from tests import in_memory
from tests.conftest import ROOT
from tests.served_shop import rows, seal
from tests.shop import DELAY, LAST, table, usecase

PARAMS = """
usecases: [shop]
seed: 3
shop:
  data: {source: csv, as_of: "2025-06-30"}
  validate: {}
  features: {}
  tune: {}
  train: {}
  evaluate: {}
  monitor: {rows: 400, bootstrap: 50}
"""

SHOP = "from tests.shop import usecase\n\nUSECASE = usecase()\n"


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A folder to run the stage in: `shop(now, problem, timed, past)` writes tables and a bundle."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "off")
    Path("params.yaml").write_text(PARAMS)
    Path("history.csv").touch()
    seal(Path("served"), [], served=False)

    def write(now=None, problem="classification", timed=True, past=None):
        case = usecase(problem, timed)
        in_memory.install(case, partial(monkeypatch.setitem, sys.modules))
        past = table(28, LAST - 14, seed=1, problem=problem) if past is None else past
        now = table(14, seed=2, unknown=DELAY, problem=problem) if now is None else now
        for name, columns in (("test", past), ("current", now)):
            kept = {k: v for k, v in columns.items() if timed or k != "at"}
            pq.write_table(pa.table(kept), f"{name}.parquet")
        save(case, past)

    return write


def save(case, past):
    import xgboost

    x = np.column_stack([past[f] for f in case.features])
    data = xgboost.DMatrix(x, past["bad"], feature_names=list(case.features))
    kind = "binary:logistic" if case.problem == "classification" else "reg:squarederror"
    booster = xgboost.train({"objective": kind, "max_depth": 3, "nthread": 1}, data, 10)
    choice = Threshold(0.3, "f1", 0.5, 0.1) if case.problem == "classification" else None
    described = manifest.describe(case) | {
        "calibration": {"kind": "none", "x": [], "y": []},
        "threshold": choice,
        "params": {},
        "rounds": 10,
        "metrics": {},
        "provenance": {},
    }
    bundles.save(Path("model"), booster, described)


def run():
    from stages import monitor

    names = ("model", "test.parquet", "current.parquet", "served", "history.csv")
    names += ("monitor.json", "summary.json", "report")
    paths = map(Path, names)
    monitor.main("shop", *paths)
    return json.loads(Path("monitor.json").read_text())


def files():
    return {p.name: p.read_bytes() for p in Path("report").iterdir()}


def test_the_stage_writes_the_same_bytes_twice(shop):
    shop()
    first, before = run(), files()
    assert run() == first
    assert files() == before
    assert set(before) == {"evidently.html", "monitor.html", "score.svg", "days.svg", "history.csv"}
    assert first["level"] != "alert"
    assert first["windows"]["reference"]["last"] == "2025-06-15"
    assert first["windows"]["current"]["last"] == "2025-06-29"


@pytest.mark.capability("K7", "K16")
def test_what_was_served_is_judged_in_the_same_verdict(shop):
    shop()
    plain = run()
    assert not {"served", "skew"} & {*plain, *plain["checks"]}
    assert "What was served" not in files()["monitor.html"].decode()
    other = {"computed": lambda row: {"colour_code": row["computed"]["colour_code"] + 1}}
    seal(Path("served"), rows(usecase(), table(14, seed=2, unknown=DELAY), **other))
    result, page = run(), files()["monitor.html"].decode()
    assert result["level"] == "alert"
    (skew,) = (f for f in result["findings"] if f["check"] == "skew")
    assert (skew["column"], skew["level"], skew["size"]) == ("colour_code", "alert", 1.0)
    assert not result["retrain"]["now"]
    assert "repair the service first (colour_code)" in result["retrain"]["why"]
    assert result["summary"].startswith("alert: colour_code (skew)")
    assert "What was served" in page
    assert "request-1" in page
    assert json.loads(Path("summary.json").read_text())["served_skewed_features"] == 1


def blocking(now, explored=0.1):
    """What a service of the saved model answered that blocks alarms; their labels never come, but of those that pass."""
    scores = bundles.load(Path("model"), "shop").predict(now)
    by_key = dict(zip(now["number"].tolist(), scores.tolist(), strict=True))
    passes = dict(zip(by_key, np.random.default_rng(5).random(len(by_key)) < explored, strict=True))

    def alarm(row):
        return by_key[row["key"]] >= 0.3

    def action(row):
        return "alarm" if alarm(row) and not passes[row["key"]] else "none"

    def propensity(row):
        return 1.0 if not alarm(row) else explored if passes[row["key"]] else 1 - explored

    logged = {
        "score": lambda row: [by_key[row["key"]]],
        "alarm": alarm,
        "action": action,
        "propensity": propensity,
    }
    seal(Path("served"), rows(usecase(), now, **logged))
    blocked = (scores >= 0.3) & ~np.array([passes[k] for k in now["number"].tolist()])
    now = {**now, "bad": np.where(blocked, np.nan, now["bad"])}
    pq.write_table(pa.table(now), "current.parquet")
    return int(blocked.sum())


@pytest.mark.capability("K7")
def test_labels_that_decisions_withhold_are_no_loss(shop):
    now = table(14, seed=2, unknown=DELAY)
    shop(now)
    blocked, sheet = blocking(now), Path("served", "served.json")
    known = sheet.read_bytes()
    seal(Path("served"), [], served=False)
    naive = {f["check"] for f in run()["findings"]}
    assert {"unlabelled", "quality"} <= naive, "the labels that are left are those of low scores"
    sheet.write_bytes(known)
    result = run()
    assert not {f["check"] for f in result["findings"]} & {"quality", "calibration", "unlabelled"}
    alarms = next(d for d in result["served"]["feedback"]["decisions"] if d["decision"] == "alarm")
    assert alarms["withheld"] + alarms["passed"] == alarms["due"] <= blocked + alarms["passed"]
    quality = result["served"]["quality"][0]
    assert quality["value"]["low"] < quality["reference"]["value"] < quality["value"]["high"]
    assert "passed by chance" in files()["monitor.html"].decode()


def test_the_page_fetches_nothing_and_names_nothing_of_the_machine(shop):
    shop()
    run()
    page = files()["evidently.html"].decode()
    assert stable_html.loads(page) == []
    assert str(Path.cwd()) not in page
    for tab in ("Verdict", "Inputs", "Prediction", "Label", "Quality"):
        assert f'"title": "{tab}"' in page
    details = set(re.findall(r'"id": "([0-9-]{36})", "type": "widget"', page))
    assert len(details) == 7, "two per number, one per category"
    assert all(f'"{one}": {{' in page for one in details), "what a row opens is there"


@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_the_stage_survives_broken_input(shop, problem):
    now = table(14, seed=2, unknown=DELAY, problem=problem)
    rows = len(now["size"])
    now["size"] = np.full(rows, np.nan)
    now["colour"] = np.full(rows, None, object)
    now["rate"] = np.full(rows, np.inf)
    del now["spare"]
    shop(now, problem)
    result = {(f["check"], f["column"]) for f in run()["findings"]}
    assert {("all_null", "size"), ("missing", "spare"), ("all_null", "colour")} <= result
    page = files()["evidently.html"].decode()
    assert "not in the current table" in page
    assert page.count("no value in one of the windows") == 3


@pytest.mark.parametrize("rows", [0, 1, 12])
def test_the_stage_survives_hardly_any_rows(shop, rows):
    now = {name: values[:rows] for name, values in table(14, seed=2).items()}
    shop(now)
    out = run()
    assert out["level"] == "alert"
    assert out["windows"]["current"]["rows"] == rows
    assert "evidently.html" in files()


def test_the_stage_on_a_plain_regression(shop):
    shop(problem="regression", timed=False)
    out = run()
    assert out["quality"]["metric"] == "mae"
    assert set(files()) == {"evidently.html", "monitor.html", "score.svg", "history.csv"}


@pytest.mark.capability("K4")
def test_earlier_days_stay_in_the_history(shop):
    shop()
    run()
    lines = files()["history.csv"].decode().splitlines()
    assert len(lines) == 15
    early = lines[1].replace("2025-06-16", "2025-03-01")
    Path("history.csv").write_text("\n".join([lines[0], early, *lines[1:3]]) + "\n")
    run()
    again = files()["history.csv"].decode().splitlines()
    assert again == [lines[0], early, *lines[1:]]


def test_evidently_is_told_which_window_is_which():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as drift_report.write does: Evidently's own, on import
        pair = pd.DataFrame({"x": np.arange(50.0)}), pd.DataFrame({"x": np.arange(50.0) + 1_000})
        built = evidently_widgets.widgets(evidently_widgets.drift_table(["x"], 0.1), pair, [])
    [row] = next(w for w in built if w.type == "big_table").params["data"]
    assert max(row["reference_distribution"]["x"]) < 100
    assert min(row["current_distribution"]["x"]) > 900


def test_without_rows_for_it_there_is_no_report_by_evidently(shop, monkeypatch):
    shop()
    Path("params.yaml").write_text(PARAMS.replace("rows: 400", "rows: 0"))
    monkeypatch.setattr(evidently_report, "write", None)
    assert run()["level"] == "ok"
    assert set(files()) == {"monitor.html", "score.svg", "days.svg", "history.csv"}
    assert "vidently" not in files()["monitor.html"].decode()


def test_a_failing_stage_keeps_the_last_good_outs(shop, monkeypatch):
    shop()
    run()
    before = files(), Path("monitor.json").read_bytes()
    shop(table(14, seed=9))

    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(evidently_report, "write", fail)
    with pytest.raises(OSError, match="no space left"):
        run()
    assert (files(), Path("monitor.json").read_bytes()) == before


def test_the_bytes_do_not_depend_on_folder_zone_or_hash_seed(shop, tmp_path):
    shop()
    seal(Path("served"), rows(usecase(), table(14, seed=2, unknown=DELAY), flags=["late"]))
    run()
    folder = tmp_path / "elsewhere"
    package = folder / "usecases" / "shop"
    package.mkdir(parents=True)
    (folder / "usecases" / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "model.py").write_text(SHOP)
    for name in (
        "params.yaml",
        "test.parquet",
        "current.parquet",
        "served",
        "history.csv",
        "model",
    ):
        os.symlink(tmp_path / name, folder / name)
    path = os.pathsep.join([str(folder), str(ROOT)])
    env = {**os.environ, "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "PYTHONPATH": path}
    words = [
        "shop",
        "model",
        "test.parquet",
        "current.parquet",
        "served",
        "history.csv",
        "monitor.json",
        "summary.json",
        "report",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "stages.monitor", *words],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert {p.name: p.read_bytes() for p in (folder / "report").iterdir()} == files()
    assert (folder / "monitor.json").read_bytes() == Path("monitor.json").read_bytes()
