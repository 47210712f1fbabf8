"""The events that an experiment is about, out of sealed days and the log. An edge: reads files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from plumbline.core import sealed_days
from plumbline.core.declarations import Array
from plumbline.core.errors import PlumblineError
from plumbline.core.sealed_days import SealedDay
from plumbline.core.usecase import FeatureSet
from plumbline.ops.experiments.declaration import Experiment
from plumbline.ops.experiments.event_rows import EventRows, Outcome, joined
from plumbline.ops.replay import row_sources
from plumbline.ops.replay.day_range import DayRange
from plumbline.ops.replay.row_sources import RowSources
from plumbline.ops.replay.served_rows import ServedRows
from plumbline.serve.log.reader import LogReader
from plumbline.serve.protocols import LoggedOutcome

MICROS = 1_000_000
DAY = 86_400 * MICROS


@dataclass(frozen=True)
class Served:
    """What was served and what became of it: rows by sequence, the outcomes by key, the last day that has rows."""

    rows: EventRows
    outcomes: Mapping[Any, Outcome]
    last: date


def read(
    root: Path, usecase: FeatureSet, when: DayRange, unit: str | None, columns: Iterable[str]
) -> Served:
    """Rows of these days, and all outcomes since the first; PlumblineError where there is nothing.

    `unit`: the entity whose events belong together. `columns`: numeric columns of the event that are read.
    """
    sources = row_sources.found(root, usecase.name, when)
    wanted = tuple(columns)
    parts = [_part(rows, usecase, unit, wanted) for rows in row_sources.batches(sources, usecase)]
    return Served(
        joined(parts, wanted), _latest(_outcomes(sources, usecase)), known_until(root, usecase.name)
    )


def known_until(root: Path, usecase: str) -> date:
    """The last day of which something is sealed or logged; PlumblineError where there is nothing."""
    sources = row_sources.found(root, usecase, DayRange())
    return max([*sources.live, *(one.day for one in sources.every)])


def days(root: Path, usecase: str) -> list[date]:
    """The days on which something was served; PlumblineError where there is none."""
    return row_sources.found(root, usecase, DayRange()).days


def arms_of(experiment: Experiment, rows: EventRows) -> Array:
    """Rows that take part, bool (n,): live ones of the arms; of a paired design the control's and the shadows'."""
    live = rows.mode == "live"
    if experiment.design == "ab":
        return live & np.isin(rows.arm, experiment.arms)
    shadows = (rows.mode == "shadow") & np.isin(rows.arm, experiment.treatments)
    return (live & (rows.arm == experiment.control)) | shadows


def _part(
    rows: ServedRows, usecase: FeatureSet, unit: str | None, columns: tuple[str, ...]
) -> EventRows:
    facts = rows.facts
    return EventRows(
        sequence=facts["sequence"].astype(np.int64),
        day=facts["received"].astype(np.int64) // DAY,
        unit=_units(rows, usecase, unit),
        key=facts["key"],
        arm=facts["arm"].astype(str),
        mode=facts["mode"].astype(str),
        time=_times(rows, usecase.time),
        score=np.where(rows.width == 1, rows.score[:, 0], np.nan),
        scored=rows.width > 0,
        alarm=np.array([np.nan if a is None else float(a) for a in facts["alarm"]]),
        decision=np.array([str(d or "") for d in facts["decision"]], object),
        action=np.array([str(a or "") for a in facts["action"]], object),
        propensity=facts["propensity"].astype(np.float64),
        micros=facts["micros"].astype(np.float64),
        flagged=np.array([bool(f) for f in facts["flags"]], np.float64),
        columns={name: _column(rows, name) for name in columns},
    )


def _units(rows: ServedRows, usecase: FeatureSet, unit: str | None) -> Array:
    """Each event's entity; the event itself where it has none, as routes do."""
    keys = [f"event {key}" for key in rows.facts["key"]]
    column = usecase.entity(unit).column if unit else None
    if column is None or column not in rows.events:
        return np.array(keys, object)
    values = rows.events[column].to_pylist()
    ids = [key if v is None else f"entity {v}" for v, key in zip(values, keys, strict=True)]
    return np.array(ids, object)


def _times(rows: ServedRows, time: str | None) -> Array:
    """Each event's time, microseconds since 1970; that of receipt where events have none."""
    received = rows.facts["received"].astype(np.int64)
    if time is None or time not in rows.events:
        return received
    own = rows.events[time].cast(pa.timestamp("us")).cast(pa.int64())
    return np.where(own.is_null(), received, own.fill_null(0).to_numpy(zero_copy_only=False))


def _column(rows: ServedRows, name: str) -> Array:
    """A known column or a feature, float64 (n,); NaN where it is not there."""
    if name in rows.events:
        column = rows.events[name].cast(pa.float64())
        return np.asarray(column.to_numpy(zero_copy_only=False), np.float64)
    for features in (rows.computed, rows.aggregates):
        if name in features:
            return features[name]
    return np.full(len(rows), np.nan)


def _outcomes(sources: RowSources, usecase: FeatureSet) -> Iterator[tuple[Any, Outcome]]:
    """The outcomes of sealed days, and those of the log after them."""
    late = [column.name for column in usecase.columns if not column.known]
    for one in sources.every:
        if one.statement.rows["outcomes"]:
            yield from _sealed(one, usecase.key, late)
    last = sources.every[-1].statement.last_sequence if sources.every else 0
    for row in LogReader(sources.log).rows(last):
        if isinstance(row, LoggedOutcome):
            yield row.key, Outcome(row.known_at, row.known_at, row.sequence, dict(row.values))


def _sealed(day: SealedDay, key: str, late: list[str]) -> Iterator[tuple[Any, Outcome]]:
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(day.file("outcomes"))
    except (OSError, pa.ArrowException) as error:
        pointer = sealed_days.pointer(day.folder, day.day)
        raise PlumblineError(
            f"{day.file('outcomes')}: cannot be read ({error}); `dvc pull {pointer}` brings it"
        ) from None
    known = table["known_at"].cast(pa.timestamp("us")).cast(pa.int64()).to_pylist()
    columns = {n: table[n].to_pylist() for n in late if n in table.column_names}
    keys, sequences = table[key].to_pylist(), table["sequence"].to_pylist()
    for place, (one, at, sequence) in enumerate(zip(keys, known, sequences, strict=True)):
        yield one, Outcome(at, at, sequence, {n: values[place] for n, values in columns.items()})


def _latest(outcomes: Iterable[tuple[Any, Outcome]]) -> dict[Any, Outcome]:
    """By key the latest outcome known, and when the first was."""
    result: dict[Any, Outcome] = {}
    for key, one in outcomes:
        before = result.get(key)
        result[key] = one if before is None else before.followed_by(one)
    return result
