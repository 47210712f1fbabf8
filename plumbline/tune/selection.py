"""The selection of features with the settings that the search found. An edge: reads tables.

Train and validation window alone: the test window, on which the model is judged, is not looked at.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from plumbline.core.errors import ParamsError, suggest
from plumbline.core.usecase import FeatureSet
from plumbline.metrics import metrics
from plumbline.model import boosting
from plumbline.model.tune_result import FeatureSelection
from plumbline.tune import elimination, trials
from plumbline.tune.params import Tune

FILE = "selection.csv"

log = logging.getLogger("plumbline")


def run(
    usecase: FeatureSet, tune: Tune, seed: int, best: Mapping[str, Any], pair: tuple[Path, Path]
) -> FeatureSelection | None:
    """Which features earn their cost, with the settings `best`; None where `tune.select` is not set.

    `pair`: the tables of train and validation window.
    """
    select = tune.select
    if select is None:
        return None

    def fit(features: tuple[str, ...]) -> tuple[float, Mapping[str, float]]:
        own = replace(usecase, features=features)
        given = trials.read(own, tune, seed, *pair)
        boosted = boosting.boost(
            {**given.fixed, **best},
            *given.pair,
            rounds=tune.rounds,
            early_stopping=tune.early_stopping,
        )
        gains = boosted.booster.get_score(importance_type="total_gain")
        figure = trials.figure(own, given, boosted)
        log.info("tune: %d features, %.5g", len(features), figure)
        return figure, gains

    return elimination.eliminate(
        usecase.features,
        fit,
        lambda name: select.costs.get(name, select.cost),
        higher_is_better=metrics.PRIMARY[usecase.problem] in metrics.HIGHER_IS_BETTER,
        max_fits=select.max_fits,
    )


def check(usecase: FeatureSet, tune: Tune) -> None:
    """ParamsError with the nearest names where a cost is of no feature of the model."""
    for name in tune.select.costs if tune.select else ():
        if name not in usecase.features:
            raise ParamsError(
                f"params.yaml, {usecase.name}.tune.select.costs.{name}: no feature of the model; "
                f"{suggest(name, usecase.features)}"
            )


def write(folder: Path, selection: FeatureSelection | None) -> None:
    """Write selection.csv, the features in the order in which they were tried; nothing without a selection."""
    if selection is None:
        return
    with (folder / FILE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["feature", "kept", "earned"])
        writer.writerows([one.name, one.kept, one.earned] for one in selection.tried)
