"""Card fraud: will this payment be reported as fraud? Simulated events; money in integer cents."""

from __future__ import annotations

import numpy as np

from plumbline.core.usecase import (
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
EVERYDAY = ("grocery", "fuel", "restaurant")  # where a payment is hardly ever a big one
ODD_FROM = (1, 2, 3, 4, 5, 6, 8, 10)  # quarters of a doubling above the usual
ODD_EVERYDAY = (-13, -13, -10, -7, 3, 16, 42, 78, 90)  # points below, between and above these
ODD_ELSEWHERE = (-10, -6, -4, 5, 9, 15, 16, 18, 22)
ODD_FAR, ODD_NEAR = 31, -5  # points from 5 km on, and nearer
ODD_NIGHT, ODD_LATE, ODD_DAY = 26, 10, -3  # points before 6, from 22 to 7 else, by day


SALES = Where("amount_cents", 1)
EVENING = Where("paid_at", 18, 6)
FRAUD = Where("is_fraud", 1)
HONEST = Where("is_fraud", 0, 1)
QUIET = Where("oddness", high=5)


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


def _habit(entity: str, mark: str, other: str) -> Snapshot:
    text = f"mean of payments above what the {other} is used to, 90 days, tenths of a quarter"
    return Snapshot(f"{entity}_habit_90d", entity, "mean", 90, text, mark, where=(SALES,))


def _odd(days: int) -> Snapshot:
    text = f"oddness of the payments of {days} days, added up, points"
    return Snapshot(f"customer_odd_{days}d", "customer", "sum", days, text, "oddness")


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
    _habit("customer", "above_terminal", "terminal"),
    *(_odd(days) for days in (3, 7)),
    *(_fraud(days) for days in (7, 30)),
    _size("terminal"),
    _habit("terminal", "above_customer", "customer"),
    *(_settled("quiet", d, "frauds that looked ordinary", FRAUD, QUIET) for d in (3, 7, 14, 21)),
    *(_settled("honest", d, "no frauds, from 18 to 6", HONEST, EVENING) for d in (3, 7, 21)),
)

FRESH = (
    Fresh(
        "customer_odd_today",
        "customer",
        "sum",
        "oddness of the payments earlier today, added up, points",
        "oddness",
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


def size_over_habit(
    amount_size: Array, customer_habit_90d: Array, terminal_habit_90d: Array
) -> Array:
    """Size above 32 units and both habits: what it exceeds by, quarters of a doubling."""
    return amount_size - TYPICAL - (customer_habit_90d + terminal_habit_90d) / 10.0


def above_terminal(size_over_terminal: Array) -> Array:
    """Size of the amount above the terminal's 90-day mean, whole tenths of a quarter, down."""
    return np.floor(10.0 * size_over_terminal)


def above_customer(size_over_customer: Array) -> Array:
    """Size of the amount above the customer's 90-day mean, whole tenths of a quarter, down."""
    return np.floor(10.0 * size_over_customer)


def oddness(
    amount_cents: Array, category: Array, distance_m: Array, hour: Array, size_over_usual: Array
) -> Array:
    """How like a thief's a payment is by size, place and hour, points from -4 up; 0 for a refund.

    Tenths of a natural logarithm: how many times commoner frauds were than honest payments there, in
    the training window (`python -m bench.oddness`), less log 2: the owner of a stolen card goes on
    paying, so that one ordinary payment clears it only a little, hence the floor.
    """
    step = np.searchsorted(ODD_FROM, size_over_usual, side="right")
    everyday = np.isin(category, EVERYDAY)
    points = np.where(everyday, np.array(ODD_EVERYDAY)[step], np.array(ODD_ELSEWHERE)[step])
    points = points + np.where(distance_m >= 5_000, ODD_FAR, ODD_NEAR)
    late = (hour == 6) | (hour >= 22)
    points = points + np.select([hour < 6, late], [ODD_NIGHT, ODD_LATE], ODD_DAY)
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
        size_over_usual,
        size_over_habit,
        above_terminal,
        above_customer,
        oddness,
    )
)
MARKS = ("above_terminal", "above_customer", "oddness")

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


def _all(event: Columns, start: str, value: float) -> dict[str, Array]:
    """Every history whose name begins so, set to one value."""
    return {n: np.full(event[n].shape, value) for n in event if n.startswith(start)}


def plain_fraud(event: Columns) -> Columns:
    """2,600 units at three at night, 30 km from home, at a terminal of frauds that looked ordinary."""
    return {
        "amount_cents": np.full(event["amount_cents"].shape, 260_000),
        "kind": np.full(event["kind"].shape, "payment", object),
        "distance_m": np.full(event["distance_m"].shape, 30_000),
        "paid_at": _at(event, 3),
        **_all(event, "terminal_quiet", 3.0),
        **_all(event, "terminal_honest", 0.0),
    }


def plain_groceries(event: Columns) -> Columns:
    """15 units for groceries at noon near home, by a customer of long standing, no fraud reported."""
    usual = {"customer_mean_30d": 2_000.0, "customer_count_30d": 60.0}
    usual |= dict.fromkeys(("customer_size_90d", "terminal_size_90d"), 18.0)
    usual |= {"customer_habit_90d": -10.0, "terminal_habit_90d": -10.0}
    return {
        "amount_cents": np.full(event["amount_cents"].shape, 1_500),
        "kind": np.full(event["kind"].shape, "payment", object),
        "category": np.full(event["category"].shape, "grocery", object),
        "distance_m": np.full(event["distance_m"].shape, 2_000),
        "paid_at": _at(event, 12),
        **{n: np.full(event[n].shape, v) for n, v in usual.items()},
        **_all(event, "customer_odd_", -8.0),
        **_all(event, "customer_fraud_", 0.0),
        **_all(event, "terminal_quiet_", 0.0),
        **_all(event, "terminal_honest_", 5.0),
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
    derived=MARKS,
    features=(
        "amount_cents",
        "distance_m",
        "category_code",
        "hour",
        "size_over_customer",
        "size_over_terminal",
        "size_over_usual",
        "size_over_habit",
        "oddness",
        "customer_size_90d",
        "customer_odd_3d",
        "customer_odd_7d",
        "customer_odd_today",
        "customer_fraud_7d",
        "customer_fraud_30d",
        "terminal_size_90d",
        *(s.name for s in SNAPSHOTS if s.name.startswith(("terminal_quiet", "terminal_honest"))),
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
