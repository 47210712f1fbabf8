"""Features of an age: those of an earlier moment, the event's own left alone; what the model then loses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import yaml

from plumbline.__main__ import main
from plumbline.core import tables, usecase_loader
from plumbline.core.declarations import Array, Columns, Fresh, Hourly
from plumbline.core.errors import PlumblineError
from plumbline.model import bundle, matrices
from plumbline.model.tune_result import TuneResult
from plumbline.studies.freshness import aged_features
from plumbline.studies.freshness.aged_features import EventHistory
from plumbline.train import fitting
from plumbline.train.params import Train
from tests import small
from tests.code.test_all_events import GIVEN
from tests.code.test_assemble import PARAMS, build
from tests.code.test_batch import many
from tests.conftest import ROOT
from tests.small import AS_OF, SMALL

ROWS = many(600)
CASE = replace(
    SMALL,
    hourly=(Hourly("who_sum_30h", "who", "sum", 30, "cents in 30 hours", "cents", lag=3),),
    fresh=(
        *SMALL.fresh,
        Fresh("who_bad_today", "who", "sum", "bad ones known today", "bad", matured=True),
    ),
)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Columns]]:
    """The folder of valid events, and the model tables that the stage writes."""
    folder = tmp_path_factory.mktemp("aged") / "data" / "small"
    folder.mkdir(parents=True)
    return folder / "valid", build(folder, ROWS, usecase=CASE)[1]


@pytest.fixture(scope="module")
def history(stage: tuple[Path, dict[str, Columns]]) -> Iterator[EventHistory]:
    with aged_features.opened(CASE, GIVEN, stage[0]) as opened:
        yield opened


def test_of_no_age_they_are_the_stages_own(
    history: EventHistory, stage: tuple[Path, dict[str, Columns]]
) -> None:
    test, own = stage[1]["test"], aged_features.aged(history, timedelta(0))
    assert list(own) == list(test)
    for name, values in test.items():
        assert np.array_equal(own[name], values, equal_nan=values.dtype.kind == "f"), name


@pytest.mark.capability("C22")
@pytest.mark.parametrize(
    "age", [timedelta(minutes=90), timedelta(days=1), timedelta(days=3, hours=5)]
)
def test_an_event_sees_what_one_so_much_earlier_would_have_seen(
    history: EventHistory, age: timedelta
) -> None:
    full = [{**row, **small._derived(ROWS, row)} for row in ROWS]
    by_key = {row["number"]: row for row in full}
    columns = aged_features.aged(history, age)
    for place, key in enumerate(columns["number"].tolist()):
        one = by_key[key]
        expected = small._read(full, {**one, "at": one["at"] - age}, CASE.aggregates)
        actual = {name: columns[name][place] for name in expected}
        assert actual == expected, key
        assert columns["at"][place] == np.datetime64(one["at"], "us")
        assert columns["per_place"][place] == one["cents"] + actual["place_sum_3d"]


def test_ages_are_those_of_the_newest_earlier_event(history: EventHistory) -> None:
    result = aged_features.ages(history)
    at = {row["number"]: row for row in ROWS}
    for place, key in enumerate(result["number"].tolist()):
        one = at[key]
        before = [
            row["at"] for row in ROWS if row["who_id"] == one["who_id"] and row["at"] < one["at"]
        ]
        hours = (one["at"] - max(before)).total_seconds() / 3600 if before else np.nan
        assert result["who_history_age"][place] == pytest.approx(hours, nan_ok=True)


def test_without_histories_nothing_is_old(tmp_path: Path) -> None:
    bare = {"snapshots": (), "fresh": (), "rows": (), "derived": (), "features": ("cents",)}
    with (
        pytest.raises(PlumblineError, match="no feature is made from histories"),
        aged_features.opened(replace(SMALL, **bare), GIVEN, tmp_path),
    ):
        pass


def test_rows_that_one_age_leaves_out_are_left_out_of_all() -> None:
    parts: list[dict[str, Array]] = [
        {"key": np.array([3, 1, 2]), "x": np.array([30, 10, 20])},
        {"key": np.array([1, 3]), "x": np.array([11, 31])},
    ]
    first, second = aged_features.common(parts, "key")
    assert first["x"].tolist() == [30, 10]
    assert second["x"].tolist() == [31, 11]


@pytest.fixture(scope="module")
def project(stage: tuple[Path, dict[str, Columns]]) -> Path:
    """A project of the small use case, as its stages leave it."""
    data = stage[0].parent
    root = data.parent.parent
    shutil.copy(ROOT / "dvc.yaml", root)
    sections = {"validate": {}, "tune": {}, "train": {"rounds": 10}, "monitor": {}}
    section = {
        **sections,
        "data": {"source": "csv", "as_of": str(AS_OF)},
        "features": PARAMS.model_dump(),
        "evaluate": {"bootstrap": 60},
    }
    (root / "params.yaml").write_text(
        yaml.safe_dump({"usecases": ["small"], "seed": 7, "small": section})
    )
    pair = data / "tables" / "train.parquet", data / "tables" / "valid.parquet"
    tuned = TuneResult(trials=0, failed=0, metric_name="average_precision", fixed={}, params={})
    train = Train(rounds=10, threads=1)
    full = fitting.booster_settings(CASE, train, tuned, 7)
    fitted = fitting.fit(
        CASE, train, full, matrices.binned(CASE, full, *pair), tables.read(pair[1])
    )
    bundle.save(
        root / "models" / "small", fitted.booster, fitting.manifest_entries(fitted, full, {})
    )
    return root


@pytest.mark.capability("C22", "C24")
def test_the_command_says_what_old_features_cost(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setattr(usecase_loader, "load", lambda name: CASE)
    words = ["--hours", "24", "--hours", "36.5", "--json", "f.json", "--plot", "f.png"]
    assert main(["freshness", *words]) == 0
    result = json.loads((project / "f.json").read_text())
    assert [one["hours"] for one in result["ages"]] == [0, 24, 36.5]
    fresh, *old = result["ages"]
    assert (fresh["changed"], fresh["difference"]["value"]) == (0, 0)
    for one in old:
        apart = one["metric"]["value"] - fresh["metric"]["value"]
        assert one["difference"]["value"] == pytest.approx(apart, abs=1e-5)
        assert 0 < one["changed"] <= 1
    assert set(result["groups"]) == {"who", "place"}
    for groups in result["groups"].values():
        assert sum(group["rows"] for group in groups.values()) == result["rows"]
        assert all(set(group["differences"]) == {"24", "36.5"} for group in groups.values())
    text = capsys.readouterr().out
    assert "  36.5 hours" in text
    assert "  1 day " in text
    assert (project / "f.png").read_bytes().startswith(b"\x89PNG")


def test_a_model_of_other_features_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setattr(usecase_loader, "load", lambda name: SMALL)
    assert main(["freshness"]) == 2
    assert "the features are not those that this model learned" in capsys.readouterr().err
