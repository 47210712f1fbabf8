"""Drift of features as they are written: how often an ordinary month is flagged, and a changed one.

`python -m bench.partition_drift [--seeds 1,2,3,4]`: nine months of simulated payments of 500 customers per seed, and the
histories of card_fraud over them by the project's own batch code. Every month that can be judged is judged by those
before it; then the last month again with amounts that rose, payments that doubled, or customers of one region.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from bench.monitoring import streams
from plumbline.core import tables
from plumbline.core.declarations import Array
from plumbline.features import batch, derived_events, ibis_session, partition_drift
from plumbline.features.partition_drift import PartitionShift
from sources.card_fraud.simulator import simulate
from usecases.card_fraud.model import USECASE

START, END = date(2024, 10, 1), date(2025, 7, 1)
CHANGE = "2025-06-10"
SIZE = {"customers": 500, "terminals": 500}
CHANGES: Mapping[str, Mapping[str, Any]] = {
    "amounts +50 %": {"kind": "prices", "size": 0.5},
    "amounts +20 %": {"kind": "prices", "size": 0.2},
    "twice the payments": {"kind": "volume", "size": 1.0},
    "amounts +50 % in one region": {"kind": "prices", "size": 0.5, "region": "north-west"},
}


def histories(
    seed: int, shock: Mapping[str, Any] | None
) -> Iterator[tuple[str, dict[str, dict[str, Array]]]]:
    """By entity, by month ("2025-06"), the days and the values of its features."""
    shocks = [{**shock, "date": CHANGE}] if shock else []
    events = pa.concat_tables(simulate({**SIZE, "shocks": shocks}, START, END, seed, truth=True))
    with ibis_session.connection(threads=1) as backend:
        rows = ibis_session.lend(backend, events)
        late = ibis_session.lend(backend, streams.outcomes(events))
        rows = derived_events.with_derived(backend, USECASE, rows, late, END)
        for entity in USECASE.entities:
            built = batch.snapshots(USECASE, entity, rows, late, END)
            table = backend.con.sql(backend.compile(built)).to_arrow_table()
            yield entity.name, _by_month({n: tables.numpy(table[n]) for n in table.column_names})


def _by_month(columns: Mapping[str, Array]) -> dict[str, dict[str, Array]]:
    day = columns["day"].astype("datetime64[D]")
    month = day.astype("datetime64[M]").astype(str)
    chosen = {m: month == m for m in np.unique(month) if m < f"{END:%Y-%m}"}
    return {m: {n: v[rows] for n, v in columns.items()} for m, rows in chosen.items()}


def judged(seed: int, shock: Mapping[str, Any] | None, *, every: bool) -> Iterator[PartitionShift]:
    """Each feature's newest month, or every month by those before it."""
    for entity, months in histories(seed, shock):
        days = {m: c["day"].astype("datetime64[D]") for m, c in months.items()}
        for spec in (s for s in USECASE.snapshots if s.entity == entity):
            values = {m: c[spec.name].astype(np.float64) for m, c in months.items()}
            usable = partition_drift.filled(
                spec, USECASE.delay_days, partition_drift.months_of(days, values)
            )
            first = partition_drift.DIFFERENCES + 2 if every else len(usable)
            for count in range(first, len(usable) + 1):
                yield partition_drift.shift(f"{seed}: {spec.name}", usable[:count])


def line(title: str, found: list[PartitionShift]) -> str:
    """The share that is flagged."""
    flagged = [f for f in found if f.drifted]
    names = sorted({f.name.split(": ")[1] for f in flagged})
    return f"{title}: {len(flagged)} of {len(found)} flagged; {', '.join(names) or 'none'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="1,2,3,4", help="of populations, with commas")
    seeds = [int(s) for s in parser.parse_args().seeds.split(",")]
    print(line("no change", [f for s in seeds for f in judged(s, None, every=True)]), flush=True)
    for title, shock in CHANGES.items():
        found = [f for s in seeds for f in judged(s, shock, every=False)]
        print(line(title, found), flush=True)


if __name__ == "__main__":
    main()
