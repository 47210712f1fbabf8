"""Categories that the model splits on as sets: the same bits in batch, one by one and from the bundle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plumbline.core.declarations import Category
from plumbline.core.errors import ParamsError
from plumbline.metrics import metrics
from plumbline.model import boosting, bundle, contributions, manifest, matrices
from plumbline.studies.backtest import refit
from plumbline.studies.feature_value import shadow_features
from plumbline.train import fitting
from plumbline.train.params import Train
from tests import studies
from tests.boosting import events, parcels, write

SENDERS = tuple(range(20))
EFFECT = np.random.default_rng(4).normal(0, 40, 21)
SHALLOW: dict[str, Any] = {"max_depth": 2, "eta": 0.3}


def case(*, native: bool) -> Any:
    codes = Category("sender_code", "sender", SENDERS, "who sends", native=native)
    return parcels(
        "regression",
        categories=(codes,),
        rows=(),
        snapshots=(),
        features=("height", "sender_code"),
        offset=None,
    )


def rows(seed: int, n: int) -> dict[str, Any]:
    table = events(seed, n)
    code = table["sender"].astype(float)
    weight = np.rint(200 + EFFECT[code.astype(int)] + table["height"] / 9).astype(np.int64)
    return {**table, "sender_code": code, "weight": weight}


TRAIN, VALID = rows(1, 2_000), rows(2, 800)


def fit(usecase: Any) -> tuple[fitting.FittedModel, dict[str, Any]]:
    tuned = studies.TUNED.model_copy(update={"params": SHALLOW})
    settings = fitting.booster_settings(usecase, Train(), tuned, 1)
    pair = refit.binned(usecase, settings, TRAIN, VALID)
    return fitting.fit(usecase, Train(rounds=25), settings, pair, VALID), settings


def test_sets_learn_faster_than_the_order_of_codes_and_answer_the_same_everywhere(tmp_path: Path):
    model, settings = fit(case(native=True))
    answer = model.predict(VALID)
    entries = fitting.manifest_entries(model, settings, {"seed": 1})
    saved = bundle.save(tmp_path / "model", model.booster, entries)
    unseen = {**VALID, "sender_code": np.where(VALID["sender"] < 5, 20.0, VALID["sender_code"])}
    for table in (VALID, unseen):
        together = saved.predict(table)
        one = [saved.predict({n: v[i : i + 1] for n, v in table.items()})[0] for i in range(150)]
        assert one == together[:150].tolist()
        assert np.array_equal(together, model.predict(table))
    label = VALID["weight"].astype(float)
    ordered = fit(case(native=False))[0].predict(VALID)
    assert metrics.mae(label, answer) < 0.7 * metrics.mae(label, ordered)
    shares = contributions.of(model.booster, model.usecase.features, None, VALID)
    assert np.allclose(shares.base + shares.each.sum(axis=1), answer, atol=1e-2)


def test_a_table_on_disk_has_the_same_types(tmp_path: Path):
    usecase = replace(
        parcels(), categories=tuple(replace(c, native=True) for c in parcels().categories)
    )
    settings = boosting.settings("classification", {}, seed=1, threads=1)
    train, valid = write(tmp_path)
    for matrix in (*matrices.binned(usecase, settings, train, valid), matrices.both(usecase, settings, train, valid)):  # fmt: skip
        assert matrix.feature_types == ["float", "c", "float", "float"]


def test_shadows_of_categories_are_categories():
    full = boosting.settings("regression", SHALLOW, seed=1, threads=1)
    settings = shadow_features.TrainingSettings(
        "regression", full, 10, 10, frozenset({"sender_code"})
    )
    x = np.stack([TRAIN["height"], TRAIN["sender_code"]], axis=1).astype(np.float32)
    window = shadow_features.TrainingWindow(x, TRAIN["weight"].astype(np.float32))
    found, shadows = shadow_features.once(["height", "sender_code"], window, window, settings, 2, 1)
    assert found["sender_code"].loss > 10 * max(s.loss for s in shadows)


def test_a_category_has_no_direction_and_codes_change_no_md5():
    with pytest.raises(ParamsError, match="a native category has no order; expected 0, or native"):
        boosting.monotone(case(native=True), {"sender_code": 1})
    definitions = [manifest.definitions(case(native=native)) for native in (False, True)]
    assert definitions[0] != definitions[1]
