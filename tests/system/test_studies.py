"""The commands that study a model, on a whole small run: explain, backtest, sensitivity."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline.core import tables
from tests import runs
from tests.project import Project
from usecases.card_fraud.model import USECASE

NAME = "card_fraud"
START = ("python", "-m", "plumbline")


pytestmark = pytest.mark.timeout(1_500)  # the first has the whole graph run before it


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Small card_fraud, run once and committed."""
    return runs.alone(tmp_path_factory, NAME)


def keys(project: Project, table: str) -> list[str]:
    """The keys of a table, in order."""
    path = project.path / "data" / NAME / "tables" / f"{table}.parquet"
    return [str(k) for k in tables.read(path, ["payment_id"])["payment_id"]]


def explained(project: Project, key: str) -> tuple[dict[str, Any], str]:
    """The record and the text of `explain`."""
    text = project.run(
        *START, "explain", key, "--json", "e.json", env={"MLFLOW_TRACKING_URI": "off"}
    )
    return json.loads((project.path / "e.json").read_text()), text


@pytest.mark.capability("I9")
@pytest.mark.parametrize("place", [0, 100, -1])
def test_the_contributions_sum_to_the_score(project: Project, place: int) -> None:
    result, text = explained(project, keys(project, "test")[place])
    total = result["base"] + sum(c["contribution"] for c in result["contributions"])
    assert total == pytest.approx(result["total"], abs=1e-4)
    assert 1 / (1 + math.exp(-result["total"])) == pytest.approx(result["score"], rel=1e-4)
    assert len(result["contributions"]) == len(USECASE.features)
    assert result["recorded"] == pytest.approx(result["score"], rel=1e-9)
    assert "evaluate recorded the same score" in text
    assert "alarm" in text
    assert result["alarm"] == (result["score"] >= result["threshold"])


def test_similar_events_are_past_ones_with_their_labels(project: Project) -> None:
    result, text = explained(project, keys(project, "test")[7])
    past = result["similar"]
    train = set(keys(project, "train"))
    assert {str(one["key"]) for one in past["nearest"]} <= train
    assert all(one["time"] < result["time"] for one in past["nearest"])
    assert [one["apart"] for one in past["nearest"]] == sorted(o["apart"] for o in past["nearest"])
    assert {one["label"] for one in past["nearest"]} <= {0.0, 1.0}
    assert past["searched"] == len(train)
    assert f"nearest of {len(train):,} in train" in text


@pytest.mark.capability("D12")
def test_the_lineage_is_that_of_the_prediction(project: Project) -> None:
    key = keys(project, "test")[3]
    result, text = explained(project, key)
    chain = result["lineage"]["chain"]
    assert chain["prediction"]["key"] == key
    assert chain["prediction"]["score"] == pytest.approx(result["score"], rel=1e-9)
    assert chain["prediction"]["table"] == result["table"]
    assert chain["prediction"]["row"] == result["row"]
    assert {s["name"].split("@")[0] for s in chain["stages"]} >= {"data", "features", "train"}
    assert f"sources/{NAME}" in text


def test_an_event_whose_label_is_not_known_yet(project: Project) -> None:
    result, text = explained(project, keys(project, "current")[-1])
    assert result["label"] is None
    assert result["table"].endswith("current.parquet")
    assert "is_fraud: not known yet" in text


def test_an_unknown_event_is_one_message(project: Project) -> None:
    text = project.run(*START, "explain", "nowhere", ok=False)
    assert text.count("\n") == 1
    assert "no event with the payment_id 'nowhere' in test or current" in text
    assert "expected one such as 2025" in text


def test_a_backtest_has_eight_origins_with_intervals(project: Project) -> None:
    words = ("backtest", "--origins", "8", "--json", "b.json", "--plot", "b.png", "--keep")
    text = project.run(*START, *words)
    result = json.loads((project.path / "b.json").read_text())
    assert len(result["origins"]) == 8
    for origin in result["origins"]:
        figure = origin["metrics"]["average_precision"]
        assert figure["low"] <= figure["value"] <= figure["high"]
        assert origin["train"]["end"] < origin["valid"]["start"] < origin["day"]
    assert f"chosen {result['newest']['chosen']} of 7 times" in text
    assert "shelf life" in text
    assert (project.path / "b.png").read_bytes().startswith(b"\x89PNG")
    kept = json.loads((project.path / "profiles" / f"{NAME}.staleness.json").read_text())
    assert kept == result["staleness"]
    left = project.path / "reports" / NAME / "backtest"
    assert sorted(p.name for p in left.iterdir()) == ["backtest.json", "backtest.png"]
    limit = kept["shelf_life_days"] or kept["safe_days"]
    section = yaml.safe_load((project.path / "params.yaml").read_text())[NAME]["monitor"]
    assert section["shelf_life_days"] == (limit or 98)
    assert set(project.repro()) <= {f"monitor@{NAME}"}


def test_a_backtest_with_too_many_origins_is_one_message(project: Project) -> None:
    text = project.run(*START, "backtest", "--origins", "60", ok=False)
    assert "60 origins: " in text
    assert "Traceback" not in text


def test_the_reports_show_contributions(project: Project) -> None:
    report = project.path / "reports" / NAME
    for name in ("contributions.png", "dependence.png"):
        assert (report / "evaluate" / name).read_bytes().startswith(b"\x89PNG")
    lines = Path(report / "plots" / "contributions.csv").read_text().splitlines()
    assert len(lines) == 1 + len(USECASE.features)


def test_a_constraint_on_a_name_that_is_none_stops_early(project: Project) -> None:
    project.set({f"{NAME}.train.monotone": {"amount_cent": 1}})
    try:
        text = project.run("dvc", "repro", f"train@{NAME}", ok=False)
    finally:
        project.run("git", "checkout", "-q", "params.yaml")
    assert "monotone.amount_cent: no feature of the model; did you mean 'amount_cents'?" in text
