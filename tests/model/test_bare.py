"""The bare script that the pipeline's time is held against computes the model's own features."""

from __future__ import annotations

from datetime import date

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench import bare
from plumbline import config
from plumbline.core import tables
from plumbline.features import assemble, ibis_session, splits
from sources.card_fraud.simulator import simulate
from tests.conftest import ROOT
from tests.frames import PAYMENTS, lay_out

START, AS_OF = date(2025, 3, 1), date.fromisoformat(bare.AS_OF)
COLUMNS = [PAYMENTS.key, *PAYMENTS.features]
DUPLICATES = 40


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The folders with the bare script's tables and with the pipeline's, of four small months."""
    folder = tmp_path_factory.mktemp("bare")
    world = simulate({"customers": 200, "terminals": 4_000}, START, AS_OF, seed=3)
    rows = pa.concat_tables(world)
    once = "SELECT * FROM rows QUALIFY row_number() OVER (PARTITION BY payment_id) = 1"
    rows = duckdb.from_arrow(rows).query("rows", once).to_arrow_table()
    for name in ("bare", "snapshots", "tables"):
        (folder / name).mkdir()
    twice = pa.concat_tables([rows, rows.slice(0, DUPLICATES)])
    pq.write_table(twice, folder / "payments.parquet")
    bare.build(str(folder / "payments.parquet"), folder / "bare")
    valid = lay_out(PAYMENTS, rows, folder / "valid")
    own = config.load("card_fraud", ROOT / "params.yaml").features.model_copy(
        update={"join": "direct"}
    )
    with ibis_session.connection() as backend:
        outs = folder / "snapshots", folder / "tables"
        assemble.timed(backend, PAYMENTS, own, AS_OF, valid, *outs)
    return folder / "bare", folder / "tables"


def test_features_are_the_models():
    assert tuple(bare.FEATURES) == PAYMENTS.features


@pytest.mark.parametrize("name", splits.NAMES)
def test_rows(folders, name):
    ours, theirs = (tables.read(folder / f"{name}.parquet", COLUMNS) for folder in folders)
    assert len(ours[PAYMENTS.key]) > 1_000
    differ = [n for n in COLUMNS if not np.array_equal(ours[n], theirs[n])]
    assert differ == []
    constant = [n for n in COLUMNS if len(np.unique(ours[n])) < 2]
    assert constant == []
