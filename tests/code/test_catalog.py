"""The catalog names every feature with what it is made of."""

from __future__ import annotations

from datetime import date

import pytest

from plumbline.core.files import dumps
from plumbline.core.tables import Counts
from plumbline.features import catalog
from plumbline.features.splits import SplitWindow
from tests.small import NAMES, SMALL

BY_NAME = {entry.name: entry for entry in catalog.entries(SMALL)}


@pytest.mark.capability("C4")
@pytest.mark.mltest("Data 4")
def test_every_feature_once():
    built = [*NAMES, "per_place", "heavy_today", "surprise", "kind_code"]
    assert [e.name for e in catalog.entries(SMALL)] == ["cents", *built]
    used = [n for n, e in BY_NAME.items() if e.in_model]
    assert sorted(used) == sorted(SMALL.features)


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("who_mean_3d", ["at", "cents", "who_id"]),
        ("who_bad_3d", ["at", "bad", "known_at", "who_id"]),
        ("who_loss_bad_5d", ["at", "bad", "known_at", "loss", "who_id"]),
        ("place_step_3d", ["at", "cents", "grams", "place_id"]),
        ("who_count_today", ["at", "number", "who_id"]),
        ("per_place", ["at", "cents", "place_id"]),
        ("kind_code", ["kind"]),
        ("surprise", ["at", "cents", "grams", "who_id"]),
        ("place_surprise_today", ["at", "cents", "grams", "place_id", "who_id"]),
        (
            "place_calm_bad_5d",
            ["at", "bad", "cents", "grams", "known_at", "place_id", "who_id"],
        ),
        ("cents", ["cents"]),
    ],
)
def test_sources_are_contract_columns(name, columns):
    assert BY_NAME[name].sources == columns


def test_windows_and_defaults():
    assert BY_NAME["who_grams_5d"].default == -1.0
    assert BY_NAME["who_count_1d"].window == "1 days, to the midnight before"
    assert "label became known" in BY_NAME["who_bad_3d"].window
    assert BY_NAME["kind_code"].default == 2.0
    assert BY_NAME["cents"].description == "amount, cents"


@pytest.mark.capability("C6")
def test_search_takes_every_word():
    assert [e.name for e in catalog.search(SMALL, "Place LOSS")] == ["place_loss_5d"]
    assert catalog.search(SMALL, "nothing such") == []
    assert len(catalog.search(SMALL, "")) == len(BY_NAME)


def test_report_counts_rates_and_missing_shares():
    window = {"train": SplitWindow(date(2025, 3, 1), date(2025, 3, 9))}
    tables = {
        "train": (Counts(10, 8, 2.0, {"cents": 1}), 3),
        "current": (Counts(2, 0, 0.0, {"cents": 0}), 0),
    }
    result = catalog.report(SMALL, window, tables).plain()
    assert result["rows"] == 12
    assert result["tables"]["train"] == {
        "start": "2025-03-01",
        "end": "2025-03-09",
        "rows": 10,
        "without_label": 3,
        "label_rate": 0.25,
    }
    assert result["tables"]["current"]["label_rate"] is None
    assert {e["name"]: e["missing"] for e in result["features"]}["cents"] == pytest.approx(1 / 12)
    assert dumps(result)


def test_views_are_the_stores():
    who, place = catalog.views(SMALL)
    assert (who.name, who.join_key, who.ttl_days) == ("small_who", "who_id", 1)
    assert place.features == [s.name for s in SMALL.snapshots if s.entity == "place"]
