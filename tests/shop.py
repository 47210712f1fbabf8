"""A small monitored use case: what the model looks at, and tables of it with a known truth."""

from __future__ import annotations

import numpy as np

from plumbline.core.declarations import Category, Column, Entity
from plumbline.core.usecase import UseCase

LAST = np.datetime64("2025-06-29")
DELAY = 3
COLOURS = ("red", "green", "blue")


def usecase(problem="classification", timed=True):
    columns = [
        Column("number", "int", "-", "key"),
        Column("who", "string", "-", "who"),
        Column("size", "float", "kg", "weight", null=True),
        Column("rate", "float", "-", "follows the weekday"),
        Column("colour", "string", "-", "colour"),
        Column("spare", "float", "-", "hardly used"),
        Column("bad", "float", "-", "label", known=False),
    ]
    if timed:
        columns.insert(1, Column("at", "timestamp", "UTC", "when"))
    return UseCase(
        name="shop",
        title="A shop",
        owner="tests@example.com",
        problem=problem,
        key="number",
        time="at" if timed else None,
        label="bad",
        label_delay=DELAY if timed else 0,
        entities=(Entity("who", "who", "a person"),),
        columns=tuple(columns),
        categories=(Category("colour_code", "colour", COLOURS, "colour"),),
        features=("size", "colour_code", "spare", "rate"),
    )


def table(days, last=LAST, per_day=60, seed=0, problem="classification", unknown=0):
    """Events of `days` days; labels of the last `unknown` are not known."""
    random = np.random.default_rng(seed)
    day = np.repeat(last - np.arange(days)[::-1], per_day)
    rows = len(day)
    size = random.normal(0, 1, rows)
    colour = random.choice(COLOURS, rows, p=(0.6, 0.3, 0.1))
    weekday = (day.astype(int) + 3) % 7
    noise = random.normal(0, 1, rows)
    label = size + (colour == "red") + noise
    if problem == "classification":
        label = (label > 2).astype(float)
    return {
        "number": np.arange(rows),
        "at": day.astype("datetime64[us]") + random.integers(0, 86_400, rows).astype("m8[s]"),
        "who": np.array([f"p{i}" for i in range(rows)], object),
        "size": size,
        "rate": 3.0 * (weekday >= 5) + random.normal(0, 0.3, rows),
        "colour": colour.astype(object),
        "spare": random.normal(0, 1, rows),
        "bad": np.where(day > last - unknown, np.nan, label),
        "colour_code": np.searchsorted(sorted(COLOURS), colour).astype(float),
    }
