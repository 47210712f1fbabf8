"""Deliveries: minutes from the order to the door, made up for rehearsals. Timed, small, not linear."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from plumbline.core.usecase import Array, Behaviour, Column, Columns, Row, Slice, UseCase


def rush(hour: Array) -> Array:
    """Whether most people order, 0 or 1."""
    return ((hour >= 17) & (hour < 20)).astype(np.float64)


def farther(event: Columns) -> Columns:
    """The same order from two kilometres farther away."""
    return {"distance": event["distance"] + 2.0}


USECASE = UseCase(
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
    rows=(Row(rush),),
    features=("distance", "items", "hour", "rain"),
    naive="distance",
    slices=(Slice("rain", "rain", "0 or 1"), Slice("distance", "distance", "km", edges=(3,))),
    behaviours=(Behaviour("farther", "farther is not sooner", farther, "not_lower", share=0.8),),
)

HEADER = "delivery,ordered_at,distance,items,hour,rain,minutes"


def rows(
    first: str, days: int, start: int = 0, stretch: float = 1.0, per_day: int = 40
) -> list[str]:
    """Lines of the table: `days` days from `first`, numbered from `start`, distances times `stretch`."""
    random = np.random.default_rng(start + 1)
    n = days * per_day
    day = np.repeat(np.datetime64(first) + np.arange(days), per_day)
    hour = random.integers(10, 23, n)
    distance = np.round(random.gamma(3.0, 1.2, n) * stretch, 2).clip(0.1, 40)
    items, rain = random.integers(1, 8, n), (random.random(n) < 0.3).astype(int)
    busy = 12.0 * ((hour >= 17) & (hour < 20))
    wet = rain * np.where(distance > 3, 20.0, 2.0)
    minutes = 10 + 9 * np.sqrt(distance) + items + busy + wet + random.normal(0, 4, n)
    times = [
        f"{d} {h:02d}:{m:02d}:00"
        for d, h, m in zip(day, hour, random.integers(0, 60, n), strict=True)
    ]
    figures = zip(distance, items, hour, rain, np.round(minutes, 1).clip(1), strict=True)
    lines = zip(times, figures, strict=True)
    return [f"{start + i},{t},{','.join(str(v) for v in f)}" for i, (t, f) in enumerate(lines)]


def write(path: Path, lines: list[str]) -> None:
    """The table as a CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
