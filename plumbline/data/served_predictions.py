"""What was served on the sealed days, for the monitor: `predictions-<month>.parquet` and `served.json`. An edge: files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline.core import arrow_columns, duckdb_session, files, served_sheet
from plumbline.core.sealed_days import SealedDay
from plumbline.core.served_sheet import ServedDay, ServedSheet
from plumbline.core.sql import quote
from plumbline.core.usecase import Contract
from plumbline.data import sealed_rows
from plumbline.data.outcome_counts import OutcomeCounts
from plumbline.data.sealed_source import SealedSource

COMPRESSION = "zstd"


@dataclass
class ServedPredictions:
    """The days, the keys whose rows are left out, and how many events were there twice. `counts`: by day, rows by mode and
    answered events by flag, as they are written.
    """

    days: Sequence[SealedDay]
    forgotten: pa.Array | None
    repeated: int
    counts: dict[Any, Counter[str]] = field(default_factory=dict)
    left_out: int = 0


def of(
    connection: duckdb.DuckDBPyConnection, usecase: Contract, sealed: SealedSource | None
) -> ServedPredictions | None:
    """Of a source with sealed days: what is to be written. Call it when `data.forget` was applied, and nothing else."""
    if sealed is None:
        return None
    key = quote(usecase.key)
    gone = f"SELECT {key} FROM {sealed_rows.KEYS} WHERE {key} NOT IN (SELECT {key} FROM events)"
    keys = [row[0] for row in duckdb_session.rows(connection, gone)]
    return ServedPredictions(sealed.days, pa.array(keys) if keys else None, sealed.repeated)


def write(folder: Path, served: ServedPredictions | None, outcomes: OutcomeCounts | None) -> None:
    """Write the folder anew: a file of predictions per month of receipt, by sequence, and the sheet."""
    with files.replacing_folder(folder) as beside:
        if served is None:
            served_sheet.write(beside, ServedSheet(served=False))
            return
        for month, days in groupby(served.days, key=lambda one: f"{one.day:%Y-%m}"):
            _write_month(beside / f"predictions-{month}.parquet", list(days), served)
        served_sheet.write(beside, _sheet(served, outcomes))


def _write_month(path: Path, days: Sequence[SealedDay], served: ServedPredictions) -> None:
    kept = [one for one in days if one.statement.rows["predictions"]]
    if not kept:
        return
    schema = arrow_columns.united(pq.read_schema(one.file("predictions")) for one in kept)
    schema = schema.insert(0, pa.field("day", pa.date32()))
    with pq.ParquetWriter(path, schema, compression=COMPRESSION) as writer:
        for one in kept:
            for table in _groups(one, served):
                day = pa.array([one.day] * table.num_rows, pa.date32())
                dated = table.add_column(0, "day", day)
                writer.write_table(arrow_columns.conformed(dated, schema))


def _groups(one: SealedDay, served: ServedPredictions) -> Iterator[pa.Table]:
    """The rows of a day, as they were sealed, without those that are to be forgotten; counted."""
    counts = served.counts.setdefault(one.day, Counter())
    with pq.ParquetFile(one.file("predictions")) as file:
        for number in range(file.num_row_groups):
            table = file.read_row_group(number)
            if served.forgotten is not None:
                known = served.forgotten.cast(table["key"].type)
                kept = table.filter(pc.invert(pc.is_in(table["key"], value_set=known)))
                served.left_out += table.num_rows - kept.num_rows
                table = kept
            counts.update(_counted(table))
            yield table


def _counted(table: pa.Table) -> Iterator[str]:
    """Per row its mode, and per answered event each of its flags."""
    modes, flags = table["mode"].to_pylist(), table["flags"].to_pylist()
    yield from modes
    for mode, names in zip(modes, flags, strict=True):
        yield from (f"flag {name}" for name in names if mode == "live")


def _sheet(served: ServedPredictions, outcomes: OutcomeCounts | None) -> ServedSheet:
    days = [_day(one, served.counts.get(one.day, Counter())) for one in served.days]
    return ServedSheet(
        served=True,
        first=days[0].day if days else None,
        last=days[-1].day if days else None,
        days=days,
        predictions=sum(one.events + one.shadows for one in days),
        shadows=sum(one.shadows for one in days),
        outcomes=sum(one.outcomes for one in days),
        unknown_outcomes=outcomes.unknown if outcomes else 0,
        repeated_outcomes=outcomes.duplicates if outcomes else 0,
        repeated_events=served.repeated,
        forgotten=served.left_out,
    )


def _day(one: SealedDay, counts: Counter[str]) -> ServedDay:
    flags = {
        name.removeprefix("flag "): n
        for name, n in sorted(counts.items())
        if name.startswith("flag ")
    }
    refused: dict[str, dict[str, int]] = {}
    for row in pq.read_table(one.file("refusals")).to_pylist():
        problems = refused.setdefault(str(row["column"]), {})
        problems[row["problem"]] = problems.get(row["problem"], 0) + row["count"]
    return ServedDay(
        day=one.day,
        first_sequence=one.statement.first_sequence,
        last_sequence=one.statement.last_sequence,
        events=counts["live"],
        shadows=counts["shadow"],
        outcomes=one.statement.rows["outcomes"],
        flags=flags,
        refused=refused,
    )
