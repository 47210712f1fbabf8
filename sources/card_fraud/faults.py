"""What goes wrong with rows on their way: units, stuck and missing values, clocks, duplicates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from sources.card_fraud.settings import CATEGORIES, NUMBERS, Shock
from sources.card_fraud.world import FAULTS, Array, World, stream

Rows = Mapping[str, Array]


@dataclass(frozen=True)
class Fault:
    """A shock on one day: its place in the list, its size, and which rows it hits, bool (n,)."""

    place: int
    shock: Shock
    size: float
    hit: Array


def spoil(world: World, day: date, built: Rows) -> dict[str, Array]:
    """`made` with the faults of `day`; masks of nulls as further columns named `null:<column>`."""
    rows = built
    for place, shock, size in world.settings.faults(day):
        random = stream(world.seed, FAULTS, place, day.toordinal())
        hit = random.random(len(rows["paid_at"])) < shock.share
        rows = APPLY[shock.kind](rows, Fault(place, shock, size, hit))
    return dict(rows)


def hash_share(ids: Array) -> Array:
    """Each number's place in the unit interval by multiplicative hashing: the same terminals every day."""
    place = ids.astype(np.uint64) * np.uint64(11_400_714_819_323_198_485)
    return np.asarray((place >> np.uint64(11)) * 2.0**-53)


def _unit_error(rows: Rows, fault: Fault) -> Rows:
    column = fault.shock.column
    wrong = np.rint(rows[column] * fault.size).astype(np.int64)
    return {**rows, column: np.where(fault.hit, wrong, rows[column])}


def _stuck(rows: Rows, fault: Fault) -> Rows:
    stuck = hash_share(rows["terminal_id"]) < fault.shock.share
    column = fault.shock.column
    return {**rows, column: np.where(stuck, int(fault.size), rows[column])}


def _nulls(rows: Rows, fault: Fault) -> Rows:
    name = f"null:{fault.shock.column}"
    return {**rows, name: rows.get(name, np.zeros(len(fault.hit), dtype=bool)) | fault.hit}


def _missing(rows: Rows, fault: Fault) -> Rows:
    return {**rows, f"null:{fault.shock.column}": np.ones(len(fault.hit), dtype=bool)}


def _new_category(rows: Rows, fault: Fault) -> Rows:
    # codes after the known ones stand for the shocks' values, see simulator.py
    return {
        **rows,
        "category": np.where(fault.hit, len(CATEGORIES) + fault.place, rows["category"]),
    }


def _time_zone(rows: Rows, fault: Fault) -> Rows:
    return {**rows, "paid_at": rows["paid_at"] + int(fault.size * 3_600)}


def _future(rows: Rows, fault: Fault) -> Rows:
    return {**rows, "paid_at": rows["paid_at"] + fault.hit * int(fault.size * 86_400)}


def _duplicates(rows: Rows, fault: Fault) -> Rows:
    return {name: np.repeat(values, 1 + fault.hit) for name, values in rows.items()}


def _partial(rows: Rows, fault: Fault) -> Rows:
    kept = rows["paid_at"] % 86_400 < fault.size * 3_600
    return {name: values[kept] for name, values in rows.items()}


def _swapped(rows: Rows, fault: Fault) -> Rows:
    one, other = NUMBERS
    return {
        **rows,
        one: np.where(fault.hit, rows[other], rows[one]),
        other: np.where(fault.hit, rows[one], rows[other]),
    }


APPLY: Mapping[str, Callable[[Rows, Fault], Rows]] = {
    "unit_error": _unit_error,
    "stuck_terminal": _stuck,
    "missing_column": _missing,
    "null_values": _nulls,
    "new_category": _new_category,
    "time_zone": _time_zone,
    "future_dates": _future,
    "duplicates": _duplicates,
    "partial_day": _partial,
    "swapped_columns": _swapped,
}
