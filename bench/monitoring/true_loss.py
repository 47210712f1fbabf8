"""What a stream's change costs, on true labels: the truth that alerts are compared with.

A stream is harmed where its model does worse than on the same days without the change: in average
precision, or in the money lost (frauds missed and false alarms, over the money in frauds), by the mean
over the judged days, with the lower end of its 95 % interval (Student's t over days) above zero. A fault
leaves labels and amounts as they truly are; a payment that was not delivered is one that is missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from bench.monitoring import learning, streams
from bench.monitoring.populations import Population, ordinal
from bench.monitoring.scenarios import Scenario
from plumbline.core.declarations import Array
from plumbline.core.files import read_json, write_json
from plumbline.metrics import metrics
from plumbline.monitor.window import ScoredWindow
from usecases.card_fraud.model import USECASE

NEEDED = ("payment_id", "paid_at", "amount_cents", USECASE.label, "score", "delivered")
ALARM = float(learning.COSTS.false_positive) if learning.COSTS else 0.0


@dataclass(frozen=True)
class TrueLoss:
    """Mean daily loss of average precision and rise of the cost's share, each with its lower end."""

    precision: float
    precision_low: float
    cost: float
    cost_low: float
    windows: tuple[bool, ...]
    """By window: worse than 19 of 20 healthy days of the same stream, in either measure."""

    @property
    def harmed(self) -> bool:
        return self.precision_low > 0 or self.cost_low > 0


def true_loss(population: Population, scenario: Scenario) -> TrueLoss:
    """A stream's true loss; kept beside the stream."""
    path = population.folder / "true_loss" / f"{scenario.name}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, _true_loss(population, scenario))
    kept = read_json(path)
    sizes = {n: float("nan") if v is None else v for n, v in kept.items() if n != "windows"}
    return TrueLoss(**sizes, windows=tuple(kept["windows"]))


def _true_loss(population: Population, scenario: Scenario) -> dict[str, object]:
    threshold = learning.load(population.folder / "model").threshold or 0.5
    folder, count = streams.prepare(population, scenario.past), streams.count(population, scenario)
    days = _days(streams.stream_file(population, scenario), population.shock, count)
    unchanged = _days(folder / "twin.parquet", population.shock, count)
    healthy = _days(folder / "history.parquet", population.valid[1], population.size.history)
    true = unchanged if scenario.fault else days
    now = [daily(d, t, threshold) for d, t in zip(days, true, strict=True)]
    without = [daily(d, d, threshold) for d in unchanged]
    before = np.array([daily(d, d, threshold) for d in healthy])
    lost, lost_low = _mean([w[0] - n[0] for n, w in zip(now, without, strict=True)])
    cost, cost_low = _mean([n[1] - w[1] for n, w in zip(now, without, strict=True)])
    floor, ceiling = np.nanquantile(before[:, 0], 0.05), np.nanquantile(before[:, 1], 0.95)
    return {
        "precision": lost,
        "precision_low": lost_low,
        "cost": cost,
        "cost_low": cost_low,
        "windows": [bool(n[0] < floor or n[1] > ceiling) for n in now],
    }


def daily(day: ScoredWindow, true: ScoredWindow, threshold: float) -> tuple[float, float]:
    """Average precision of the rows delivered, and the cost over the money in that day's frauds.

    NaN where the day has no fraud. `true`: the same day's payments as they were.
    """
    first = np.unique(day.columns["payment_id"], return_index=True)[1]
    label, score = day.label[first], day.score[first]
    quality = metrics.average_precision(label, score) if label.sum() else float("nan")
    keys, at = np.unique(true.columns["payment_id"], return_index=True)
    money = np.maximum(true.columns["amount_cents"][at].astype(float), 0.0) * true.label[at]
    position = np.searchsorted(keys, day.columns["payment_id"][first])
    caught = float(money[position][(score >= threshold) & (label == 1)].sum())
    alarms = int(((day.score >= threshold) & (day.label == 0)).sum())
    total = float(money.sum())
    return quality, (total - caught + ALARM * alarms) / total if total else float("nan")


def _days(path: Path, first: date, count: int) -> Sequence[ScoredWindow]:
    """The windows of a file with the columns that the loss is measured on."""
    return streams.windows(streams.read(path, NEEDED), ordinal(first), count)


def _mean(values: Sequence[float]) -> tuple[float, float]:
    """The mean over days, and the lower end of its 95 % interval; NaN where there are none."""
    from scipy.stats import t

    known: Array = np.array([v for v in values if np.isfinite(v)])
    if len(known) < 2:
        return float("nan"), float("nan")
    error = float(known.std(ddof=1) / np.sqrt(len(known)))
    return float(known.mean()), float(known.mean() - t.ppf(0.975, len(known) - 1) * error)
