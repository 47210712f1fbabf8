"""A small bundle that carries its use case, and raw events for it with the answers recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.core import tables
from plumbline.model import bundle, usecase_file
from plumbline.model.admission import Scorer
from plumbline.model.bundle import Bundle
from plumbline.ops.release import archives
from plumbline.serve import scoring
from plumbline.train import fitting
from plumbline.train.params import Train
from tests.boosting import COSTS, events, parcels
from tests.code.test_training import fit

RAW = ("number", "at", "sender", "height", "kind", "worth", "sender_mean_7d")
"""What a raw event has: the contract's known columns, and the model's history."""


def carrying(folder: Path) -> Path:
    """A bundle of parcels in `folder`, as the stage train writes it."""
    boosted = fit(folder, "classification", rounds=20)
    columns = tables.read(folder / "valid.parquet")
    model = fitting.finish(parcels(), Train(costs=COSTS), boosted, columns)
    entries = fitting.manifest_entries(model, {"eta": 0.3}, {"seed": 5})
    bundle.save(folder / "model", boosted.booster, entries, parcels())
    return folder / "model"


def raw(rows: int = 300) -> dict[str, Any]:
    """Raw events with their history."""
    return {name: values for name, values in events(3, rows).items() if name in RAW}


def alone(loaded: Bundle, table: Path) -> dict[str, Any]:
    """The answers of a bundle by the use case that it carries, from a model table's raw columns."""
    assert loaded.carried is not None
    case = usecase_file.built(loaded.carried)
    known = [c.name for c in case.known] + [f.name for f in case.aggregates]
    scorer = Scorer(loaded, case, "admitted", ())
    return scoring.answers(scorer, pq.read_table(table, columns=known))


def released(folder: Path, rows: int = 300) -> list[float]:
    """Write `parcels.tar.gz` and `events.parquet` to `folder`; the scores of the table that holds all features."""
    model = carrying(folder)
    archives.pack(model, "parcels-model-v1", folder / "parcels.tar.gz")
    pq.write_table(pa.table(raw(rows)), folder / "events.parquet")
    scores: list[float] = bundle.load(model).predict(events(3, rows)).tolist()
    return scores
