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


def _counts(entity: str, days: tuple[int, ...]) -> tuple[Snapshot, ...]:
    return tuple(
        Snapshot(f"{entity}_count_{d}d", entity, "count", d, f"payments in {d} days") for d in days
    )


def _means(entity: str, days: tuple[int, ...]) -> tuple[Snapshot, ...]:
    return tuple(
        Snapshot(
            f"{entity}_mean_{d}d",
            entity,
            "mean",
            d,
            f"mean amount, cents, {d} days",
            "amount_cents",
        )
        for d in days
    )


def _fraud(entity: str, days: tuple[int, ...]) -> tuple[Snapshot, ...]:
    return tuple(
        Snapshot(
            f"{entity}_fraud_{d}d",
            entity,
            "rate",
            d,
            f"share of payments reported as fraud, of those settled in {d} days",
            "is_fraud",
            matured=True,
        )
        for d in days
    )


SNAPSHOTS = (
    *_counts("customer", (1, 7, 30)),
    *_means("customer", (1, 7, 30)),
    *_fraud("customer", (7, 30)),
    *_counts("terminal", (1, 7, 30)),
    *_means("terminal", (7, 30)),
    *_fraud("terminal", (1, 7, 30)),
)

FRESH = (
    Fresh("customer_count_today", "customer", "count", "payments earlier today"),
    Fresh("customer_sum_today", "customer", "sum", "cents paid earlier today", "amount_cents"),
    Fresh("terminal_count_today", "terminal", "count", "payments earlier today"),
    Fresh("terminal_mean_today", "terminal", "mean", "mean cents earlier today", "amount_cents"),
)


def hour(paid_at: Array) -> Array:
    """Hour of the day, 0 to 23."""
    return (paid_at.astype("datetime64[h]") - paid_at.astype("datetime64[D]")).astype(np.int64)


def weekend(paid_at: Array) -> Array:
    """1 on Saturday and Sunday, else 0."""
    day = paid_at.astype("datetime64[D]").astype(np.int64)  # 1970-01-01 was a Thursday
    return ((day + 3) % 7 >= 5).astype(np.int64)


def night(hour: Array) -> Array:
    """1 from midnight to six, else 0."""
    return (hour < 6).astype(np.int64)


def amount_over_customer_mean(amount_cents: Array, customer_mean_30d: Array) -> Array:
    """Amount over the customer's 30-day mean, ratio; the bare amount's over 50 units without one."""
    return amount_cents / np.where(customer_mean_30d > 0, customer_mean_30d, 5_000.0)


def amount_over_terminal_mean(amount_cents: Array, terminal_mean_30d: Array) -> Array:
    """Amount over the terminal's 30-day mean, ratio; the bare amount's over 50 units without one."""
    return amount_cents / np.where(terminal_mean_30d > 0, terminal_mean_30d, 5_000.0)


def week_over_month(customer_mean_7d: Array, customer_mean_30d: Array) -> Array:
    """The customer's 7-day mean over the 30-day mean, ratio; 1 without a history."""
    return np.where(customer_mean_30d > 0, customer_mean_7d, 1.0) / np.where(
        customer_mean_30d > 0, customer_mean_30d, 1.0
    )


def new_customer(customer_count_30d: Array) -> Array:
    """1 where the customer has no payment in 30 days, else 0."""
    return (customer_count_30d == 0).astype(np.int64)


ROWS = tuple(
    Row(f)
    for f in (
        hour,
        weekend,
        night,
        amount_over_customer_mean,
        amount_over_terminal_mean,
        week_over_month,
        new_customer,
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
    names = [n for n in event if n.startswith(f"{entity}_fraud_")]
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
    usual = {"customer_mean_1d": 2_000.0, "customer_mean_7d": 2_000.0, "customer_mean_30d": 2_000.0}
    counts = {"customer_count_1d": 2.0, "customer_count_7d": 15.0, "customer_count_30d": 60.0}
    return {
        "amount_cents": np.full(event["amount_cents"].shape, 1_500),
        "kind": np.full(event["kind"].shape, "payment", object),
        "category": np.full(event["category"].shape, "grocery", object),
        "distance_m": np.full(event["distance_m"].shape, 2_000),
        "paid_at": _at(event, 12),
        "customer_count_today": np.zeros(event["amount_cents"].shape),
        "customer_sum_today": np.zeros(event["amount_cents"].shape),
        **{n: np.full(event[n].shape, v) for n, v in (usual | counts).items()},
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
        "kind_code",
        "category_code",
        *(s.name for s in SNAPSHOTS),
        *(f.name for f in FRESH),
        *(r.name for r in ROWS),
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
