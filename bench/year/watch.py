"""What the monitor sees of a policy's days: the stage's own functions on the champion's test window and the last days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from bench.year import training
from bench.year.calendar import CURRENT
from bench.year.money import BLOCK
from bench.year.service import Logged
from bench.year.training import Champion
from plumbline.core.declarations import Array
from plumbline.monitor import build_result, monitored_columns, observe, verdict
from plumbline.monitor.params import Monitor
from plumbline.monitor.result import MonitorResult
from plumbline.monitor.window import ScoredWindow, window
from usecases.card_fraud.model import USECASE

LIMITS = Monitor(
    min_history=7, quality={"warning": 0.05, "alert": 0.1}, calibration={"warning": 0.2, "alert": 0.4},
    shelf_life_days=70, bootstrap=100,
)  # fmt: skip


def verdict_of(days: Sequence[Logged], champion: Champion) -> MonitorResult:
    """The verdict after the last of `days`."""
    last = days[-1].payments.day
    past = _passing(champion, training.columns(days, champion.windows["test"]))
    recent = [d for d in days if d.payments.day > last - timedelta(days=CURRENT)]
    now = {n: np.concatenate([d.columns[n] for d in recent]) for n in recent[0].columns}
    now[USECASE.label] = np.concatenate([d.label for d in recent])
    gain = monitored_columns.gain_shares(champion.model.booster)
    windows = [_scored(champion, past, None), _scored(champion, now, np.datetime64(last, "D"))]
    seen = observe.observe(USECASE, gain, *windows, LIMITS, 7)
    return build_result.build(seen, LIMITS)


def _passing(champion: Champion, columns: dict[str, Array]) -> dict[str, Array]:
    """The rows that the champion would not block: what it is compared with has labels of such rows alone."""
    policy = champion.model.decisions
    assert policy is not None
    kept = policy.places(columns, champion.model.predict(columns)) != BLOCK
    return {name: values[kept] for name, values in columns.items()}


def _scored(
    champion: Champion, columns: dict[str, Array], last: np.datetime64 | None
) -> ScoredWindow:
    return window(USECASE, columns, champion.model.predict(columns), last)


def faults(result: MonitorResult) -> dict[date, str]:
    """Days with a fault of the input, and what it is."""
    return {
        date.fromisoformat(day.day): f"{f.column or 'rows'}: {f.check}: {f.evidence}"
        for day in result.days
        for f in day.findings
        if day.day and f.level == "alert" and f.check in verdict.FAULTS
    }


def lost(result: MonitorResult) -> bool:
    """Whether a model is called for because of what the last days cost, and not of its age alone."""
    checks = ("quality", "calibration", *verdict.MOVED)
    return any(f.level == "alert" and f.check in checks for f in result.findings)
