"""The table of deliveries, made up: what the rehearsals read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

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
