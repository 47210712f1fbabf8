"""A small use case with every kind of feature, its events, and the same features by brute force."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from plumbline.core import tables
from plumbline.core.declarations import (
    Array,
    Category,
    Column,
    Entity,
    Fresh,
    Hourly,
    Row,
    Snapshot,
    Where,
)
from plumbline.core.usecase import UseCase
from plumbline.features import assemble, batch, grain, ibis_session
from plumbline.serve import single_event

DELAY = 2
AS_OF = date(2025, 3, 20)
START = datetime(2025, 2, 24)
EVENING = Where("at", 18, 6)
STEPS = (-100, 0, 100, 200)


def per_place(cents: Array, place_sum_3d: Array) -> Array:
    """Cents plus the place's three-day sum, cents."""
    return cents + place_sum_3d


def heavy_today(grams: Array, who_grams_today: Array) -> Array:
    """Grams above the person's mean of the day; nothing without grams."""
    return grams - who_grams_today


def surprise(cents: Array, heavy_today: Array, who_mean_3d: Array) -> Array:
    """Cents above the person's mean, whole steps of ten, up with the grams; nothing without grams."""
    return np.floor((cents - who_mean_3d) / 10.0) + np.sign(heavy_today)


SMALL = UseCase(
    name="small",
    title="A small one",
    owner="tests@example.com",
    problem="classification",
    key="number",
    time="at",
    label="bad",
    label_delay=DELAY,
    entities=(Entity("who", "who_id", "a person"), Entity("place", "place_id", "a place")),
    columns=(
        Column("number", "int", "-", "key"),
        Column("at", "timestamp", "UTC", "when"),
        Column("who_id", "string", "-", "person"),
        Column("place_id", "int", "-", "place", null=True),
        Column("cents", "int", "cents", "amount"),
        Column("grams", "int", "grams", "weight", null=True),
        Column("kind", "string", "-", "kind", allowed=("a", "b")),
        Column("ok", "bool", "-", "a flag"),
        Column("bad", "int", "0/1", "label", known=False),
        Column("loss", "int", "cents", "loss", known=False, null=True),
    ),
    snapshots=(
        Snapshot("who_count_1d", "who", "count", 1, "events in a day"),
        Snapshot("who_mean_3d", "who", "mean", 3, "mean cents", "cents"),
        Snapshot("who_grams_5d", "who", "mean", 5, "mean grams", "grams", default=-1.0),
        Snapshot("who_bad_3d", "who", "rate", 3, "bad share", "bad", True, default=0.5),
        Snapshot("who_settled_5d", "who", "count", 5, "settled events", matured=True),
        Snapshot("place_sum_3d", "place", "sum", 3, "sum of cents", "cents"),
        Snapshot("place_ok_2d", "place", "rate", 2, "share ok", "ok"),
        Snapshot("place_loss_5d", "place", "mean", 5, "mean loss", "loss", True, default=-2.0),
        Snapshot("place_cents_1d", "place", "mean", 1, "mean cents of the settled", "cents", True),
        Snapshot("who_late_3d", "who", "count", 3, "events from 18 to 6", where=(EVENING,)),
        Snapshot(
            "who_late_bad_5d", "who", "rate", 5, "bad share, 18 to 6", "bad", True, where=(EVENING,)
        ),
        Snapshot(
            "who_loss_bad_5d",
            "who",
            "sum",
            5,
            "cents lost in 5 days",
            "loss",
            True,
            where=(Where("bad", 1),),
        ),
        Snapshot(
            "place_step_3d",
            "place",
            "mean",
            3,
            "mean step of cents, in the morning and of 2 to 7 grams",
            "cents",
            default=-4.0,
            where=(Where("grams", 2, 8), Where("at", high=12)),
            edges=STEPS,
        ),
        Snapshot("who_surprise_3d", "who", "sum", 3, "surprise in 3 days", "surprise"),
        Snapshot(
            "who_calm_2d", "who", "count", 2, "calm events", where=(Where("surprise", high=0),)
        ),
        Snapshot(
            "place_surprise_5d",
            "place",
            "mean",
            5,
            "mean step of surprise, settled",
            "surprise",
            True,
            default=-7.0,
            edges=(-5, 0, 5),
        ),
        Snapshot(
            "place_calm_bad_5d",
            "place",
            "rate",
            5,
            "bad share of the calm",
            "bad",
            True,
            where=(Where("surprise", high=1),),
        ),
    ),
    fresh=(
        Fresh("who_count_today", "who", "count", "events today"),
        Fresh("who_grams_today", "who", "mean", "mean grams today", "grams", default=-3.0),
        Fresh("place_sum_today", "place", "sum", "cents today", "cents"),
        Fresh("who_heavy_today", "who", "count", "of 5 grams or more", where=(Where("grams", 5),)),
        Fresh(
            "place_step_today",
            "place",
            "sum",
            "steps of cents, ok",
            "cents",
            where=(Where("ok", 1),),
            edges=STEPS,
        ),
        Fresh("place_surprise_today", "place", "mean", "mean surprise", "surprise", default=-8.0),
    ),
    categories=(Category("kind_code", "kind", ("a", "b"), "kind of event"),),
    rows=(Row(per_place), Row(heavy_today), Row(surprise)),
    derived=("surprise",),
    features=("cents", "who_count_1d", "who_mean_3d", "who_bad_3d", "place_sum_3d", "kind_code"),
)

NAMES = [f.name for f in (*SMALL.snapshots, *SMALL.fresh)]
TYPES = {c.name: tables.ARROW[c.type] for c in SMALL.columns} | {"known_at": pa.timestamp("us")}
Rows = list[dict[str, Any]]


def event(number: int, at: datetime, **other: Any) -> dict[str, Any]:
    """An event, all its columns and its outcome's; what is not given is plain."""
    plain = {"who_id": "ann", "place_id": 1, "cents": 100, "grams": 5, "kind": "a", "ok": True}
    late = {"bad": 0, "loss": None, "known_at": at + timedelta(days=DELAY)}
    return {"number": number, "at": at, **plain, **late, **other}


def arrow(rows: Iterable[Mapping[str, Any]], *, late: bool) -> pa.Table:
    """The events' known columns, or (`late`) their outcomes, as the data stage would lay them out."""
    names = [c.name for c in SMALL.unknown] if late else [c.name for c in SMALL.known]
    names = ["number", "at", "known_at", *names] if late else names
    columns = {n: pa.array([r[n] for r in rows], TYPES[n]) for n in names}
    return pa.table(columns)


def write(rows: Rows, folder: Path, as_of: date = AS_OF) -> Path:
    """Events and outcomes visible at `as_of` in `folder`, a file per month, in the given order."""
    folder.mkdir(parents=True)
    midnight = datetime(as_of.year, as_of.month, as_of.day)
    for kind, time in (("events", "at"), ("outcomes", "known_at")):
        seen = [r for r in rows if r[time] < midnight]
        for month in sorted({f"{r[time]:%Y-%m}" for r in seen}):
            part = [r for r in seen if f"{r[time]:%Y-%m}" == month]
            pq.write_table(arrow(part, late=kind == "outcomes"), folder / f"{kind}-{month}.parquet")
    return folder


@contextmanager
def lent(rows: Rows, late: Rows | None = None):
    """A backend with the events and the outcomes (those of `late` where given), unfiltered."""
    with ibis_session.connection(threads=1) as backend:
        events = ibis_session.lend(backend, arrow(rows, late=False))
        yield (
            backend,
            events,
            ibis_session.lend(backend, arrow(rows if late is None else late, late=True)),
        )


def computed(
    rows: Rows, late: Rows | None = None, as_of: date = AS_OF, case: UseCase = SMALL
) -> dict[int, dict[str, float]]:
    """Each visible event's histories by `plumbline.features.batch`, by key."""
    with lent(rows, late) as (backend, events, outcomes):
        events, outcomes = assemble.visible(backend, case, events, outcomes, as_of)
        built = {
            name: ibis_session.keep(
                backend, name, batch.snapshots(case, e, events, outcomes, as_of, kind)
            )
            for name, e, kind in grain.stored(case)
        }
        joined = batch.join_snapshots(case, batch.fresh(case, events, outcomes), built)
        names = [f.name for f in case.aggregates]
        result = joined.select("number", *names).to_pyarrow().to_pylist()
    return {row.pop("number"): row for row in result}


def brute(rows: Rows, case: UseCase = SMALL) -> dict[int, dict[str, float]]:
    """The declared features of each event, read off the declarations row by row, by key."""
    full = [{**row, **(_derived(rows, row) if case.derived else {})} for row in rows]
    return {one["number"]: _read(full, one, case.aggregates) for one in full}


def single(rows: Rows, case: UseCase) -> dict[int, dict[str, float]]:
    """The same features of each event by `plumbline.serve.single_event`, by key."""
    events = [{c.name: r[c.name] for c in case.known} for r in rows]
    names = [case.key, "known_at", *(c.name for c in case.unknown)]
    outcomes = [{n: r[n] for n in names} for r in rows]
    built = single_event.histories(case, events, outcomes)
    return {
        e["number"]: single_event.aggregates(case, e, single_event.own_histories(case, e, built))
        for e in events
    }


def _derived(rows: Rows, one: Mapping[str, Any]) -> dict[str, int | None]:
    wanted = ("who_mean_3d", "who_grams_today")
    leading = _read(rows, one, [s for s in SMALL.aggregates if s.name in wanted])
    if one["grams"] is None:
        return {"surprise": None}
    heavier = one["grams"] - leading["who_grams_today"]
    steps = math.floor((one["cents"] - leading["who_mean_3d"]) / 10)
    return {"surprise": steps + (heavier > 0) - (heavier < 0)}


def _window(spec: Any, at: datetime) -> tuple[datetime, datetime]:
    """From when to before when an entry counts."""
    midnight = datetime.combine(at, datetime.min.time())
    if isinstance(spec, Fresh):
        return midnight, at
    if isinstance(spec, Hourly):
        end = at.replace(minute=0, second=0, microsecond=0) - timedelta(hours=spec.lag - 1)
        return end - timedelta(hours=spec.hours), end
    end = midnight - timedelta(spec.lag - 1)
    return end - timedelta(spec.days), end


def _read(rows: Rows, one: Mapping[str, Any], specs: Iterable[Any]) -> dict[str, float]:
    values = {}
    for spec in specs:
        key = None if spec.entity == "all" else SMALL.entity(spec.entity).column
        clock = "known_at" if getattr(spec, "matured", False) else "at"
        start, end = _window(spec, one["at"])
        inside = [r for r in rows if start <= r[clock] < end]
        own = [r for r in inside if key is None or (r[key] == one[key] and one[key] is not None)]
        values[spec.name] = aggregate(spec, own)
    return values


def aggregate(spec: Any, rows: Rows) -> float:
    """Count, sum, or mean of the values that are there, of the rows that are wanted."""
    rows = [r for r in rows if all(wanted(r[w.column], w) for w in spec.where)]
    if spec.aggregate == "count" and spec.column is None:
        return float(len(rows))
    numbers = [int(r[spec.column]) for r in rows if r[spec.column] is not None]
    if spec.edges:
        numbers = [sum(edge <= n for edge in spec.edges) for n in numbers]
    if spec.aggregate == "sum":
        return float(sum(numbers))
    return sum(numbers) / len(numbers) if numbers else spec.default


def wanted(value: Any, where: Where) -> bool:
    """Whether a value is in the range, hour by hour where it is a time."""
    if value is None:
        return False
    if isinstance(value, datetime):
        low, high = where.low or 0, 24 if where.high is None else where.high
        return value.hour in [h % 24 for h in range(low, high + 24 * (low > high))]
    return value >= (value if where.low is None else where.low) and (
        where.high is None or value < where.high
    )
