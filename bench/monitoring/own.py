"""Plumbline's own monitor as a detector."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from bench.monitoring.populations import usecase
from bench.monitoring.protocol import Answer, KnownLabels
from bench.monitoring.streams import Past
from plumbline.monitor import fit_binning, period_summary, stream
from plumbline.monitor import label_outcomes as labels
from plumbline.monitor.params import Monitor
from plumbline.monitor.window import ScoredWindow


class Plumbline:
    """Summaries of the healthy days, then a verdict a day."""

    name = "plumbline"

    def __init__(self) -> None:
        self.binning: Any = None
        self.healthy: Any = None
        self.state: Any = None

    def fit(self, past: Past) -> None:
        self.binning = fit_binning.fit(usecase(), past.gain, past.training)
        self.healthy = stream.begin(self.binning, Monitor())
        for day in past.days:
            known = labels.outcome(self.binning, day)
            self.healthy = stream.learn(
                self.healthy, period_summary.summarise(self.binning, day), known
            )

    def begin(self) -> None:
        self.state = self.healthy

    def judge(self, now: ScoredWindow, known_labels: KnownLabels) -> Answer:
        summary = period_summary.summarise(self.binning, now, day=now.last)
        known = {day: labels.outcome(self.binning, w) for day, w in known_labels.items()}
        self.state, judged = stream.step(self.state, summary, known)
        raised = [f for f in judged.findings if f.level != "ok"]
        return Answer(
            judged.level,
            tuple(dict.fromkeys(f.column or f.check for f in raised)),
            flags=sum(f.level == "alert" for f in raised),
            why=tuple(
                f"{f.level} {f.check} {f.column or '-'}: {f.evidence} ({f.cause})" for f in raised
            ),
            blind=_day(judged.blind),
        )


def _day(day: np.datetime64 | None) -> date | None:
    return None if day is None else day.astype("datetime64[D]").item()
