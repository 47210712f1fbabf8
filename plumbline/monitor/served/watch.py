"""What was served in the current window, judged: the report, its findings, and labels that decisions withhold. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from plumbline.core.usecase import UseCase
from plumbline.monitor.params import Monitor
from plumbline.monitor.served import (
    feature_skew,
    label_feedback,
    served_arms,
    served_findings,
    served_quality,
    served_shares,
)
from plumbline.monitor.served.feature_skew import ModelMark
from plumbline.monitor.served.label_feedback import LabelFeedback
from plumbline.monitor.served.served_quality import WeightedRows
from plumbline.monitor.served.served_report import ParityReport, ServedQuality, ServedReport
from plumbline.monitor.served.served_rows import (
    MatchedRows,
    SealedRows,
    ServedRows,
    first_day,
    matched,
    places,
)
from plumbline.monitor.verdict import Finding, Level
from plumbline.monitor.window import ScoredWindow


@dataclass(frozen=True)
class ServedWatch:
    """The report on what was served, and what of it is a finding."""

    report: ServedReport
    findings: tuple[Finding, ...]


def watch(
    usecase: UseCase,
    sealed: SealedRows,
    windows: tuple[ScoredWindow, ScoredWindow],
    model: ModelMark,
    gain: Mapping[str, float],
    limits: Monitor,
    seed: int,
) -> ServedWatch | None:
    """Judge the sealed predictions of the current window; None where nothing came in it.

    `windows`: the reference and the current one, scored by this commit's model. `gain`: each feature's share of it.
    """
    rows, sheet, (past, now) = sealed.rows, sealed.sheet, windows
    first = first_day(now)
    recent = rows if first is None else rows.take(rows.day >= first)
    refused = served_shares.refusals(sheet, first)
    days = sorted({*map(str, np.unique(recent.day)), *refused})
    if not days:
        return None
    live = recent.live()
    answered, every = matched(live, now, usecase.key), matched(recent, now, usecase.key)
    known = label_feedback.feedback(answered, usecase.delay_days, now.last)
    reference = _reference(usecase, rows, past, now.last)
    losses = list(_losses(usecase, answered, known, reference, limits, seed))
    weight = served_arms.weights(every, answered, known)
    report = ServedReport(
        first=days[0],
        last=days[-1],
        sealed=str(sheet.last) if sheet.last else None,
        events=len(live),
        shadows=len(recent) - int((recent.mode == "live").sum()),
        matched=len(answered),
        parity=tuple(_parity(usecase, every, model)),
        shares=tuple(served_shares.shares(live, refused, limits)),
        times=tuple(served_shares.times(live, limits)),
        arms=tuple(served_arms.arms(usecase.problem, recent, every, weight, model.bundle)),
        shadow=tuple(served_arms.shadows(recent, live)),
        feedback=label_feedback.report(known),
        quality=tuple(quality for quality, _ in losses),
    )
    reasons = served_shares.reasons(sheet, first)
    judged = [(q, level) for q, level in losses if q.bundle == _newest(live)]
    found = served_findings.findings(usecase, report, reasons, judged, gain, limits)
    return ServedWatch(report, tuple(found))


def _newest(live: ServedRows) -> str:
    """The bundle that answered most of the last day: the champion, not a canary."""
    last = live.bundle[live.day == live.day.max()] if len(live) else np.array([""])
    names, counts = np.unique(last.astype(str), return_counts=True)
    return str(names[counts.argmax()])


def _parity(usecase: UseCase, every: MatchedRows, model: ModelMark) -> Iterator[ParityReport]:
    """One report per bundle: of what it answered, or where it answered nothing, of its shadows."""
    for bundle in dict.fromkeys(every.rows.bundle.tolist()):
        own = every.take(every.rows.bundle == bundle)
        live = own.rows.mode == "live"
        yield feature_skew.report(
            usecase, own.take(live) if live.any() else own, model, live=bool(live.any())
        )


def _losses(
    usecase: UseCase,
    answered: MatchedRows,
    known: LabelFeedback,
    reference: WeightedRows,
    limits: Monitor,
    seed: int,
) -> Iterator[tuple[ServedQuality, Level]]:
    """Quality of each bundle that answered, first of the one that answers now, then the newest."""
    newest, bundles = _newest(answered.rows), dict.fromkeys(reversed(answered.rows.bundle.tolist()))
    for bundle in sorted(bundles, key=lambda one: one != newest):
        own = answered.rows.bundle == bundle
        served = answered.take(own)
        labels = label_feedback.weighted(known.take(own), served)
        yield served_quality.quality(usecase.problem, served, labels, reference, limits, seed)


def _reference(
    usecase: UseCase, rows: ServedRows, past: ScoredWindow, last: np.datetime64 | None
) -> WeightedRows:
    """The reference's labels. Its table lacks events without one: one that passed by chance counts 1/propensity."""
    answered = matched(rows.live(), past, usecase.key)
    weight = past.labelled.astype(np.float64)
    if len(answered):
        known = label_feedback.feedback(answered, usecase.delay_days, last)
        passed = np.where(known.passed & known.known, 1 / answered.rows.propensity, known.weight)
        weight[places(answered.rows.key, past.columns[usecase.key])] = passed
    return served_quality.of_window(past, weight)
