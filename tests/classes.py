"""Tables of several classes with their model tables: scikit-learn's wines and digits, and days with weather."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.core import encodings, tables
from plumbline.core.usecase import UseCase
from plumbline.features import assemble, ibis_session
from plumbline.features.params import Features
from plumbline.model import bundle, matrices
from plumbline.model.bundle import Bundle
from plumbline.model.tune_result import TuneResult
from plumbline.train import fitting
from plumbline.train.params import Train
from plumbline.usecase import Column, Entity, Slice, Snapshot, Split

GRAPES = ("barolo", "grignolino", "barbera")
SKIES = ("sun", "rain", "fog")
SETTINGS: dict[str, Any] = {"eta": 0.2, "max_depth": 3, "min_child_weight": 1}
WEEKS = Features(warmup_days=10, valid_days=60, test_days=120, current_days=60)
SEED = 3


def wine(**changes: Any) -> UseCase:
    """Wines by what is measured of them; the label is text."""
    measured = [Column(n, "float", "-", n) for n in _wine().feature_names if "/" not in n]
    label = Column("grape", "string", "-", "cultivar", allowed=GRAPES, known=False)
    parts: dict[str, Any] = {
        "name": "wine",
        "title": "Grape of a wine",
        "owner": "tests",
        "problem": "multiclass",
        "key": "bottle",
        "label": "grape",
        "columns": (Column("bottle", "int", "-", "number"), *measured, label),
        "features": tuple(c.name for c in measured),
        "split": Split(stratify=True),
        "slices": (Slice("strength", "alcohol", "Alcohol", edges=(13,)),),
    }
    return UseCase(**{**parts, **changes})


def wines() -> pa.Table:
    """The 178 wines of scikit-learn."""
    data = _wine()
    measured = {n: data.data[:, i] for i, n in enumerate(data.feature_names) if "/" not in n}
    grape = np.array(GRAPES)[data.target]
    return pa.table({"bottle": np.arange(len(grape)), **measured, "grape": grape})


def _wine() -> Any:
    from sklearn.datasets import load_wine

    return load_wine()


def days(**changes: Any) -> UseCase:
    """The sky of each day at two stations, from the days before; the label is text."""
    columns = (
        Column("day_id", "int", "-", "number"),
        Column("at", "timestamp", "-", "morning"),
        Column("station", "string", "-", "where", allowed=("north", "south")),
        Column("pressure", "int", "hPa", "air pressure"),
        Column("wet", "int", "0/1", "it rained in the night"),
        Column("sky", "string", "-", "of the day", allowed=SKIES, known=False),
    )
    parts: dict[str, Any] = {
        "name": "days",
        "title": "Sky of the day",
        "owner": "tests",
        "problem": "multiclass",
        "key": "day_id",
        "time": "at",
        "label": "sky",
        "label_delay": 1,
        "entities": (Entity("station", "station", "a station"),),
        "columns": columns,
        "snapshots": (Snapshot("wet_3d", "station", "mean", 3, "wet nights", "wet"),),
        "features": ("pressure", "wet", "wet_3d"),
        "slices": (Slice("station", "station", "Station"),),
    }
    return UseCase(**{**parts, **changes})


def observed(count: int = 600, seed: int = 1, a_day: int = 2) -> pa.Table:
    """So many mornings at both stations, the sky drawn by pressure and the night."""
    random = np.random.default_rng(seed)
    n = a_day * count
    day = np.datetime64("2023-01-01T08:00", "us") + np.repeat(
        np.arange(count), a_day
    ) * np.timedelta64(1, "D")
    pressure = random.integers(980, 1_040, n)
    wet = (random.random(n) < np.where(pressure < 1_005, 0.6, 0.2)).astype(np.int64)
    odds = np.stack([(pressure - 1_005) / 12, 1.5 * wet + 0.2, np.full(n, -0.6)], axis=1)
    noise = random.gumbel(size=odds.shape)
    sky = np.array(SKIES)[np.argmax(odds + noise, axis=1)]
    station = np.tile(["north", "south"], n // 2)
    names = ("day_id", "at", "station", "pressure", "wet", "sky")
    return pa.table(dict(zip(names, (np.arange(n), day, station, pressure, wet, sky), strict=True)))


def tables_of(
    case: UseCase,
    rows: pa.Table,
    folder: Path,
    params: Features | None = None,
    as_of: date | None = None,
) -> Path:
    """The folder with the model tables of `rows`, made as the features stage makes them."""
    from tests import frames

    valid, made = folder / "valid", folder / "tables"
    made.mkdir(parents=True)
    with ibis_session.connection() as backend:
        if case.time is not None:
            frames.lay_out(case, rows, valid)
            (folder / "snapshots").mkdir()
            snapshots = folder / "snapshots"
            assemble.timed(backend, case, params or WEEKS, as_of, valid, snapshots, made)
            return made
        valid.mkdir()
        pq.write_table(rows.select([c.name for c in case.known]), valid / "events-all.parquet")
        late = rows.select([case.key, *(c.name for c in case.unknown)])
        pq.write_table(late, valid / "outcomes-all.parquet")
        assemble.untimed(backend, case, params or Features(), valid, made)
    return made


@dataclass(frozen=True)
class Built:
    """A use case's model tables and the bundle fitted on them."""

    case: UseCase
    tables: Path
    model: Path

    def rows(self, name: str) -> dict[str, np.ndarray]:
        """A model table's columns."""
        return tables.read(self.tables / f"{name}.parquet")

    @property
    def scorer(self) -> Bundle:
        """The bundle, loaded anew."""
        return bundle.load(self.model, self.case.name)


def build(
    case: UseCase,
    rows: pa.Table,
    folder: Path,
    train: Train | None = None,
    features: Features | None = None,
) -> Built:
    """Features, then the train stage's work."""
    made = tables_of(case, rows, folder, features)
    return Built(case, made, fit(case, made, folder / "model", train))


def fit(case: UseCase, made: Path, path: Path, train: Train | None = None, **params: Any) -> Path:
    """The bundle at `path`, fitted on the tables in `made`."""
    train = train or Train(rounds=40, early_stopping=10)
    tuned = TuneResult(
        trials=0, failed=0, metric_name="log_loss", fixed={**SETTINGS, **params}, params={}
    )
    settings = fitting.booster_settings(case, train, tuned, SEED)
    pair = matrices.binned(case, settings, made / "train.parquet", made / "valid.parquet")
    columns = tables.read(made / "valid.parquet", fitting.needed_columns(case, None))
    fitted = fitting.fit(case, train, settings, pair, columns)
    learned = encodings.learned(case, tables.read(made / "train.parquet", encodings.needed(case)))
    entries = fitting.manifest_entries(fitted, settings, {"seed": SEED}, learned)
    bundle.save(path, fitted.booster, entries, case)
    return path
