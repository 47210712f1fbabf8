"""The features of a payment: histories of customer and terminal, and what a payment looks like beside them."""

from __future__ import annotations

import numpy as np

from plumbline.core.declarations import Array, Category, Fresh, Row, Snapshot, Where
from plumbline.core.usecase import FeatureSet
from usecases.card_fraud.contract import CATEGORIES, CONTRACT, KINDS

SIZES = tuple(round(100 * 2 ** (step / 4)) for step in range(50))
"""Amounts in cents, each a quarter of a doubling above the last, from one unit on."""
TYPICAL = 20.0  # steps: 32 units, where there is no history
EVERYDAY = ("grocery", "fuel", "restaurant")  # where a payment is hardly ever a big one
WOE_STEPS = (1, 2, 3, 4, 5, 6, 8, 10)  # quarters of a doubling above the usual
WOE_EVERYDAY = (-13, -13, -10, -7, 3, 16, 42, 78, 90)  # points below, between and above these
WOE_ELSEWHERE = (-10, -6, -4, 5, 9, 15, 16, 18, 22)
WOE_FAR, WOE_NEAR = 31, -5  # points from 5 km on, and nearer
WOE_NIGHT, WOE_LATE, WOE_DAY = 26, 10, -3  # points before 6, from 22 to 7 else, by day


SALES = Where("amount_cents", 1)
EVENING = Where("paid_at", 18, 6)
FRAUD = Where("is_fraud", 1)
HONEST = Where("is_fraud", 0, 1)
ORDINARY = Where("fraud_woe", high=5)


def _size(entity: str) -> Snapshot:
    return Snapshot(
        f"{entity}_size_90d",
        entity,
        "mean",
        90,
        "mean size of payments in 90 days, quarters of a doubling; 20 without one",
        "amount_cents",
        default=TYPICAL,
        where=(SALES,),
        edges=SIZES,
    )


def _excess(entity: str, mark: str, other: str) -> Snapshot:
    text = f"mean excess of payments over the {other}'s mean size, 90 days, tenths of a quarter"
    return Snapshot(f"{entity}_excess_90d", entity, "mean", 90, text, mark, where=(SALES,))


def _woe(days: int) -> Snapshot:
    text = f"fraud_woe of the payments of {days} days, added up, points"
    return Snapshot(f"customer_woe_{days}d", "customer", "sum", days, text, "fraud_woe")


def _fraud(days: int) -> Snapshot:
    text = f"share reported as fraud, of the payments settled in {days} days"
    return Snapshot(f"customer_fraud_{days}d", "customer", "rate", days, text, "is_fraud", True)


def _settled(name: str, days: int, text: str, *where: Where) -> Snapshot:
    text = f"{text}, settled in {days} days"
    return Snapshot(
        f"terminal_{name}_{days}d",
        "terminal",
        "count",
        days,
        text,
        matured=True,
        where=(SALES, *where),
    )


SNAPSHOTS = (
    Snapshot("customer_count_30d", "customer", "count", 30, "payments in 30 days"),
    Snapshot(
        "customer_mean_30d", "customer", "mean", 30, "mean amount, cents, 30 days", "amount_cents"
    ),
    _size("customer"),
    _excess("customer", "above_terminal", "terminal"),
    *(_woe(days) for days in (3, 7)),
    *(_fraud(days) for days in (7, 30)),
    _size("terminal"),
    _excess("terminal", "above_customer", "customer"),
    *(_settled("quiet", d, "frauds that looked ordinary", FRAUD, ORDINARY) for d in (3, 7, 14, 21)),
    *(_settled("honest", d, "no frauds, from 18 to 6", HONEST, EVENING) for d in (3, 7, 21)),
)

FRESH = (
    Fresh(
        "customer_woe_today",
        "customer",
        "sum",
        "fraud_woe of the payments earlier today, added up, points",
        "fraud_woe",
    ),
)


def hour(paid_at: Array) -> Array:
    """Hour of the day, 0 to 23."""
    return (paid_at.astype("datetime64[h]") - paid_at.astype("datetime64[D]")).astype(np.int64)


def night(hour: Array) -> Array:
    """1 from midnight to six, else 0."""
    return (hour < 6).astype(np.int64)


def amount_size(amount_cents: Array) -> Array:
    """Size of the amount, quarters of a doubling above one unit; 0 up to there, refunds too."""
    edges = np.array(SIZES, np.float64)
    place = np.clip(np.searchsorted(edges, amount_cents, side="right"), 1, len(edges) - 1)
    low, high = edges[place - 1], edges[place]
    return np.maximum(place + (amount_cents - low) / (high - low), 0.0)


def size_over_customer(amount_size: Array, customer_size_90d: Array) -> Array:
    """Size of the amount above the customer's 90-day mean, quarters of a doubling."""
    return amount_size - customer_size_90d


def size_over_terminal(amount_size: Array, terminal_size_90d: Array) -> Array:
    """Size of the amount above the terminal's 90-day mean, quarters of a doubling."""
    return amount_size - terminal_size_90d


def size_over_expected(size_over_customer: Array, terminal_size_90d: Array) -> Array:
    """Size above what this customer pays at a terminal of this price level, quarters of a doubling."""
    return size_over_customer - (terminal_size_90d - TYPICAL)


def size_over_excess(
    amount_size: Array, customer_excess_90d: Array, terminal_excess_90d: Array
) -> Array:
    """Size above 32 units and above both mean excesses, quarters of a doubling."""
    return amount_size - TYPICAL - (customer_excess_90d + terminal_excess_90d) / 10.0


def above_terminal(size_over_terminal: Array) -> Array:
    """Size of the amount above the terminal's 90-day mean, whole tenths of a quarter, down."""
    return np.floor(10.0 * size_over_terminal)


def above_customer(size_over_customer: Array) -> Array:
    """Size of the amount above the customer's 90-day mean, whole tenths of a quarter, down."""
    return np.floor(10.0 * size_over_customer)


def fraud_woe(
    amount_cents: Array, category: Array, distance_m: Array, hour: Array, size_over_expected: Array
) -> Array:
    """Fraud weight-of-evidence score of size, place and hour, points from -4 up; 0 for a refund.

    Tenths of a natural logarithm: how many times commoner frauds were than honest payments there, in
    the training window (`python -m bench.fraud_woe`), less log 2: the owner of a stolen card goes on
    paying, so that one ordinary payment clears it only a little, hence the floor.
    """
    step = np.searchsorted(WOE_STEPS, size_over_expected, side="right")
    everyday = np.isin(category, EVERYDAY)
    points = np.where(everyday, np.array(WOE_EVERYDAY)[step], np.array(WOE_ELSEWHERE)[step])
    points = points + np.where(distance_m >= 5_000, WOE_FAR, WOE_NEAR)
    late = (hour == 6) | (hour >= 22)
    points = points + np.select([hour < 6, late], [WOE_NIGHT, WOE_LATE], WOE_DAY)
    return np.where(amount_cents > 0, np.maximum(points - 7, -4), 0)


def new_customer(customer_count_30d: Array) -> Array:
    """1 where the customer has no payment in 30 days, else 0."""
    return (customer_count_30d == 0).astype(np.int64)


ROWS = tuple(
    Row(f)
    for f in (
        hour,
        night,
        new_customer,
        amount_size,
        size_over_customer,
        size_over_terminal,
        size_over_expected,
        size_over_excess,
        above_terminal,
        above_customer,
        fraud_woe,
    )
)
DERIVED = ("above_terminal", "above_customer", "fraud_woe")

CODES = (
    Category("kind_code", "kind", KINDS, "payment or refund"),
    Category("category_code", "category", CATEGORIES, "merchant category"),
)

FEATURES = FeatureSet.of(
    CONTRACT,
    snapshots=SNAPSHOTS,
    fresh=FRESH,
    categories=CODES,
    rows=ROWS,
    derived=DERIVED,
    features=(
        "amount_cents",
        "distance_m",
        "category_code",
        "hour",
        "size_over_customer",
        "size_over_terminal",
        "size_over_expected",
        "size_over_excess",
        "fraud_woe",
        "customer_size_90d",
        "customer_woe_3d",
        "customer_woe_7d",
        "customer_woe_today",
        "customer_fraud_7d",
        "customer_fraud_30d",
        "terminal_size_90d",
        *(s.name for s in SNAPSHOTS if s.name.startswith(("terminal_quiet", "terminal_honest"))),
    ),
)
