"""More days to judge by: what was learned from stays the same; and what thresholds cost on other days."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from bench import extended_window, thresholds
from plumbline.core import tables
from plumbline.core.declarations import Columns
from plumbline.core.errors import ParamsError
from tests import studies
from tests.boosting import parcels
from tests.conftest import ROOT

NAME = "card_fraud"
WINDOWS = ("train", "valid", "test")
SMALL = {
    "data": {
        "start": "2025-01-15",
        "as_of": "2025-03-12",
        "simulate": {"customers": 120, "terminals": 60},
    },
    "features": {"warmup_days": 10, "valid_days": 7, "test_days": 7, "current_days": 7},
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a small world's params, and the use case's sources and profile."""
    given = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    for section, changes in SMALL.items():
        given[NAME][section] |= changes
    given[NAME]["validate"]["max_quarantine"] = 1.0
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(given), encoding="utf-8")
    for folder in ("sources", "profiles"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_longer_test_window_begins_with_the_same_rows(place: Path):
    read: list[dict[str, Columns]] = []
    for days in (0, 6):
        with extended_window.tables(NAME, days) as folder:
            assert Path.cwd() == place
            read.append({w: tables.read(folder / f"{w}.parquet") for w in WINDOWS})
    short, long = read
    for window in WINDOWS:
        for name, values in short[window].items():
            held = long[window][name][: len(values)]
            assert np.array_equal(held, values, equal_nan=values.dtype.kind == "f"), name
    counts = {w: len(short[w]["payment_id"]) for w in WINDOWS}
    assert {w: len(long[w]["payment_id"]) for w in ("train", "valid")} == {
        w: counts[w] for w in ("train", "valid")
    }
    assert len(long["test"]["payment_id"]) > 1.5 * counts["test"]
    assert sorted(p.name for p in place.iterdir()) == ["params.yaml", "profiles", "sources"]


def test_there_are_no_more_days_of_a_file(place: Path):
    given = yaml.safe_load(Path("params.yaml").read_text("utf-8"))
    given[NAME]["data"]["source"] = "csv"
    Path("params.yaml").write_text(yaml.safe_dump(given), encoding="utf-8")
    with (
        pytest.raises(ParamsError, match=r"source: expected simulate.*found csv"),
        extended_window.tables(NAME, 6),
    ):
        pass


def test_an_excess_is_of_all_other_days():
    """21 days, spans of 7 choose: three; no threshold is cheaper than the cheapest of the days it is judged on."""
    columns = studies.daily(21, 60)
    score = 0.3 * columns["broken"] + 0.7 * np.random.default_rng(5).random(21 * 60)
    result = thresholds.excess(parcels(), studies.params(), columns, score, 7)
    assert {way: len(values) for way, values in result.items()} == {"cheapest": 3, "steady": 3}
    assert all(np.all(values >= -1e-12) for values in result.values())
    noise = np.random.default_rng(6).random(21 * 60)
    blind = thresholds.excess(parcels(), studies.params(), columns, noise, 7)
    assert blind["cheapest"].mean() > 0
