"""Metrics as people name them: the title of each key, and the kind of its unit. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Kind = Literal["", "label", "cost", "share"]
"""What a metric is counted in: nothing, the label's unit, the unit of costs, or per cent."""


class Title(NamedTuple):
    """A metric's name for people."""

    text: str
    kind: Kind = ""


TITLES: Mapping[str, Title] = {
    "average_precision": Title("average precision"),
    "bias": Title("bias", "label"),
    "brier": Title("Brier score"),
    "cost": Title("cost", "cost"),
    "cost_of_nothing": Title("cost without alarms", "cost"),
    "cost_saved": Title("cost saved", "cost"),
    "ece": Title("expected calibration error", "share"),
    "error_p50": Title("median absolute error", "label"),
    "error_p90": Title("90th-percentile absolute error", "label"),
    "false_alarm_rate": Title("false-alarm rate", "share"),
    "log_loss": Title("log loss"),
    "mae": Title("mean absolute error", "label"),
    "pinball_10": Title("pinball loss at 10%", "label"),
    "pinball_90": Title("pinball loss at 90%", "label"),
    "precision_at_k": Title("precision at k alarms a day", "share"),
    "precision_at_threshold": Title("precision at the threshold", "share"),
    "r2": Title("R²"),
    "recall": Title("recall", "share"),
    "recall_at_false_alarm": Title("recall at the false-alarm rate", "share"),
    "recall_at_threshold": Title("recall at the threshold", "share"),
    "rmse": Title("root mean squared error", "label"),
    "roc_auc": Title("ROC AUC"),
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
    known = TITLES.get(metric, Title(metric.replace("_", " ")))
    unit = (units or {}).get(known.kind, "")
    return f"{known.text} ({unit})" if unit else known.text


def metric_unit(metric: str, units: Mapping[str, str]) -> str:
    """The unit of a metric's figures, "%" for shares; "" where it has none.

    >>> metric_unit("mae", {"label": "minutes"}), metric_unit("ece", {}), metric_unit("r2", {})
    ('minutes', '%', '')
    """
    kind = TITLES.get(metric, Title(metric)).kind
    return "%" if kind == "share" else units.get(kind, "")
