"""Is a probability what it says? Shares of positives by predicted probability, with intervals. Pure."""

from __future__ import annotations

import numpy as np

from plumbline.core.documents import rounded
from plumbline.evaluate import curves
from plumbline.evaluate.evaluate_document import CalibrationEvidence, ProbabilityBin
from plumbline.evaluate.evidence import LabelledWindow
from plumbline.metrics import metrics
from plumbline.metrics.bootstrap import Array, Resample, divide
from plumbline.metrics.interval import Interval
from plumbline.model.calibration import Kind


def evidence(window: LabelledWindow, score: Array, raw: Array, kind: Kind) -> CalibrationEvidence:
    """How far the probabilities of calibration `kind` are from the shares of positives.

    `ece`: the expected calibration error, as among the metrics. `relative`: over the share of the
    rarer class. `noise`: the error of a perfect model on so many rows. `uncalibrated`: the error of
    `raw` (n,). `bins`: by rising probability `score` (n,), each holding about as many expected cases.
    """
    sample = window.sample()
    error = metrics.probabilities(window.label, score, sample)["ece"]
    positives = sample.mean(window.label)
    relative = divide(error, np.minimum(positives, 1 - positives))
    before = metrics.probabilities(window.label, raw, sample)["ece"]
    return CalibrationEvidence(
        kind=kind,
        ece=Interval.from_estimate(window.estimate(error, sample)),
        relative=Interval.from_estimate(window.estimate(relative, sample)),
        uncalibrated=Interval.from_estimate(window.estimate(before, sample)),
        noise=rounded(curves.calibration_noise(window.label, score)),
        bins=bins(window, score, sample),
        bins_uncalibrated=bins(window, raw, sample),
    )


def bins(window: LabelledWindow, score: Array, sample: Resample) -> list[ProbabilityBin]:
    """Per bin: its rows, mean probability, share of positives, and the share's interval."""
    place = metrics.probability_bins(score)
    return [_bin(window, score, place == number, sample) for number in np.unique(place)]


def _bin(window: LabelledWindow, score: Array, rows: Array, sample: Resample) -> ProbabilityBin:
    share = divide(sample.total(rows * window.label), sample.total(rows.astype(np.float64)))
    predicted = rounded(float(np.mean(score[rows])))
    estimate = window.estimate(share, sample)
    return ProbabilityBin.from_estimate(estimate, predicted=predicted, rows=int(np.sum(rows)))
