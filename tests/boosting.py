"""Small model tables, for tests of tuning, training and the bundle: parcels that break, and their weight."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.core import row_features
from plumbline.core.declarations import Array, Category, Column, Entity, Row, Snapshot
from plumbline.core.usecase import UseCase
from plumbline.metrics.cost_matrix import Costs
from plumbline.model.tune_result import TuneResult

KINDS = ("box", "tube")
COSTS = Costs(unit="cents", false_negative="worth", false_positive=200)


def height_over_mean(height: Array, sender_mean_7d: Array) -> Array:
    """Height over the sender's mean, ratio."""
    return height / (1.0 + sender_mean_7d)


COLUMNS = (
    Column("number", "int", "-", "key"),
    Column("at", "timestamp", "UTC", "when"),
    Column("sender", "int", "-", "who sends"),
    Column("height", "int", "mm", "height"),
    Column("kind", "string", "-", "shape", allowed=KINDS),
    Column("worth", "int", "cents", "what is lost when it breaks"),
    Column("broken", "int", "0/1", "label", known=False),
    Column("weight", "int", "g", "the regression's label", known=False),
)
FEATURES = ("height", "kind_code", "sender_mean_7d", "height_over_mean")


def parcels(problem: str = "classification", **changed: object) -> UseCase:
    """The use case; a regression of weight starts from the height."""
    regression = {"label": "weight", "offset": "height", "naive": "height"}
    classification = {"label": "broken"}
    given = {
        "name": "parcels",
        "title": "Parcels",
        "owner": "tests@example.com",
        "problem": problem,
        "key": "number",
        "time": "at",
        "entities": (Entity("sender", "sender", "who sends"),),
        "columns": COLUMNS,
        "snapshots": (
            Snapshot("sender_mean_7d", "sender", "mean", 7, "mean height", "height", default=50.0),
        ),
        "categories": (Category("kind_code", "kind", KINDS, "shape"),),
        "rows": (Row(height_over_mean),),
        "features": FEATURES,
        **(regression if problem == "regression" else classification),
        **changed,
    }
    return UseCase(**given)


def events(seed: int, n: int) -> dict[str, Array]:
    """A table's columns; tall tubes break more often, and weigh more."""
    r = np.random.default_rng(seed)
    known = {
        "number": np.arange(n),
        "at": np.datetime64("2025-01-01", "us") + np.arange(n) * np.timedelta64(1, "h"),
        "sender": r.integers(0, 20, n),
        "height": r.integers(1, 200, n),
        "kind": r.choice(np.array(KINDS, object), n),
        "worth": r.integers(0, 5_000, n),
        "sender_mean_7d": r.integers(50, 150, n) + 0.5,
    }
    tall = known["height"] / 200 + 0.5 * (known["kind"] == "tube") + r.normal(0, 0.25, n)
    known["broken"] = (tall > 1.2).astype(np.int64)
    known["weight"] = (known["height"] * 1.3 - 20 + r.normal(0, 15, n)).astype(np.int64)
    usecase = parcels()
    return {
        **known,
        **row_features.category_codes(usecase, known),
        **row_features.row_features(usecase, known),
    }


def tuned(params: dict[str, Any], fixed: dict[str, Any] | None = None) -> TuneResult:
    """What tune would have written of one trial."""
    return TuneResult(
        trials=1, failed=0, metric_name="average_precision", fixed=fixed or {}, params=params
    )


def write(folder: Path, train: int = 1_500, valid: int = 600) -> tuple[Path, Path]:
    """The train and valid tables as Parquet files in `folder`."""
    paths = folder / "train.parquet", folder / "valid.parquet"
    for path, seed, n in zip(paths, (1, 2), (train, valid), strict=True):
        columns = {k: v.tolist() if v.dtype == object else v for k, v in events(seed, n).items()}
        pq.write_table(pa.table(columns), path)
    return paths
