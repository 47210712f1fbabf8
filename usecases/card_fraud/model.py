"""How the fraud score is judged: slices, groups, expected behaviours, intended use."""

from __future__ import annotations

import numpy as np

from plumbline.core.declarations import Array, Behaviour, Columns, Slice, Use
from plumbline.core.usecase import UseCase
from usecases.card_fraud.features import FEATURES


def other_customer(event: Columns) -> Columns:
    """The same payment and history under another number."""
    return {"customer_id": event["customer_id"] + 1}


def far_above_mean(event: Columns) -> Columns:
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
    usual |= {"customer_excess_90d": -10.0, "terminal_excess_90d": -10.0}
    return {
        "amount_cents": np.full(event["amount_cents"].shape, 1_500),
        "kind": np.full(event["kind"].shape, "payment", object),
        "category": np.full(event["category"].shape, "grocery", object),
        "distance_m": np.full(event["distance_m"].shape, 2_000),
        "paid_at": _at(event, 12),
        **{n: np.full(event[n].shape, v) for n, v in usual.items()},
        **_all(event, "customer_woe_", -8.0),
        **_all(event, "customer_fraud_", 0.0),
        **_all(event, "terminal_quiet_", 0.0),
        **_all(event, "terminal_honest_", 5.0),
    }


USE = Use(
    intended=(
        "Score a card payment at the moment it is made, before the terminal gets its answer.",
        "Raise an alarm for a person to look into, or hold the payment, at the threshold that costs least.",
    ),
    out_of_scope=(
        "Deciding about a person. Do not close an account or set a limit because of this score.",
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

USECASE = UseCase.of(
    FEATURES,
    naive="amount_cents",
    slices=(
        Slice("category", "category", "merchant category"),
        Slice("new_customer", "new_customer", "without a payment in 30 days"),
        Slice("amount", "amount_cents", "amount band, cents", edges=(2_000, 10_000)),
        Slice("night", "night", "from midnight to six"),
    ),
    behaviours=(
        Behaviour(
            "customer_number",
            "changing the customer's number does not change the score",
            other_customer,
            "same",
        ),
        Behaviour(
            "far_above_mean",
            "an amount far above habit does not lower the score",
            far_above_mean,
            "not_lower",
            share=0.95,
        ),
        Behaviour("plain_fraud", "an obvious fraud raises an alarm", plain_fraud, "above"),
        Behaviour("plain_groceries", "obvious groceries raise no alarm", plain_groceries, "below"),
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
