"""A population's model, trained with the project's own training code, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from plumbline import config
from plumbline.core.declarations import Array
from plumbline.core.files import read_json, replacing_folder
from plumbline.model import boosting, bundle
from plumbline.model.bundle import Bundle
from plumbline.monitor import monitored_columns
from plumbline.monitor.window import ScoredWindow, scorable
from plumbline.train.params import Train
from stages import train as stage
from tests.conftest import ROOT
from usecases.card_fraud.model import USECASE

COSTS = config.load(USECASE.name, ROOT / "params.yaml").train.costs


def fit(train: pa.Table, valid: pa.Table, folder: Path, seed: int) -> None:
    """Train on the tables with the settings that `tune` found, calibrate, and save the bundle."""
    tuned = read_json(ROOT / f"metrics/{USECASE.name}/tune.json")
    settings = boosting.settings(
        "classification", {**tuned["fixed"], **tuned["params"]}, seed=seed, threads=1
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with replacing_folder(folder) as out:
        paths = out / "train.parquet", out / "valid.parquet"
        for table, path in zip((train, valid), paths, strict=True):
            pq.write_table(table, path)
        how = Train(costs=COSTS)
        boosted = stage.boost(USECASE, settings, how, *paths)
        described = stage.describe(USECASE, boosted, how, paths[1])
        pure = {k: v for k, v in settings.items() if k != "nthread"}
        for path in paths:
            path.unlink()
        provenance = {"seed": seed}
        bundle.save(
            out / "bundle",
            boosted.booster,
            {**described, "params": pure, "provenance": provenance},
        )


def load(folder: Path) -> Bundle:
    """The bundle that `fit` saved."""
    return bundle.load(folder / "bundle", USECASE.name)


def gain(model: Bundle) -> dict[str, float]:
    """Each feature's share of the model's gain."""
    return monitored_columns.gain_shares(model.booster)


def scored(model: Bundle, columns: Mapping[str, Array]) -> dict[str, Array]:
    """The columns with the model's `score`; a feature that is missing or text is null to it."""
    rows = len(columns["delivered"])
    return {**columns, "score": model.predict(scorable(columns, model.features, rows))}


def window(columns: Mapping[str, Array], last: np.datetime64) -> ScoredWindow:
    """A window of scored rows with their true labels; its last day is the day of delivery."""
    shown = {n: v for n, v in columns.items() if n not in ("score", "delivered")}
    label = shown[USECASE.label].astype(np.float64)
    day = shown["paid_at"].astype("datetime64[D]")
    return ScoredWindow(shown, label, columns["score"], day, last)
