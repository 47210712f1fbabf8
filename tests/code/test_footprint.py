"""A bundle's size and work: counted the same everywhere, limited, and beside the other side's in a comparison."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from plumbline.evaluate import declared_checks
from plumbline.model import bundle, footprint
from plumbline.model.footprint import Footprint
from plumbline.review import bundle_figures
from plumbline.runtime import bundle_latency, run_records
from plumbline.runtime.dvc_lock import Entry
from tests.boosting import events, parcels
from tests.mltest.bundles import saved

FIGURES = Footprint(
    **{
        "bytes": 100,
        "node_bytes": 36,
        "trees": 1,
        "nodes": 1,
        "depth": 0,
        "features": 2,
        "used": 1,
    },
    **{"visits": 300.0, "size": 0.2, "memory": 0.1, "work": 0.5},
)


@pytest.mark.capability("I1")
def test_counts_are_those_of_the_trees(tmp_path: Path):
    """By walking each row down each tree by hand."""
    loaded = bundle.load(saved(tmp_path))
    columns = bundle.complete(parcels(), events(1, 50))
    result = footprint.measure(loaded, columns)
    dump = [json.loads(tree) for tree in loaded.booster.get_dump(dump_format="json")]
    assert result.trees == len(dump)
    assert result.bytes == (tmp_path / "model" / "model.ubj").stat().st_size

    def walk(node: dict, row: int) -> int:
        if "leaf" in node:
            return 0
        value = np.float32(columns[node["split"]][row])
        wanted = node["yes"] if value < np.float32(node["split_condition"]) else node["no"]
        return 1 + walk(next(c for c in node["children"] if c["nodeid"] == wanted), row)

    visits = sum(walk(tree, row) for tree in dump for row in range(50)) / 50
    assert result.visits == pytest.approx(visits, rel=1e-5)
    assert result.work == pytest.approx(visits / 600, rel=1e-5)
    assert result == footprint.measure(loaded, columns)


@pytest.mark.parametrize(
    ("size", "work", "passed"), [(0.2, 0.5, True), (0.1, None, False), (None, 0.4, False)]
)
def test_a_limit_of_size_or_work_is_held(size: float | None, work: float | None, passed: bool):
    [check] = declared_checks.affordable(FIGURES, size, work)
    assert check.passed == passed
    assert "times the yardstick's (at most" in check.reason


def test_what_was_not_measured_has_not_passed():
    [check] = declared_checks.affordable(None, 1.0, None)
    assert (check.passed, check.word) == (False, "cannot tell")
    assert declared_checks.affordable(None, None, None) == []


@pytest.mark.capability("E13")
def test_a_comparison_has_counts_and_what_the_runs_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    record = {"stage": "evaluate", "wrote": {"metrics/shop/evaluate.json": "b"}}
    line = {**record, "latency": {"single_us": 120.0, "single_ratio": 3.0}}
    place = run_records.place("shop")
    place.parent.mkdir()
    place.write_text(json.dumps(line) + "\n")
    sides = [{"evaluate": Entry(outs={"metrics/shop/evaluate.json": m})} for m in "ab"]
    heavier = FIGURES.model_copy(update={"visits": 600.0})
    stages = [{"evaluate": {"footprint": one.plain()}} for one in (FIGURES, heavier)]
    found = bundle_figures.of(tmp_path, "shop", (sides[0], sides[1]), (stages[0], stages[1]))
    by_name = {one.name: (one.base, one.head) for one in found}
    assert by_name["visits"] == (300.0, 600.0)
    assert by_name["single_us"] == (None, 120.0)
    assert "batch_us" not in by_name
    assert bundle_figures.of(tmp_path, "shop", ({}, {}), ({}, {})) == []


@pytest.mark.capability("E13")
def test_latency_is_a_figure_of_the_run_and_of_no_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bundle_latency, "SINGLE", 3)
    saved(tmp_path)
    result = bundle_latency.measure(tmp_path / "model", parcels(), events(1, 200))
    assert all(value > 0 for value in result.figures.values())
    assert set(result.figures) == set(bundle_figures.MEASURED)
    other = replace(result, single_us=123_456.0)
    assert other.figures["single_us"] == 123_000.0
