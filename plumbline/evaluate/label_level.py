"""How far the label's level has moved from the training window to the test window. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping

from plumbline.evaluate.evaluate_document import ServedRows
from plumbline.report.numbers import figure, share

CHANGE = 1.2
"""From this ratio on (or its inverse) a change of level is named; means of two signs have no ratio."""
ERRORS = 3.0
"""Standard errors by which a rate must have moved."""


def sentence(windows: Mapping[str, ServedRows]) -> str:
    """What changed from train to test, "" where the level is about the same or not known.

    >>> windows = {"train": ServedRows(rows=9, label_mean=155.0), "test": ServedRows(rows=9, label_mean=241.0)}
    >>> sentence(windows)
    'The mean label is 241 in the test window and 155 in the training window, 1.55 times it: the model is judged on another level than it has learned.'
    """
    if "train" not in windows or "test" not in windows:
        return ""
    train, test = windows["train"], windows["test"]
    if train.class_rows and test.class_rows:
        return _of_classes(train.class_rows, test.class_rows)
    rated = train.label_rate is not None
    before = train.label_rate if rated else train.label_mean
    after = test.label_rate if rated else test.label_mean
    if not before or not after or not _moved(before, after, test.rows, rated=rated):
        return ""
    name, show = ("share of positives", share) if rated else ("mean label", figure)
    return (
        f"The {name} is {show(after)} in the test window and {show(before)} in the training window, "
        f"{after / before:.2f} times it: the model is judged on another level than it has learned."
    )


def _of_classes(train: Mapping[str, int], test: Mapping[str, int]) -> str:
    """Which class's share has changed most, "" where none has, much and beyond chance."""
    rows = sum(train.values()), sum(test.values())
    if not all(rows):
        return ""
    pairs = {name: (train[name] / rows[0], test.get(name, 0) / rows[1]) for name in train}
    moved = {
        name: abs(after - before)
        for name, (before, after) in pairs.items()
        if before and after and _moved(before, after, rows[1], rated=True)
    }
    if not moved:
        return ""
    name = max(moved, key=lambda one: moved[one])
    before, after = pairs[name]
    return (
        f"The share of class {name} is {share(after)} in the test window and {share(before)} in the training "
        f"window, {after / before:.2f} times it: the model is judged on another level than it has learned."
    )


def _moved(before: float, after: float, rows: int, *, rated: bool) -> bool:
    ratio = after / before
    if ratio <= 0 or 1 / CHANGE < ratio < CHANGE:
        return False
    error = math.sqrt(before * (1 - before) / max(1, rows)) if rated and before < 1 else 0.0
    return abs(after - before) > ERRORS * error
