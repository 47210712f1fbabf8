"""Intervals of figures that hold for what the decisions withheld as well. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from plumbline.metrics import weighted
from plumbline.metrics.bootstrap import Estimate
from plumbline.metrics.interval import Interval
from plumbline.metrics.weighted import Drawing
from plumbline.monitor.served.label_feedback import LabelFeedback, labelled
from plumbline.monitor.served.served_rows import MatchedRows

REPLICATES = 1000


def widened(
    found: Mapping[str, Interval], served: MatchedRows, of: LabelFeedback, seed: int
) -> dict[str, Interval]:
    """The figures of a classification with intervals as wide as those over days and over withheld labels.

    `found`: value, reference, loss and, with alarms, precision and recall.
    """
    rows, used = labelled(of, served)
    how, alarm = Drawing(replicates=REPLICATES, seed=seed), served.rows.alarm[used] == 1
    exact = {"value": weighted.average_precision(rows, served.rows.answers[used, 0], how)}
    if "precision" in found:
        exact["precision"] = weighted.precision(rows, alarm, how)
        exact["recall"] = weighted.recall(rows, alarm, how)
    exact["loss"] = _loss(exact["value"], found["reference"].value or np.nan)
    return {name: _wider(one, exact.get(name)) for name, one in found.items()}


def _loss(value: Estimate, reference: float) -> Estimate:
    """The loss relative to the reference: largest where the value is lowest."""
    lost = [(reference - v) / abs(reference) for v in (value.value, value.high, value.low)]
    return Estimate(*lost)


def _wider(one: Interval, other: Estimate | None) -> Interval:
    """The lower of the lower ends, the higher of the higher; none where one of them is unknown."""
    if other is None:
        return one
    ends = (one.low, one.high, other.low, other.high)
    if any(end is None or not np.isfinite(end) for end in ends):
        return Interval(value=one.value, low=None, high=None)
    estimate = one.estimate
    return Interval.from_estimate(
        Estimate(estimate.value, min(estimate.low, other.low), max(estimate.high, other.high))
    )
