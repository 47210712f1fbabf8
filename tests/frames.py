"""Real departures and simulated payments laid out as valid data, and their model tables."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline.core.usecase import UseCase
from plumbline.features import assemble, ibis_session
from plumbline.features.params import Features
from sources.card_fraud.simulator import simulate
from usecases.card_fraud import model as card_fraud
from usecases.flights import model as flights

FLIGHTS, PAYMENTS = flights.USECASE, card_fraud.USECASE
SPLITS = {
    "flights": Features(warmup_days=14, valid_days=30, test_days=183, current_days=31),
    "card_fraud": Features(warmup_days=10, valid_days=10, test_days=14, current_days=10),
}
AS_OF = {"flights": date(2014, 1, 1), "card_fraud": date(2025, 3, 12)}


def departures(path: Path) -> pa.Table:
    """The table of departures with the contract's columns, in no particular order."""
    built = ", ".join(f"{FLIGHTS.derive.get(c.name, c.name)} AS {c.name}" for c in FLIGHTS.columns)
    return duckdb.sql(
        f"SELECT {built} FROM read_csv('{path}') WHERE tailnum IS NOT NULL "
        "QUALIFY count(*) OVER (PARTITION BY flight_id) = 1"
    ).to_arrow_table()


def payments(customers: int = 900, terminals: int = 300) -> pa.Table:
    """Seventy days of simulated payments, no number twice."""
    settings = {"customers": customers, "terminals": terminals}
    rows = pa.concat_tables(simulate(settings, date(2025, 1, 1), AS_OF["card_fraud"], seed=3))
    once = "SELECT * FROM rows QUALIFY count(*) OVER (PARTITION BY payment_id) = 1"
    return duckdb.from_arrow(rows).query("rows", once).to_arrow_table()


def lay_out(case: UseCase, rows: pa.Table, folder: Path) -> Path:
    """The rows as the data stage lays them out: events and outcomes, a Parquet per month."""
    folder.mkdir(parents=True)
    known_at = pc.add(rows[case.time], pa.scalar(case.delay))
    late = [case.key, case.time, "known_at", *(c.name for c in case.unknown)]
    parts = {
        "events": (rows.select([c.name for c in case.known]), case.time),
        "outcomes": (rows.append_column("known_at", known_at).select(late), "known_at"),
    }
    for kind, (table, time) in parts.items():
        table = table.sort_by([(time, "ascending"), (case.key, "ascending")])
        months = pc.strftime(table[time], "%Y-%m")
        for month in pc.unique(months).to_pylist():
            part = table.filter(pc.equal(months, month))
            pq.write_table(part, folder / f"{kind}-{month}.parquet")
    return folder


def build(case: UseCase, rows: pa.Table, folder: Path, **changes: Any) -> Path:
    """The folder with the model tables of `rows`, made as the features stage makes them."""
    valid = lay_out(case, rows, folder / "valid")
    params = SPLITS[case.name].model_copy(update=changes)
    for name in ("snapshots", "tables"):
        (folder / name).mkdir()
    with ibis_session.connection() as backend:
        as_of = AS_OF[case.name]
        assemble.timed(backend, case, params, as_of, valid, folder / "snapshots", folder / "tables")
    return folder / "tables"
