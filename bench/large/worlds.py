"""A copy of the project with as many simulated payments as wanted, a Parquet file per month."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from sources.card_fraud.simulator import simulate
from tests.conftest import ROOT
from tests.project import Project, make

USECASE = "card_fraud"
START = date(2025, 1, 1)
PER_CUSTOMER_DAY = 2.0755
"""Payments of a customer on a day, on the average of a year."""
TERMINALS = 2
"""Per customer; the land grows with them, so that a customer's neighbourhood stays as it is."""
SOURCE = Path("sources") / USECASE / "events"


def end(months: int) -> date:
    """The first day after so many months from START.

    >>> str(end(12)), str(end(3))
    ('2026-01-01', '2025-04-01')
    """
    whole = START.year * 12 + START.month - 1 + months
    return date(whole // 12, whole % 12 + 1, 1)


def customers(events: int, months: int) -> int:
    """How many pay about so many times in all.

    >>> customers(1_000_000, 12)
    1320
    """
    days = (end(months) - START).days
    return max(1, round(events / PER_CUSTOMER_DAY / days))


def write(folder: Path, events: int, months: int, seed: int) -> int:
    """The payments as a Parquet file per month in `folder`; how many. Holds one day of them in memory."""
    folder.mkdir(parents=True)
    people = customers(events, months)
    settings = {"customers": people, "terminals": TERMINALS * people}
    rows = 0
    for month, tables in groupby(simulate(settings, START, end(months), seed), _month):
        rows += _write(folder / f"payments-{month}.parquet", tables)
    return rows


def _month(day: pa.Table) -> str:
    return str(day.column("paid_at")[0].as_py())[:7]


def _write(path: Path, tables: Iterator[pa.Table]) -> int:
    first = next(tables)
    rows = first.num_rows
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table)
            rows += table.num_rows
    return rows


def project(folder: Path, months: int, changes: Mapping[str, Any]) -> Project:
    """A copy of the project on the payments in its own SOURCE, params as shipped but for `changes`.

    The join is the direct one, which gives Feast's bytes in a fraction of its time.
    """
    folder.mkdir()
    copy = make(folder, [USECASE])
    shipped = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))[USECASE]
    data = {
        "source": "parquet",
        "path": str(SOURCE),
        "start": str(START),
        "as_of": str(end(months)),
    }
    copy.set({USECASE: {**shipped, "data": data}})
    copy.set({f"{USECASE}.features.join": "direct", **changes})
    return copy
