"""Plumbline's own monitor as a detector."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from bench.monitoring.protocol import Answer, Matured
from bench.monitoring.streams import Past
from bench.monitoring.worlds import case
from plumbline.monitor import binning, period_summary, stream
from plumbline.monitor import label_outcomes as labels
from plumbline.monitor.params import Monitor
from plumbline.monitor.window import Window


class Plumbline:
    """Sketches of the healthy days, then a verdict a day."""

    name = "plumbline"

    def __init__(self) -> None:
        self.layout: Any = None
        self.healthy: Any = None
        self.state: Any = None

    def fit(self, past: Past) -> None:
        self.layout = binning.layout(case(), past.gain, past.training)
        self.healthy = stream.begin(self.layout, Monitor())
        for day in past.days:
            known = labels.outcome(self.layout, day)
            self.healthy = stream.learn(
                self.healthy, period_summary.sketch(self.layout, day), known
            )

    def begin(self) -> None:
        self.state = self.healthy

    def judge(self, now: Window, matured: Matured) -> Answer:
        seen = period_summary.sketch(self.layout, now, day=now.last)
        known = {day: labels.outcome(self.layout, w) for day, w in matured.items()}
        self.state, found = stream.step(self.state, seen, known)
        grave = [f for f in found.findings if f.level != "ok"]
        return Answer(
            found.level,
            tuple(dict.fromkeys(f.column or f.check for f in grave)),
            flags=sum(f.level == "alert" for f in grave),
            why=tuple(
                f"{f.level} {f.check} {f.column or '-'}: {f.evidence} ({f.cause})" for f in grave
            ),
            blind=_day(found.blind),
        )


def _day(day: np.datetime64 | None) -> date | None:
    return None if day is None else day.astype("datetime64[D]").item()
