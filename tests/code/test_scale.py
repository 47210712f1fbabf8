"""Labels learned as a logarithm, a ratio or a count: the same answers in batch, one by one, and from the bundle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plumbline.core import row_features
from plumbline.core.declarations import Column
from plumbline.core.errors import PlumblineError, SpecError
from plumbline.core.usecase import UseCase
from plumbline.metrics import metrics
from plumbline.model import boosting, bundle, contributions, manifest, portable
from plumbline.studies.backtest import refit
from plumbline.train import fitting
from plumbline.train.params import Train
from tests import studies
from tests.boosting import COLUMNS, events, parcels

SCALES = ("log", "ratio", "count")
TABLE = events(1, 3_000)
TABLE["weight"] = np.rint(TABLE["height"] * np.exp(np.sin(TABLE["sender"]) / 2)).astype(np.int64)
TRAIN, VALID = ({n: v[i::2] for n, v in TABLE.items()} for i in range(2))
BOUNDED = tuple(
    replace(c, min={"weight": 0, "height": 1}[c.name]) if c.name in ("weight", "height") else c
    for c in COLUMNS
)


def case(scale: str, **changed: Any) -> UseCase:
    features = ("height", "kind_code", "sender")
    return parcels("regression", columns=BOUNDED, scale=scale, features=features, **changed)


def fit(usecase: UseCase) -> tuple[fitting.FittedModel, dict[str, Any]]:
    settings = fitting.booster_settings(usecase, Train(), studies.TUNED, 1)
    pair = refit.binned(usecase, settings, TRAIN, VALID)
    return fitting.fit(usecase, Train(rounds=60), settings, pair, VALID), settings


@pytest.mark.parametrize("offset", ["height", None])
@pytest.mark.parametrize("scale", SCALES)
def test_the_same_bits_in_batch_one_by_one_and_from_the_bundle(
    scale: str, offset: str | None, tmp_path: Path
):
    if scale == "ratio" and offset is None:
        return
    usecase = case(scale, offset=offset)
    model, settings = fit(usecase)
    answer = model.predict(VALID)
    saved = bundle.save(
        tmp_path / "model", model.booster, fitting.manifest_entries(model, settings, {"seed": 1})
    )
    assert np.array_equal(saved.predict(VALID), answer)
    one = [saved.predict({n: v[i : i + 1] for n, v in VALID.items()})[0] for i in range(200)]
    assert one == answer[:200].tolist()
    label = VALID["weight"].astype(float)
    assert metrics.mae(label, answer) < 0.5 * metrics.mae(label, np.full(len(label), label.mean()))
    assert model.metric == metrics.mae(label, answer)


def test_answers_are_what_the_scale_says():
    model, _ = fit(case("log"))
    x = row_features.matrix(model.usecase.features, VALID)
    start = portable.log(1 + VALID["height"].astype(float)).astype(np.float32)
    margin = model.booster.inplace_predict(x, base_margin=start, validate_features=False)
    assert np.array_equal(model.predict(VALID), portable.exp(margin.astype(float)) - 1)
    shares = contributions.of(
        model.booster, model.usecase.features, "height", VALID, model.usecase.scale
    )
    assert np.allclose(shares.base + shares.offset + shares.each.sum(axis=1), shares.total, 1e-4)
    assert np.allclose(shares.total, margin)


def test_counts_have_their_objective_whatever_is_set():
    given = {"objective": "reg:squarederror"}
    full = boosting.settings("regression", given, seed=1, threads=1, scale="count")
    assert (full["objective"], full["eval_metric"]) == ("count:poisson", "poisson-nloglik")


def test_the_label_as_it_is_changes_no_md5():
    plain = case("label")
    assert "scale" not in manifest.LATER or manifest.definitions(plain) != manifest.definitions(
        case("log")
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": "sqrt"}, r"scale is 'sqrt'; expected one of label, log, ratio, count"),
        ({"scale": "ratio", "offset": None}, r"divides the label by the offset; declare `offset`"),
        ({"columns": COLUMNS}, r"needs values from 0 up, and column 'weight' has min=None"),
        (
            {"scale": "count", "columns": (*BOUNDED, Column("zero", "int", "-", "", min=0)), "offset": "zero"},
            r"needs values above 0, and column 'zero' has min=0",
        ),
    ],
)  # fmt: skip
def test_what_has_no_such_scale_is_refused_at_load(changes: dict[str, Any], message: str):
    with pytest.raises(SpecError, match=message):
        replace(case("log"), **changes)


def test_a_classification_has_no_scale():
    with pytest.raises(SpecError, match="scale='log' is of a regression; remove it"):
        parcels(scale="log")


def test_an_offset_that_is_a_feature_is_looked_at_row_by_row():
    usecase = case("ratio", offset="sender_mean_7d")
    odd = {**VALID, "sender_mean_7d": np.where(np.arange(len(VALID["at"])) < 3, 0.0, 9.0)}
    with pytest.raises(
        PlumblineError, match=r"offset 'sender_mean_7d': 3 of 1,500 rows are not ab"
    ):
        refit.binned(usecase, {"max_bin": 16, "nthread": 1}, odd, odd)
