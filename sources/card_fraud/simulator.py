"""Simulated card payments, day by day: the source of the card_fraud use case.

The same bytes for the same seed and settings; a later end changes nothing earlier. The settings with
their units stand in settings.py, the habits in payments.py, the faults of the feed in faults.py, its poisoning in poison.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from sources.card_fraud.faults import spoil
from sources.card_fraud.payments import draw
from sources.card_fraud.poison import poison
from sources.card_fraud.settings import CATEGORIES, Settings, read
from sources.card_fraud.world import Array, World, build

TEXTS = {"kind": ("payment", "refund"), "category": tuple(CATEGORIES)}
NAMES = (
    "payment_id",
    "paid_at",
    "customer_id",
    "terminal_id",
    "amount_cents",
    "kind",
    "category",
    "distance_m",
    "is_fraud",
)
TRUTH = ("scenario", "probability", "reachable", "odds", "cloning")


def simulate(
    settings: Mapping[str, Any],
    start: date,
    end: date,
    seed: int,
    *,
    truth: bool = False,
    since: date | None = None,
) -> Iterator[pa.Table]:
    """One table per day from `start` to before `end`, rows in the order of their (true) times.
    With `since` only the days from that one on, as they are in the whole.

    Columns: NAMES. With `truth` also `scenario` (0 honest, 1 amount over the limit, 2 compromised
    terminal, 3 leaked card, 4 the new pattern) and what truth.py says of each: `probability` of fraud
    given all that the simulator knows but the draw itself, `reachable`, `odds`, `cloning`. Raises ParamsError for impossible settings.
    """
    checked = read(settings)
    return _days(build(checked, seed, start, end), max(start, since or start), end, truth)


def _days(world: World, start: date, end: date, truth: bool) -> Iterator[pa.Table]:
    names = NAMES + TRUTH if truth else NAMES
    texts = {**TEXTS, "category": _categories(world.settings)}
    for ordinal in range(start.toordinal(), end.toordinal()):
        day = date.fromordinal(ordinal)
        rows = spoil(world, day, draw(world, day))
        rows["is_fraud"] = (rows["scenario"] > 0).astype(np.int64)
        rows = poison(world, day, rows)
        yield pa.table({name: _arrow(name, rows, texts) for name in names})


def _categories(settings: Settings) -> tuple[str, ...]:
    """Known categories, then the shocks' values: a new category's code is its shock's place."""
    return (*CATEGORIES, *(s.value for s in settings.shocks))


def _arrow(name: str, rows: Mapping[str, Array], texts: Mapping[str, tuple[str, ...]]) -> pa.Array:
    values, mask = rows[name], rows.get(f"null:{name}")
    if name in texts:
        codes = pa.array(values.astype(np.int32), mask=mask)
        return pa.DictionaryArray.from_arrays(codes, pa.array(texts[name])).cast(pa.string())
    if name == "paid_at":
        return pa.array(values * 1_000_000, type=pa.int64()).cast(pa.timestamp("us"))
    return pa.array(values, mask=mask)
