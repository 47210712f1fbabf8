"""Is a probability what it says? Shares of positives by predicted probability, with intervals. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np

from plumbline.evaluate import curves, evidence
from plumbline.evaluate.evidence import LabelledWindow
from plumbline.metrics import metrics
from plumbline.metrics.bootstrap import Array, Resample, divide


def as_json(window: LabelledWindow, score: Array, raw: Array, kind: str) -> dict[str, Any]:
    """The calibration's evidence for evaluate.json.

    `ece`: the expected calibration error, as among the metrics. `relative`: over the share of the
    rarer class. `noise`: the error of a perfect model on so many rows. `uncalibrated`: the error of
    `raw` (n,). `bins`: by rising probability `score` (n,), each holding about as many expected cases.
    """
    sample = window.sample()
    error = metrics.probabilities(window.label, score, sample)["ece"]
    positives = sample.mean(window.label)
    relative = divide(error, np.minimum(positives, 1 - positives))
    before = metrics.probabilities(window.label, raw, sample)["ece"]
    return {
        "kind": kind,
        "ece": evidence.as_json(window.estimate(error, sample)),
        "relative": evidence.as_json(window.estimate(relative, sample)),
        "uncalibrated": evidence.as_json(window.estimate(before, sample)),
        "noise": evidence.rounded(curves.calibration_noise(window.label, score)),
        "bins": bins(window, score, sample),
        "bins_uncalibrated": bins(window, raw, sample),
    }


def bins(window: LabelledWindow, score: Array, sample: Resample) -> list[dict[str, Any]]:
    """Per bin: its rows, mean probability, share of positives, and the share's interval."""
    place = metrics.probability_bins(score)
    return [_bin(window, score, place == number, sample) for number in np.unique(place)]


def _bin(window: LabelledWindow, score: Array, rows: Array, sample: Resample) -> dict[str, Any]:
    share = divide(sample.total(rows * window.label), sample.total(rows.astype(np.float64)))
    result = evidence.as_json(window.estimate(share, sample))
    predicted = evidence.rounded(float(np.mean(score[rows])))
    return {**result, "predicted": predicted, "rows": int(np.sum(rows))}
