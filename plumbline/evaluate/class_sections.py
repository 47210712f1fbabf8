"""The evidence on several classes: each against the others, how rows were decided, curves. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from plumbline.core.documents import rounded
from plumbline.core.errors import ParamsError
from plumbline.core.usecase import UseCase
from plumbline.evaluate import curves
from plumbline.evaluate.class_document import ClassEvidence, ClassFigures
from plumbline.evaluate.curves import Lines, Table
from plumbline.evaluate.evidence import LabelledWindow
from plumbline.evaluate.params import EvaluationSettings
from plumbline.metrics import class_metrics, metrics
from plumbline.metrics.bootstrap import Array, Resample, every_row_once
from plumbline.metrics.interval import Interval
from plumbline.model.calibration import Kind

FEW = 20
"""Rows of a class, or of all others, below which its calibration cannot be judged."""


def evidence(
    usecase: UseCase,
    settings: EvaluationSettings,
    window: LabelledWindow,
    probability: Array,
    calibration: Kind,
) -> ClassEvidence:
    """Each class's figures with intervals, and the confusion matrix; `probability` (n, k)."""
    if settings.evaluate.rule is not None:
        raise ParamsError(
            f"params.yaml, {usecase.name}.evaluate.rule: it is a threshold of the naive answer, and several classes "
            "have none; remove it"
        )
    names = [str(c) for c in usecase.classes]
    decided = class_metrics.decide(probability, window.costs)
    sample = window.sample()
    each = class_metrics.per_class(window.label, probability, decided, sample)
    off = miscalibration(window, probability)
    counted = class_metrics.confusion(window.label, decided, len(names))
    figures = {
        name: ClassFigures(
            rows=int(counted[code].sum()),
            decided=int(counted[:, code].sum()),
            miscalibrated=rounded(off[code]) if code in off else None,
            metrics={m: Interval.from_estimate(window.estimate(r, sample)) for m, r in one.items()},
        )
        for code, (name, one) in enumerate(zip(names, each, strict=True))
    }
    return ClassEvidence(
        names=names,
        figures=figures,
        confusion=counted.tolist(),
        calibration=calibration,
        costs=settings.class_costs,
    )


def miscalibration(window: LabelledWindow, probability: Array) -> dict[int, float]:
    """By class, its calibration error above a perfect model's, over the rarer share; {} of one score.

    A class of which, or of the others, there are fewer than `FEW` rows is not judged: it is left out.
    """
    if window.problem != "multiclass":
        return {}
    once = every_row_once(len(window.label))
    shares = {
        code: _share(window.label == code, own, once) for code, own in enumerate(probability.T)
    }
    return {code: share for code, share in shares.items() if share is not None}


def _share(own: Array, probability: Array, once: Resample) -> float | None:
    label = own.astype(np.float64)
    rarer = min(label.sum(), len(label) - label.sum())
    if rarer < FEW:
        return None
    error = float(metrics.calibration_error(label, probability, once)[0])
    noise = curves.calibration_noise(label, probability)
    return max(error - noise, 0.0) / (rarer / len(label))


def lines(usecase: UseCase, label: Array, answers: Mapping[str, Array]) -> Lines:
    """Curves with a series per class of the model, and by series how sure it was against how often right."""
    model = answers["model"]
    each = [
        (str(c), (label == n).astype(np.float64), model[:, n])
        for n, c in enumerate(usecase.classes)
    ]
    there = [(name, own, p) for name, own, p in each if 0 < own.sum() < len(own)]
    return {
        "calibration": {"model": _joined({n: _bins(own, p) for n, own, p in there})},
        "precision_recall": {
            "model": _joined({n: curves.precision_recall(own, p) for n, own, p in there})
        },
        "confidence": {n: _confidence(label, p) for n, p in answers.items() if n != "constant"},
    }


def _bins(own: Array, probability: Array) -> Table:
    return curves.calibration(own, probability, metrics.probability_bins(probability))


def _confidence(label: Array, probability: Array) -> Table:
    likeliest, sure = np.argmax(probability, axis=1), np.max(probability, axis=1)
    right = (likeliest == label).astype(np.float64)
    return curves.calibration(right, sure, metrics.bins(sure, metrics.ECE_BINS))


def _joined(by_series: Mapping[str, Table]) -> Table:
    """One table of all series, with their names in `series`."""
    out: dict[str, list[Array]] = {}
    for name, table in by_series.items():
        size = len(table["x"])
        for column, values in {**table, "series": np.full(size, name, object)}.items():
            out.setdefault(column, []).append(values)
    return {column: np.concatenate(parts) for column, parts in out.items()}
