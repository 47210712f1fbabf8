"""The payments: columns, key, time, label, entities. Money in integer cents."""

from __future__ import annotations

from plumbline.core.declarations import Column, Entity, Terms
from plumbline.core.usecase import Contract

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

CONTRACT = Contract(
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
    terms=Terms(
        licence="that of this repository (Apache 2.0): its own simulator makes the payments",
        purpose="made to show and test a fraud score; no payment was ever made",
        persons="none",
    ),
)
