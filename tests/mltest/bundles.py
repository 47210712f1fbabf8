"""A small bundle on disk, its test window and what evaluate recorded of it, for tests of serving."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.core import tables
from plumbline.core.declarations import Array
from plumbline.model import bundle
from plumbline.ops.rollback import golden
from plumbline.train import fitting
from tests.boosting import events, parcels
from tests.code.test_bundle import HOW
from tests.code.test_training import fit


def saved(folder: Path, rounds: int = 20) -> Path:
    """A calibrated bundle of the parcels' use case in `folder`/model."""
    boosted = fit(folder, "classification", rounds=rounds)
    columns = tables.read(folder / "valid.parquet")
    model = fitting.finish(parcels(), HOW, boosted, columns)
    entries = fitting.manifest_entries(model, {"eta": 0.3}, {"train": "0" * 32, "seed": 5})
    bundle.save(folder / "model", boosted.booster, entries)
    return folder / "model"


def served(folder: Path, rows: int = 400) -> tuple[Path, Path, Path]:
    """The bundle, a test window, and the folder with the predictions that were recorded."""
    model, columns = saved(folder), events(9, rows)
    (folder / "report").mkdir()
    write(folder / "test.parquet", columns)
    keep = {"number": columns["number"], golden.SCORE: bundle.load(model).predict(columns)}
    write(folder / "report" / golden.FILE, keep)
    return model, folder / "test.parquet", folder / "report"


def write(path: Path, columns: dict[str, Array]) -> None:
    """Columns as a Parquet file."""
    plain = {k: v.tolist() if v.dtype == object else v for k, v in columns.items()}
    pq.write_table(pa.table(plain), path)
