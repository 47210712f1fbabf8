"""Weights that make groups count alike: sums by hand, bounds, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plumbline.core import tables
from plumbline.core.errors import ParamsError
from plumbline.model import decision_params, reweighing
from plumbline.model.reweighing import Reweigh
from plumbline.train.params import Train
from tests.boosting import events, parcels
from tests.code.test_train import run, turn
from tests.code.test_tune import project

COLUMNS = events(1, 2_000)
KIND = COLUMNS["kind"]


@pytest.mark.capability("I3")
def test_group_and_label_are_independent_by_weight():
    weight = reweighing.weights(parcels(), Reweigh(column="kind"), COLUMNS)
    broken = COLUMNS["broken"] == 1
    assert broken[KIND == "tube"].mean() > 2 * broken[KIND == "box"].mean()
    shares = [
        weight[broken & (kind == KIND)].sum() / weight[kind == KIND].sum()
        for kind in ("box", "tube")
    ]
    assert shares == pytest.approx([broken.mean()] * 2, rel=1e-3)
    assert weight.mean() == pytest.approx(1.0, rel=1e-5)


def test_in_a_regression_each_group_has_the_same_total():
    few = {**COLUMNS, "kind": np.where(np.arange(2_000) < 300, "box", "tube").astype(object)}
    weight = reweighing.weights(parcels("regression"), Reweigh(column="kind"), few)
    totals = [weight[few["kind"] == kind].sum() for kind in ("box", "tube")]
    assert totals == pytest.approx([1_000, 1_000], rel=1e-4)
    half = reweighing.weights(parcels("regression"), Reweigh(column="kind", strength=0.5), few)
    assert 1 < half[few["kind"] == "box"][0] / half[few["kind"] == "tube"][0] < 5


def test_no_row_weighs_more_than_the_limit():
    rare = {**COLUMNS, "kind": np.where(np.arange(2_000) < 2, "box", "tube").astype(object)}
    weight = reweighing.weights(parcels("regression"), Reweigh(column="kind", most=5), rare)
    assert weight.max() / weight.min() < 10


def test_a_null_is_a_group_and_edges_cut():
    odd = {**COLUMNS, "kind": np.where(np.arange(2_000) < 500, None, KIND)}
    assert np.isfinite(reweighing.weights(parcels(), Reweigh(column="kind"), odd)).all()
    cut = reweighing.weights(parcels("regression"), Reweigh(column="height", edges=(150,)), COLUMNS)
    assert len(np.unique(cut)) == 2


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"column": "knd"}, "reweigh.column: 'knd' .* did you mean"),
        ({"column": "broken"}, "reweigh.column: 'broken' is no column or feature known"),
        ({"column": "kind", "edges": [3]}, "reweigh.edges: 'kind' holds no numbers"),
    ],
)
def test_what_cannot_be_grouped_is_refused(section: dict[str, Any], message: str):
    with pytest.raises(ParamsError, match=message):
        decision_params.check_reweigh(parcels(), Reweigh.model_validate(section))


@pytest.mark.parametrize(
    "section", [{"column": "kind", "edges": [5, 5]}, {"column": "a", "strength": 0}]
)
def test_impossible_values_are_refused(section: dict[str, Any]):
    with pytest.raises(ValueError, match="reweigh"):
        Train.model_validate({"reweigh": section})


def test_the_stage_boosts_with_the_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project(tmp_path, monkeypatch)
    plain = run(out="plain")
    turn(reweigh={"column": "kind"})
    built = run(out="reweighed")
    assert built.provenance["reweighed"] == "by kind"
    assert "reweighed" not in plain.provenance
    valid = tables.read(Path("valid.parquet"))
    gaps = []
    for one in (plain, built):
        score, kind = one.predict(valid), valid["kind"]
        gaps.append(score[kind == "tube"].mean() - score[kind == "box"].mean())
    assert gaps[1] < gaps[0]
