"""Card fraud: will this payment be reported as fraud? Simulated events; money in integer cents."""

from __future__ import annotations

import numpy as np

from plumbline.usecase import (
    Array,
    Behaviour,
    Category,
    Column,
    Columns,
    Entity,
    Fresh,
    Row,
    Slice,
    Snapshot,
    Use,
    UseCase,
    Where,
)

CATEGORIES = (
    "grocery",
    "fuel",
    "restaurant",
    "clothing",
    "electronics",
    "travel",
    "health",
    "online",
)
KINDS = ("payment", "refund")

COLUMNS = (
    Column("payment_id", "int", "-", "number of the payment", min=0),
    Column("paid_at", "timestamp", "UTC", "when the payment was made"),
    Column("customer_id", "int", "-", "who pays", min=0, forbidden="a number means nothing"),
    Column(
        "terminal_id",
        "int",
        "-",
        "where the card is used",
        min=0,
        forbidden="a number means nothing",
    ),
    Column(
        "amount_cents", "int", "cents", "amount; negative for a refund", min=-500_000, max=500_000
    ),
    Column("kind", "string", "-", "payment or refund", allowed=KINDS),
    Column("category", "string", "-", "merchant category of the terminal", allowed=CATEGORIES),
    Column(
        "distance_m",
        "int",
        "metres",
        "from the customer's home to the terminal",
        min=0,
        max=300_000,
    ),
    Column("is_fraud", "int", "0/1", "reported as fraud", min=0, max=1, known=False),
)


SIZES = tuple(round(100 * 2 ** (step / 4)) for step in range(50))
"""Amounts in cents, each a quarter of a doubling above the last, from one unit on."""
TYPICAL = 20.0  # steps: 32 units, where there is no history

SALES = Where("amount_cents", 1)
FAR = Where("distance_m", 5_000)
NIGHT = Where("paid_at", 0, 6)
EVENING = Where("paid_at", 18, 6)


def _size(name: str, entity: str, days: int, text: str, *where: Where, none: float) -> Snapshot:
    text = f"mean size of {text} in {days} days, quarters of a doubling; {none:g} without one"
    return Snapshot(
        name, entity, "mean", days, text, "amount_cents", default=none, where=where, edges=SIZES
    )


def _fraud(entity: str, days: int) -> Snapshot:
    text = f"share reported as fraud, of the payments settled in {days} days"
    return Snapshot(f"{entity}_fraud_{days}d", entity, "rate", days, text, "is_fraud", True)


def _evening(days: int) -> Snapshot:
    text = f"share reported as fraud, of the payments from 18 to 6 o'clock settled in {days} days"
    return Snapshot(
        f"terminal_evening_{days}d",
        "terminal",
        "rate",
        days,
        text,
        "is_fraud",
        True,
        where=(SALES, EVENING),
    )


SNAPSHOTS = (
    Snapshot("customer_count_30d", "customer", "count", 30, "payments in 30 days"),
    Snapshot(
        "customer_mean_30d", "customer", "mean", 30, "mean amount, cents, 30 days", "amount_cents"
    ),
    _size("customer_size_1d", "customer", 1, "payments", SALES, none=0.0),
    _size("customer_size_7d", "customer", 7, "payments", SALES, none=0.0),
    _size("customer_size_90d", "customer", 90, "payments", SALES, none=TYPICAL),
    Snapshot(
        "customer_far_7d",
        "customer",
        "count",
        7,
        "payments 5 km or more from home in 7 days",
        where=(SALES, FAR),
    ),
    _size("customer_farsize_7d", "customer", 7, "payments 5 km or more away", SALES, FAR, none=0.0),
    Snapshot(
        "customer_night_7d",
        "customer",
        "count",
        7,
        "payments from midnight to six in 7 days",
        where=(SALES, NIGHT),
    ),
    *(_fraud("customer", days) for days in (7, 30)),
    _size("terminal_size_90d", "terminal", 90, "payments", SALES, none=TYPICAL),
    *(_evening(days) for days in (3, 7, 14, 20, 28)),
)

FRESH = (
    Fresh(
        "customer_far_today",
        "customer",
        "count",
        "payments 5 km or more from home earlier today",
        where=(SALES, FAR),
    ),
    Fresh(
        "customer_night_today",
        "customer",
        "count",
        "payments from midnight to six earlier today",
        where=(SALES, NIGHT),
    ),
    Fresh(
        "customer_size_today",
        "customer",
        "mean",
        "mean size of payments earlier today, quarters of a doubling; 0 without one",
        "amount_cents",
        where=(SALES,),
        edges=SIZES,
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


def size_over_usual(size_over_customer: Array, terminal_size_90d: Array) -> Array:
    """Size above what this customer pays at a terminal this dear, quarters of a doubling."""
    return size_over_customer - (terminal_size_90d - TYPICAL)


def today_over_customer(customer_size_today: Array, customer_size_90d: Array) -> Array:
    """Mean size of the day so far above the customer's 90-day mean, quarters; 0 without payments."""
    return _above(customer_size_today, customer_size_90d)


def day_over_customer(customer_size_1d: Array, customer_size_90d: Array) -> Array:
    """Mean size of the day before above the customer's 90-day mean, quarters; 0 without payments."""
    return _above(customer_size_1d, customer_size_90d)


def week_over_customer(customer_size_7d: Array, customer_size_90d: Array) -> Array:
    """Mean size of 7 days above the customer's 90-day mean, quarters; 0 without payments."""
    return _above(customer_size_7d, customer_size_90d)


def far_over_customer(customer_farsize_7d: Array, customer_size_90d: Array) -> Array:
    """Mean size of 7 days' payments 5 km away above the customer's mean, quarters; 0 without any."""
    return _above(customer_farsize_7d, customer_size_90d)


def _above(mean: Array, usual: Array) -> Array:
    return np.where(mean > 0, mean - usual, 0.0)


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
        size_over_usual,
        today_over_customer,
        day_over_customer,
        week_over_customer,
        far_over_customer,
    )
)

CODES = (
    Category("kind_code", "kind", KINDS, "payment or refund"),
    Category("category_code", "category", CATEGORIES, "merchant category"),
)


def other_customer(event: Columns) -> Columns:
    """The same payment and history under another number."""
    return {"customer_id": event["customer_id"] + 1}


def far_above_habit(event: Columns) -> Columns:
    """The payment at ten times the customer's mean, at least 500 units."""
    ten = np.maximum(10.0 * event["customer_mean_30d"], 50_000.0).astype(np.int64)
    return {"amount_cents": np.maximum(event["amount_cents"], ten)}


def _at(event: Columns, hour: int) -> Array:
    """The event's day at this hour."""
    midnight = event["paid_at"].astype("datetime64[D]").astype("datetime64[us]")
    return midnight + np.timedelta64(hour, "h")


def _reported(event: Columns, share: float, entity: str) -> dict[str, Array]:
    """The entity's shares of payments reported as fraud, set to `share`."""
    names = [n for n in event if n.startswith((f"{entity}_fraud_", f"{entity}_evening_"))]
    return {n: np.full(event[n].shape, share) for n in names}


def plain_fraud(event: Columns) -> Columns:
    """2,600 units at three at night, 30 km from home, where a third of the payments were frauds."""
    return {
        "amount_cents": np.full(event["amount_cents"].shape, 260_000),
        "kind": np.full(event["kind"].shape, "payment", object),
        "distance_m": np.full(event["distance_m"].shape, 30_000),
        "paid_at": _at(event, 3),
        **_reported(event, 1 / 3, "terminal"),
    }


def plain_groceries(event: Columns) -> Columns:
    """15 units for groceries at noon near home, by a customer of long standing, no fraud reported."""
    usual = {"customer_mean_30d": 2_000.0, "customer_count_30d": 60.0}
    sizes = dict.fromkeys(("customer_size_7d", "customer_size_90d", "terminal_size_90d"), 18.0)
    none = [n for n in event if n.startswith(("customer_far", "customer_night"))]
    none += ["customer_size_1d", "customer_size_today"]
    return {
        "amount_cents": np.full(event["amount_cents"].shape, 1_500),
        "kind": np.full(event["kind"].shape, "payment", object),
        "category": np.full(event["category"].shape, "grocery", object),
        "distance_m": np.full(event["distance_m"].shape, 2_000),
        "paid_at": _at(event, 12),
        **{n: np.full(event[n].shape, v) for n, v in (usual | sizes).items()},
        **{n: np.zeros(event[n].shape) for n in none},
        **_reported(event, 0.0, "customer"),
        **_reported(event, 0.0, "terminal"),
    }


USE = Use(
    intended=(
        "Score a card payment at the moment it is made, before the answer to the terminal.",
        "Raise an alarm for a person to look into, or hold the payment, at the threshold of the costs.",
    ),
    out_of_scope=(
        "Deciding about a person: an account is not closed, nor a limit set, by this score.",
        "Payments unlike those of the simulator: other currencies, cards not present, businesses.",
        "Any real payment at all, before the model is trained and measured on real payments.",
    ),
    limits=(
        "The payments are simulated: the frauds follow four known scenarios, and no one adapts to the "
        "model.",
        "A fraud becomes known seven days later; what began in the last week is not in the histories.",
    ),
    fairness="The simulated customers have no age, sex, origin or income: no protected attribute can "
    "be looked at. The groups are those that the columns allow. On real data the gaps between protected "
    "groups have to be measured before the model is used.",
)

USECASE = UseCase(
    name="card_fraud",
    title="Card fraud (simulated payments)",
    owner="fraud-team@example.com",
    problem="classification",
    key="payment_id",
    time="paid_at",
    label="is_fraud",
    label_delay=7,
    entities=(
        Entity("customer", "customer_id", "the holder of a card"),
        Entity("terminal", "terminal_id", "the place where cards are used"),
    ),
    columns=COLUMNS,
    snapshots=SNAPSHOTS,
    fresh=FRESH,
    categories=CODES,
    rows=ROWS,
    features=(
        "amount_cents",
        "distance_m",
        "category_code",
        "hour",
        "size_over_customer",
        "size_over_terminal",
        "size_over_usual",
        "today_over_customer",
        "day_over_customer",
        "week_over_customer",
        "far_over_customer",
        "customer_size_90d",
        "customer_far_7d",
        "customer_far_today",
        "customer_night_7d",
        "customer_night_today",
        "customer_fraud_7d",
        "customer_fraud_30d",
        "terminal_size_90d",
        *(s.name for s in SNAPSHOTS if s.name.startswith("terminal_evening")),
    ),
    naive="amount_cents",
    slices=(
        Slice("category", "category", "merchant category"),
        Slice("new_customer", "new_customer", "without a payment in 30 days"),
        Slice("amount", "amount_cents", "amount band, cents", edges=(2_000, 10_000)),
        Slice("night", "night", "from midnight to six"),
    ),
    behaviours=(
        Behaviour("customer_number", "a customer's number means nothing", other_customer, "same"),
        Behaviour(
            "far_above_habit",
            "an amount far above habit does not lower the score",
            far_above_habit,
            "not_lower",
            share=0.95,
        ),
        Behaviour("plain_fraud", "a plain fraud raises alarm", plain_fraud, "above"),
        Behaviour("plain_groceries", "plain groceries raise no alarm", plain_groceries, "below"),
    ),
    groups=(
        Slice(
            "activity",
            "customer_count_30d",
            "payments of the customer in 30 days",
            edges=(40, 80, 110),
        ),
        Slice("distance", "distance_m", "metres from home", edges=(2_500, 5_000)),
        Slice("category", "category", "merchant category"),
    ),
    use=USE,
)
