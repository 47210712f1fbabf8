"""Metrics as people name them: the title of each key, and the kind of its unit. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Kind = Literal["", "label", "cost", "share"]
"""What a metric is counted in: nothing, the label's unit, the unit of costs, or per cent."""


class MetricTitle(NamedTuple):
    """A metric's name for people."""

    text: str
    kind: Kind = ""


TITLES: Mapping[str, MetricTitle] = {
    "accuracy": MetricTitle("accuracy", "share"),
    "average_precision": MetricTitle("average precision"),
    "bias": MetricTitle("bias", "label"),
    "brier": MetricTitle("Brier score"),
    "cost": MetricTitle("cost", "cost"),
    "cost_of_constant": MetricTitle("cost of always the same class", "cost"),
    "cost_of_nothing": MetricTitle("cost without alarms", "cost"),
    "cost_saved": MetricTitle("cost saved", "cost"),
    "ece": MetricTitle("expected calibration error", "share"),
    "error_p50": MetricTitle("median absolute error", "label"),
    "error_p90": MetricTitle("90th-percentile absolute error", "label"),
    "false_alarm_rate": MetricTitle("false-alarm rate", "share"),
    "f1": MetricTitle("F1"),
    "log_loss": MetricTitle("log loss"),
    "macro_average_precision": MetricTitle("mean average precision over classes"),
    "macro_f1": MetricTitle("mean F1 over classes"),
    "mae": MetricTitle("mean absolute error", "label"),
    "pinball_10": MetricTitle("pinball loss at 10%", "label"),
    "pinball_90": MetricTitle("pinball loss at 90%", "label"),
    "precision": MetricTitle("precision", "share"),
    "precision_at_k": MetricTitle("precision at k alarms a day", "share"),
    "precision_at_threshold": MetricTitle("precision at the threshold", "share"),
    "r2": MetricTitle("R²"),
    "recall": MetricTitle("recall", "share"),
    "recall_at_false_alarm": MetricTitle("recall at the false-alarm rate", "share"),
    "recall_at_threshold": MetricTitle("recall at the threshold", "share"),
    "rmse": MetricTitle("root mean squared error", "label"),
    "roc_auc": MetricTitle("ROC AUC"),
}


def units(label: str, cost: str | None) -> dict[str, str]:
    """The units by kind: the label's, unless it is a flag or a share, and that of costs, if there are any.

    >>> units("minutes", None), units("0/1", "EUR")
    ({'label': 'minutes'}, {'cost': 'EUR'})
    """
    named = {} if label in ("-", "0/1") else {"label": label}
    return named | ({"cost": cost} if cost else {})


def metric_title(metric: str, units: Mapping[str, str] | None = None) -> str:
    """A metric's name for people, with its unit where `units` names it by kind.

    >>> metric_title("error_p50"), metric_title("mae", {"label": "minutes"}), metric_title("mean_width")
    ('median absolute error', 'mean absolute error (minutes)', 'mean width')
    """
    known = TITLES.get(metric, MetricTitle(metric.replace("_", " ")))
    unit = (units or {}).get(known.kind, "")
    return f"{known.text} ({unit})" if unit else known.text


def metric_unit(metric: str, units: Mapping[str, str]) -> str:
    """The unit of a metric's figures, "%" for shares; "" where it has none.

    >>> metric_unit("mae", {"label": "minutes"}), metric_unit("ece", {}), metric_unit("r2", {})
    ('minutes', '%', '')
    """
    kind = TITLES.get(metric, MetricTitle(metric)).kind
    return "%" if kind == "share" else units.get(kind, "")
