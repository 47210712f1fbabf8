"""The columns of deliveries."""

from __future__ import annotations

from plumbline.core.declarations import Column
from plumbline.core.usecase import Contract

CONTRACT = Contract(
    name="deliveries",
    title="Minutes to the door",
    owner="kitchen@example.com",
    problem="regression",
    key="delivery",
    time="ordered_at",
    label="minutes",
    label_delay=1,
    columns=(
        Column("delivery", "int", "-", "number of the delivery", min=0),
        Column("ordered_at", "timestamp", "UTC", "when it was ordered"),
        Column("distance", "float", "km", "to the door", min=0, max=50),
        Column("items", "int", "-", "parts of the order", min=1),
        Column("hour", "int", "h", "of the day", min=0, max=23),
        Column("rain", "int", "0/1", "whether it rains", allowed=(0, 1)),
        Column("minutes", "float", "minutes", "to the door", min=0, known=False),
    ),
)
