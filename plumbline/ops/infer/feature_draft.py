"""The features: numbers, codes, calendar, histories where there is a time and an entity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from plumbline.core.declarations import Array, Category, Fresh, Slice, Snapshot
from plumbline.ops.infer import ranges
from plumbline.ops.infer.draft import RowFunction
from plumbline.ops.infer.event_time import EventTime
from plumbline.ops.infer.label_leaks import correlation
from plumbline.ops.infer.safe_names import free
from plumbline.ops.infer.typed_table import TypedColumn

WINDOWS = (1, 4, 13)
"""Lengths of a series' histories, in its usual gap."""
ENTITY_WINDOWS = (7, 30)
SLICED = 10
"""Groups of a slice, at most."""
STARTS = 0.8
"""Share of a constant's error below which a column is worth starting from."""


@dataclass(frozen=True)
class LabelHistory:
    """What of the label histories sum: a column of whole numbers, `scale` times the label."""

    column: str
    scale: int
    aggregate: str  # mean or rate
    default: float


def windows(time: EventTime, series: bool) -> tuple[int, ...]:
    """The lengths in days of histories, no longer than a quarter of the span."""
    lengths = tuple(time.gap * w for w in WINDOWS) if series else ENTITY_WINDOWS
    fitting = tuple(w for w in lengths if w <= time.span / 4)
    return fitting or lengths[:1]


def snapshots(
    entities: Sequence[str], time: EventTime, label: LabelHistory, series: bool, taken: set[str]
) -> tuple[Snapshot, ...]:
    """The label's mean over each window of each entity, and how many events it had."""
    declared: list[Snapshot] = []
    for entity in entities:
        for days in windows(time, series):
            name = free(f"{entity}_label_{days}d", taken)
            scaled = f", times {label.scale:,}" if label.scale > 1 else ""
            text = f"mean label of {entity}, {days} days{scaled}"
            declared.append(
                Snapshot(
                    name,
                    entity,
                    label.aggregate,  # type: ignore[arg-type]
                    days,
                    text,
                    label.column,
                    True,
                    label.default,
                )
            )
            taken.add(name)
        if not series:
            days = windows(time, series)[0]
            name = free(f"{entity}_count_{days}d", taken)
            declared.append(
                Snapshot(name, entity, "count", days, f"events of {entity}, {days} days")
            )
            taken.add(name)
    return tuple(declared)


def fresh(entities: Sequence[str], time: EventTime, taken: set[str]) -> tuple[Fresh, ...]:
    """How many events the entity had earlier on the day, where days have times."""
    if time.whole_days:
        return ()
    declared = []
    for entity in entities:
        name = free(f"{entity}_count_today", taken)
        taken.add(name)
        declared.append(Fresh(name, entity, "count", f"events of {entity} earlier on the day"))
    return tuple(declared)


def categories(columns: Sequence[TypedColumn], taken: set[str]) -> tuple[Category, ...]:
    """Texts as codes."""
    declared = []
    for column in columns:
        values = ranges.vocabulary(column) if column.type == "string" else ()
        if values:
            name = free(f"{column.name}_code", taken)
            taken.add(name)
            declared.append(Category(name, column.name, values, f"{column.name} as a code"))
    return tuple(declared)


def calendar(time: EventTime, taken: set[str]) -> tuple[RowFunction, ...]:
    """Hour, weekday and month of the event, as far as they vary."""
    at, declared = time.name, []
    day = f"{at}.astype('datetime64[D]')".replace("'", '"')
    if not time.whole_days:
        hours = f'hours = {at}.astype("datetime64[h]")'
        body = f"{hours}\nmidnight = {day}\nreturn (hours - midnight).astype(np.int64)"
        declared.append(("hour_of_day", "Hour of the day, 0 to 23", body))
    if time.gap < 7:
        body = f"return ({day}.astype(np.int64) + 3) % 7"
        declared.append(("weekday", "Day of the week, 0 = Monday", body))
    if time.span > 300 and time.gap < 300:
        month = f'{at}.astype("datetime64[M]")'
        body = f"return {month}.astype(np.int64) % 12"
        declared.append(("month_of_year", "Month, 0 = January", body))
    functions = []
    for wanted, text, body in declared:
        name = free(wanted, taken)
        taken.add(name)
        functions.append(RowFunction(name, (at,), text, body))
    return tuple(functions)


def since(
    columns: Sequence[TypedColumn], time: EventTime | None, taken: set[str]
) -> tuple[RowFunction, ...]:
    """Other times as days before the event; in a plain table as days since 1970."""
    functions = []
    for column in columns:
        if column.type != "timestamp" or (time and column.name == time.name):
            continue
        wanted = f"days_since_{column.name}" if time else f"{column.name}_day"
        name = free(wanted, taken)
        taken.add(name)
        days = f'{column.name}.astype("datetime64[D]")'
        if time:
            text = f"Days from {column.name} to the event"
            event = f'day = {time.name}.astype("datetime64[D]")'
            body = f'{event}\nreturn (day - {days}) / np.timedelta64(1, "D")'
            functions.append(RowFunction(name, (column.name, time.name), text, body))
        else:
            text = f"Day of {column.name}, days since 1970"
            epoch = 'np.datetime64("1970-01-01")'
            body = f'return ({days} - {epoch}) / np.timedelta64(1, "D")'
            functions.append(RowFunction(name, (column.name,), text, body))
    return tuple(functions)


def starting_point(
    numbers: Mapping[str, Array], label: str, names: Sequence[str]
) -> tuple[str, float] | None:
    """The column that, taken as the answer, has a clearly smaller error than a constant; and that share."""
    answer = numbers[label]
    constant = np.nanmean(np.abs(answer - np.nanmedian(answer)))
    if not constant:
        return None
    errors = {n: float(np.nanmean(np.abs(numbers[n] - answer)) / constant) for n in names}
    best = min(errors, key=lambda n: errors[n], default=None)
    return (best, errors[best]) if best is not None and errors[best] < STARTS else None


def score(
    numbers: Mapping[str, Array], label: str, names: Sequence[str]
) -> tuple[str, float] | None:
    """The number that rises most with a 0/1 label."""
    sizes = {n: correlation(numbers[n], numbers[label]) for n in names}
    best = max(sizes, key=lambda n: sizes[n], default=None)
    return (best, sizes[best]) if best is not None and sizes[best] > 0.05 else None


def slices(
    columns: Sequence[TypedColumn], numbers: Mapping[str, Array], label: str
) -> tuple[Slice, ...]:
    """One by a column of few values, one by thirds of the number that goes most with the label."""
    declared = []
    few = [c for c in columns if _grouping(c)]
    if few:
        best = max(few, key=lambda c: c.facts.distinct)
        declared.append(Slice(best.name, best.name, f"by {best.name}"))
    able = [c for c in columns if c.type in ("int", "float") and c.facts.distinct > SLICED]
    ranked = sorted(able, key=lambda c: -abs(correlation(numbers[c.name], numbers[label])))
    for column in ranked[:1]:
        held = numbers[column.name][np.isfinite(numbers[column.name])]
        limits = sorted({float(f"{v:.4g}") for v in np.quantile(held, (1 / 3, 2 / 3))})
        inner = tuple(v for v in limits if held.min() < v <= held.max())
        if inner:
            declared.append(
                Slice(column.name, column.name, f"thirds of {column.name}", edges=inner)
            )
    return tuple(declared)


def _grouping(column: TypedColumn) -> bool:
    kinds = column.type in ("string", "bool") or column.type == "int"
    enough = column.facts.values >= 30 * column.facts.distinct
    return kinds and 2 <= column.facts.distinct <= SLICED and enough and column.nulls == 0
