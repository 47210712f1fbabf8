"""What goes wrong with rows on their way: units, stuck and missing values, clocks, duplicates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import numpy as np

from sources.card_fraud.settings import CATEGORIES, Shock
from sources.card_fraud.world import FAULTS, Array, World, stream

Rows = dict[str, Array]
Fault = Callable[[Rows, Shock, float, np.random.Generator], Rows]


def spoil(world: World, day: date, made: Mapping[str, Array]) -> Rows:
    """`made` with the faults of `day`; masks of nulls as further columns named `null:<column>`."""
    rows = dict(made)
    for place, shock, size in world.settings.faults(day):
        random = stream(world.seed, FAULTS, place, day.toordinal())
        rows = APPLY[shock.kind](rows, shock, float(place) if shock.kind == "new_category" else size, random)
    return rows


def _hit(rows: Rows, shock: Shock, random: np.random.Generator) -> Array:
    return random.random(len(rows["paid_at"])) < shock.share


def _unit_error(rows: Rows, shock: Shock, size: float, random: np.random.Generator) -> Rows:
    wrong = np.rint(rows[shock.column] * size).astype(np.int64)
    return {**rows, shock.column: np.where(_hit(rows, shock, random), wrong, rows[shock.column])}


def _stuck(rows: Rows, shock: Shock, size: float, random: np.random.Generator) -> Rows:
    # the same terminals every day: a place in the unit interval by golden-ratio hashing
    place = rows["terminal_id"].astype(np.uint64) * np.uint64(11400714819323198485)
    hit = (place >> np.uint64(11)) * 2.0**-53 < shock.share
    return {**rows, shock.column: np.where(hit, int(size), rows[shock.column])}


def _nulls(rows: Rows, shock: Shock, size: float, random: np.random.Generator) -> Rows:
    name = f"null:{shock.column}"
    old = rows.get(name, np.zeros(len(rows["paid_at"]), dtype=bool))
    return {**rows, name: old | _hit(rows, shock, random)}


def _new_category(rows: Rows, shock: Shock, size: float, random: np.random.Generator) -> Rows:
    # codes after the known ones stand for the values of the shocks, see simulator.py
    new = len(CATEGORIES) + int(size)
    return {**rows, "category": np.where(_hit(rows, shock, random), new, rows["category"])}


def _time_zone(rows: Rows, shock: Shock, size: float, random: np.random.Generator) -> Rows:
    return {**rows, "paid_at": rows["paid_at"] + int(size * 3_600)}


def _future(rows: Rows, shock: Shock, size: float, random: np.random.Generator) -> Rows:
    return {**rows, "paid_at": rows["paid_at"] + _hit(rows, shock, random) * int(size * 86_400)}


def _duplicates(rows: Rows, shock: Shock, size: float, random: np.random.Generator) -> Rows:
    again = _hit(rows, shock, random)
    return {name: np.repeat(values, 1 + again) for name, values in rows.items()}


def _partial(rows: Rows, shock: Shock, size: float, random: np.random.Generator) -> Rows:
    kept = rows["paid_at"] % 86_400 < size * 3_600
    return {name: values[kept] for name, values in rows.items()}


def _swapped(rows: Rows, shock: Shock, size: float, random: np.random.Generator) -> Rows:
    return {**rows, "amount_cents": rows["distance_m"], "distance_m": rows["amount_cents"]}


APPLY: Mapping[str, Fault] = {
    "unit_error": _unit_error,
    "stuck_terminal": _stuck,
    "missing_column": _nulls,
    "null_values": _nulls,
    "new_category": _new_category,
    "time_zone": _time_zone,
    "future_dates": _future,
    "duplicates": _duplicates,
    "partial_day": _partial,
    "swapped_columns": _swapped,
}
