"""Poisoning of the labels' feed: flipped labels, bursts of outliers, and near copies with the other label.

What an attacker, or a careless script, does to rows on their way here. All values stay within the contract.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import numpy as np

from sources.card_fraud.faults import Fault, Rows, hash_share
from sources.card_fraud.settings import CATEGORIES, Shock
from sources.card_fraud.world import FAULTS, Array, World, stream

DAY = 86_400  # seconds
JITTER = 600  # seconds by which a copy is later
CLOSE = 0.01  # relative change of a copy's amount


def poison(world: World, day: date, built: Rows) -> dict[str, Array]:
    """`built`, with its column `is_fraud`, after the poisoning of `day`; rows stay in the order of times."""
    rows = built
    for place, shock, size in world.settings.poisons(day):
        random = stream(world.seed, FAULTS, place, day.toordinal())
        hit = _targets(rows, shock) & (random.random(len(rows["paid_at"])) < shock.share)
        rows = APPLY[shock.kind](rows, Fault(place, shock, size, hit), random)
    return dict(rows)


def _targets(rows: Rows, shock: Shock) -> Array:
    """The rows of the shock's category, terminals and label, bool (n,)."""
    hit = hash_share(rows["terminal_id"]) < shock.terminals
    if shock.category is not None:
        hit &= rows["category"] == list(CATEGORIES).index(shock.category)
    return hit if shock.label is None else hit & (rows["is_fraud"] == shock.label)


def _flipped(rows: Rows, fault: Fault, _random: np.random.Generator) -> Rows:
    return {**rows, "is_fraud": np.where(fault.hit, 1 - rows["is_fraud"], rows["is_fraud"])}


def _outliers(rows: Rows, fault: Fault, random: np.random.Generator) -> Rows:
    """As many more payments as rows are hit: like those, but of the burst's amount, and all of one label."""
    more = {name: values[fault.hit] for name, values in rows.items()}
    count = int(fault.hit.sum())
    amount = fault.size * (1 - 0.1 * random.random(count))
    label = fault.shock.label or 0
    more |= {
        "amount_cents": np.rint(amount).astype(np.int64),
        "kind": np.zeros(count, np.int64),
        "is_fraud": np.full(count, label, np.int64),
    }
    return _added(rows, more)


def _copies(rows: Rows, fault: Fault, random: np.random.Generator) -> Rows:
    """The rows hit come `size` times more, minutes later, a little dearer or cheaper, with the other label."""
    place = np.repeat(np.flatnonzero(fault.hit), round(fault.size))
    more = {name: values[place] for name, values in rows.items()}
    near = 1 + CLOSE * (2 * random.random(len(place)) - 1)
    later = more["paid_at"] + random.integers(1, JITTER, len(place))
    more |= {
        "paid_at": np.minimum(later, (more["paid_at"] // DAY + 1) * DAY - 1),
        "amount_cents": np.rint(more["amount_cents"] * near).astype(np.int64),
        "is_fraud": 1 - more["is_fraud"],
    }
    return _added(rows, more)


def _added(rows: Rows, more: Mapping[str, Array]) -> Rows:
    """The rows with those of `more` under numbers of their own, by time."""
    if not len(more["paid_at"]):
        return rows
    number = rows["payment_id"].max() + 1 + np.arange(len(more["paid_at"]))
    both = {n: np.concatenate([v, {**more, "payment_id": number}[n]]) for n, v in rows.items()}
    order = np.argsort(both["paid_at"], kind="stable")
    return {name: values[order] for name, values in both.items()}


APPLY: Mapping[str, Callable[[Rows, Fault, np.random.Generator], Rows]] = {
    "flipped_labels": _flipped,
    "outlier_burst": _outliers,
    "near_copies": _copies,
}
