"""The populations of MonitorBench: how large, how long, and where their files are kept."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.core.declarations import Column
from plumbline.core.usecase import UseCase
from usecases.card_fraud.model import USECASE

FIRST = date(2025, 1, 1)
WARMUP = 31  # days used for histories only
DELAY = USECASE.label_delay
CONTEXT = 1 + max(s.days for s in USECASE.snapshots) + DELAY
"""Days before a day that its features reach back to."""
IRRELEVANT = Column("battery_pct", "int", "percent", "of the terminal; no feature", min=0, max=100)
VERSION = 5
"""Part of the cache's path: raise it where streams change."""


@dataclass(frozen=True)
class Size:
    """A population: rows a day, and days to learn from, to select by, healthy ones before, and judged."""

    rows: int
    train: int = 56
    valid: int = 21
    history: int = 84
    windows: int = 14

    @property
    def settings(self) -> Mapping[str, Any]:
        """The simulator's: two payments a customer and day, a tenth more by growth."""
        people = round(self.rows / 2.2)
        return {"customers": people, "terminals": people}


SIZES: Mapping[int, Size] = {
    500: Size(500),
    5_000: Size(5_000),
    50_000: Size(50_000, train=14, valid=7, history=35),
}


@dataclass(frozen=True)
class Population:
    """One seed at one size. The seed also sets on which weekday the first judged window lies."""

    size: Size
    seed: int

    @property
    def start(self) -> date:
        return FIRST + timedelta(days=self.seed % 7)

    @property
    def train(self) -> tuple[date, date]:
        first = self.start + timedelta(days=WARMUP)
        return first, first + timedelta(days=self.size.train)

    @property
    def valid(self) -> tuple[date, date]:
        first = self.train[1] + timedelta(days=DELAY)
        return first, first + timedelta(days=self.size.valid)

    @property
    def shock(self) -> date:
        """The first judged day."""
        return self.valid[1] + timedelta(days=self.size.history)

    @property
    def end(self) -> date:
        return self.shock + timedelta(days=self.size.windows)

    @property
    def folder(self) -> Path:
        """Where its streams are kept, outside of git."""
        return cache() / f"v{VERSION}" / f"{self.size.rows}-{self.seed}"

    def windows(self, count: int) -> Population:
        """The same population with fewer judged windows."""
        return replace(self, size=replace(self.size, windows=count))


def cache() -> Path:
    """MONITORBENCH_CACHE, or a folder among the temporary files."""
    default = Path(tempfile.gettempdir()) / "monitorbench"
    return Path(os.environ.get("MONITORBENCH_CACHE", default))


def ordinal(day: date) -> int:
    """Days since 1970."""
    return int(np.datetime64(day, "D").astype(np.int64))


def usecase() -> UseCase:
    """Card fraud with one more column, which the model does not use."""
    return replace(USECASE, columns=(*USECASE.columns, IRRELEVANT))
