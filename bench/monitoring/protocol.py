"""What a detector is to the benchmark: it learns the past once, then judges one window after another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

import numpy as np

from bench.monitoring.streams import Past
from plumbline.monitor.window import ScoredWindow

Level = Literal["ok", "warning", "alert"]
KnownLabels = Mapping[np.datetime64, ScoredWindow]
"""By day: the earlier windows whose labels became known since the last window."""


@dataclass(frozen=True)
class Answer:
    """What a detector says of a window.

    `columns`: those it names, the gravest first. `flags`: how many columns it flags (of a peer), by
    which it may alert more or less readily. `why`: its own reasons. `blind`: the day until
    which it says it cannot see concept drift.
    """

    level: Level
    columns: tuple[str, ...] = ()
    flags: int = 0
    why: tuple[str, ...] = ()
    blind: date | None = None


class Detector(Protocol):
    """A monitor under test. `fit` once a past; `begin` before each stream that follows on it."""

    name: str

    def fit(self, past: Past) -> None: ...

    def begin(self) -> None: ...

    def judge(self, now: ScoredWindow, known_labels: KnownLabels) -> Answer:
        """The verdict on `now`, whose labels are not known."""
        ...
