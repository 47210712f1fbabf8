"""What reweighing costs, and what it closes: the model beside the same one boosted without weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from plumbline.core.declarations import Columns
from plumbline.core.usecase import FeatureSet, UseCase
from plumbline.evaluate import assessment, evidence, fairness
from plumbline.evaluate.evaluation import Evaluation, EvaluationRows
from plumbline.evaluate.evidence import LabelledWindow
from plumbline.evaluate.fairness_document import GapPair, ReweighingEvidence
from plumbline.evaluate.params import EvaluationSettings
from plumbline.metrics import bootstrap
from plumbline.metrics.bootstrap import Array, Resample
from plumbline.metrics.interval import PairedDifference
from plumbline.model import boosting, calibration, matrices, segments
from plumbline.model import threshold as decision
from plumbline.model.bundle import Bundle
from plumbline.model.reweighing import Reweigh
from plumbline.model.tune_result import without


def without_weights(
    usecase: FeatureSet,
    settings: EvaluationSettings,
    scorer: Bundle,
    tables: tuple[Path, Path],
    valid: Columns,
) -> Bundle:
    """The bundle boosted once more with the same settings and rounds, and no weights.

    `tables`: train and validation table. Calibration and threshold are fitted on `valid` (m,), as train does.
    """
    full = {**scorer.manifest.params, "nthread": 0}
    refit = "refit" in scorer.provenance
    matrix = (
        matrices.both(usecase, full, *tables)
        if refit
        else matrices.binned(usecase, full, *tables)[0]
    )
    booster = boosting.grow(full, matrix, rounds=scorer.manifest.rounds)
    plain = replace(scorer, booster=booster)
    return plain if refit else calibrated(usecase, settings, plain, valid)


def calibrated(
    usecase: FeatureSet, settings: EvaluationSettings, plain: Bundle, valid: Columns
) -> Bundle:
    """The bundle with calibration and threshold fitted on the validation window, (m,) each; a regression has none."""
    if usecase.problem != "classification":
        return plain
    label = np.asarray(valid[usecase.label], np.float64)
    fitted = replace(
        plain, calibration=calibration.fit(plain.calibration.kind, plain.raw(valid), label)
    )
    chosen = decision.choose(usecase, valid, fitted.predict(valid), settings.costs)
    return replace(fitted, manifest=plain.manifest.model_copy(update={"threshold": chosen}))


def with_price(
    usecase: UseCase,
    settings: EvaluationSettings,
    declared: Reweigh | None,
    scorer: Bundle,
    tables: tuple[Path, Path],
    result: Evaluation,
    rows: EvaluationRows,
) -> Evaluation:
    """The evaluation with what reweighing costs; as it is where none is declared, or the model has none."""
    if declared is None or "reweighed" not in scorer.provenance or usecase.classes:
        return result
    learned = without(usecase, scorer.manifest.dropped)
    plain = without_weights(learned, settings, scorer, tables, rows.valid)
    section = price(usecase, settings, declared, rows.test, (scorer, plain))
    return replace(result, document=result.document.model_copy(update={"reweighing": section}))


def price(
    usecase: UseCase,
    settings: EvaluationSettings,
    declared: Reweigh,
    test: Columns,
    pair: tuple[Bundle, Bundle],
) -> ReweighingEvidence:
    """The first bundle minus the second, paired, and the gaps between the groups by each."""
    windows = [assessment.window(usecase, settings, test, one.threshold) for one in pair]
    scores = [one.predict(test) for one in pair]
    sample = windows[0].sample()
    own, other = (
        evidence.figures(w, s, sample, "model") for w, s in zip(windows, scores, strict=True)
    )
    names = [windows[0].primary, *(["cost"] if "cost" in own else [])]
    return ReweighingEvidence(
        column=declared.column,
        strength=declared.strength,
        differences={n: _apart(windows[0], own[n], other[n], sample, n) for n in names},
        gaps=_gaps(usecase, declared, test, windows, scores),
    )


def _apart(
    window: LabelledWindow, own: Array, other: Array, sample: Resample, metric: str
) -> PairedDifference:
    estimate = window.estimate(own - other, sample)
    better = window.higher_is_better if metric == window.primary else False
    word = bootstrap.word(estimate, higher_is_better=better)
    return evidence.difference(estimate, float(other[0]), word)


def _gaps(
    usecase: UseCase,
    declared: Reweigh,
    test: Columns,
    windows: list[LabelledWindow],
    scores: list[Array],
) -> dict[str, GapPair]:
    decoded = segments.decoded(usecase, declared.column)
    named = segments.names(test[declared.column], declared.edges, decoded).astype(str)
    groups = {str(name): named == name for name in np.unique(named)}
    rates = [fairness.rates(w, s) for w, s in zip(windows, scores, strict=True)]
    found = [
        [fairness.gap(w, r, groups) for r in own.values()]
        for w, own in zip(windows, rates, strict=True)
    ]
    pairs = zip(rates[0], *found, strict=True)
    return {rate: GapPair(reweighed=own, without=other) for rate, own, other in pairs}
