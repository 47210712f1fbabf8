"""Bundles for the benchmarks of serving: equal to the checkout's, or worse in one way.

Made from the checkout's tables with the bundle's own parameters, calibration and threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.core import row_features, tables, usecase_loader
from plumbline.core.declarations import Array
from plumbline.model import bundle
from plumbline.model.bundle import Bundle
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role

EXTRA_ROUNDS = 1_000
FEW = 400
"""Rows on which rounds that change nothing are added: they cost time, and no quality."""


@dataclass(frozen=True)
class Workshop:
    """The checkout's bundle, and what it was fitted on."""

    usecase: str
    model: Bundle
    x: Array
    y: Array
    scores: Array

    @staticmethod
    def of(project: Path, usecase: str) -> Workshop:
        """Of a project whose outs are here."""
        model = bundle.load(artifacts.path(usecase, Role.BUNDLE, project), usecase)
        train = tables.read(artifacts.path(usecase, Role.TRAIN_TABLE, project))
        test = tables.read(artifacts.path(usecase, Role.TEST_TABLE, project))
        x = row_features.matrix(model.features, train)
        return Workshop(usecase, model, x, train[model.manifest.label], model.predict(test))

    def make(self, kind: str, target: Path, seed: int = 1) -> Path:
        """A bundle of this kind in the folder `target`."""
        booster, changed = KINDS[kind](self, seed)
        known = self.model.manifest
        described = {n: getattr(known, n) for n in type(known).model_fields if n != "model_md5"}
        described["provenance"] = {**known.provenance, "seed": seed, "kind": kind}
        bundle.save(
            target, booster, {**described, **changed}, usecase_loader.load_features(self.usecase)
        )
        return target

    def fit(self, y: Array, seed: int, rounds: int | None = None) -> Any:
        """Trees with the bundle's parameters."""
        import xgboost

        params = {**self.model.manifest.params, "seed": seed, "nthread": 2}
        data = xgboost.QuantileDMatrix(
            self.x, y, max_bin=params["max_bin"], feature_names=list(self.model.features)
        )
        return xgboost.train(params, data, rounds or self.model.manifest.rounds)


Made = tuple[Any, Mapping[str, Any]]


def _equal(shop: Workshop, seed: int) -> Made:
    return shop.fit(shop.y, seed), {}


def _constant(shop: Workshop, seed: int) -> Made:
    same = np.full(len(shop.y), 0.0)
    return shop.fit(same, seed, rounds=1), {}


def _inverted(shop: Workshop, seed: int) -> Made:
    return shop.fit(1 - shop.y, seed), {}


def _shuffled(shop: Workshop, seed: int) -> Made:
    return shop.fit(np.random.default_rng(seed).permutation(shop.y), seed), {}


def _tenfold(shop: Workshop, _: int) -> Made:
    """The same scores with a threshold that ten times as many reach."""
    known = shop.model.manifest.threshold
    assert known is not None
    share = float(np.mean(shop.scores >= known.value))
    value = float(np.quantile(shop.scores, 1 - min(10 * share, 0.9)))
    return shop.model.booster, {"threshold": replace(known, value=value)}


def _slower(shop: Workshop, seed: int) -> Made:
    """The same trees, and many more that add nothing: about ten times the time per event."""
    import xgboost

    params = {**shop.model.manifest.params, "seed": seed, "nthread": 2, "eta": 1e-12}
    params |= {"min_child_weight": 0, "lambda": 1e-9, "max_depth": 6, "max_bin": 64}
    rows = np.linspace(0, len(shop.y) - 1, FEW).astype(int)
    data = xgboost.DMatrix(
        shop.x[rows], np.arange(FEW) % 2, feature_names=list(shop.model.features)
    )
    return xgboost.train(params, data, EXTRA_ROUNDS, xgb_model=shop.model.booster), {}


KINDS: Mapping[str, Callable[[Workshop, int], Made]] = {
    "equal": _equal,
    "constant": _constant,
    "inverted": _inverted,
    "shuffled": _shuffled,
    "ten times the alarms": _tenfold,
    "slower": _slower,
}
WORSE = tuple(kind for kind in KINDS if kind != "equal")
