"""A population's model, trained with the project's own training code, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from plumbline import config
from plumbline.core import documents, tables
from plumbline.core.declarations import Array
from plumbline.core.files import replacing_folder
from plumbline.model import bundle, matrices
from plumbline.model.bundle import Bundle
from plumbline.model.tune_result import TuneResult
from plumbline.monitor import monitored_columns
from plumbline.monitor.window import ScoredWindow, scorable
from plumbline.train import fitting
from plumbline.train.params import Train
from tests.conftest import ROOT
from usecases.card_fraud.model import USECASE

COSTS = config.load(USECASE.name, ROOT / "params.yaml").train.costs


def fit(train: pa.Table, valid: pa.Table, folder: Path, seed: int) -> None:
    """Train on the tables with the settings that `tune` found, calibrate, and save the bundle."""
    tuned = documents.read(TuneResult, ROOT / f"metrics/{USECASE.name}/tune.json")
    train_params = Train(costs=COSTS, threads=1)
    settings = fitting.booster_settings(USECASE, train_params, tuned, seed)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with replacing_folder(folder) as out:
        paths = out / "train.parquet", out / "valid.parquet"
        for table, path in zip((train, valid), paths, strict=True):
            pq.write_table(table, path)
        pair = matrices.binned(USECASE, settings, *paths)
        columns = tables.read(paths[1], fitting.needed_columns(USECASE, COSTS))
        model = fitting.fit(USECASE, train_params, settings, pair, columns)
        for path in paths:
            path.unlink()
        entries = fitting.manifest_entries(model, settings, {"seed": seed})
        bundle.save(out / "bundle", model.booster, entries)


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
