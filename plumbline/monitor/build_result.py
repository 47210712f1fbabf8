"""From what the monitor saw to the document that git keeps, and its figures for a tracking server."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from plumbline.core.documents import finite
from plumbline.metrics.bootstrap import Estimate
from plumbline.metrics.interval import Interval
from plumbline.monitor import (
    calendar,
    class_reports,
    distributions,
    estimate,
    quality,
    sentences,
    verdict,
)
from plumbline.monitor.judge import Judgement
from plumbline.monitor.label_outcomes import LabelOutcome
from plumbline.monitor.observe import Observation
from plumbline.monitor.params import Monitor
from plumbline.monitor.quality import QualityChange, WeekQuality
from plumbline.monitor.result import (
    BlindDays,
    ComparedWindows,
    DayVerdict,
    FigurePair,
    LabelledRows,
    MonitorResult,
    OutliersOfDay,
    QualityReport,
    ReportedFinding,
    RetrainRecommendation,
    ScoreOfDay,
    ShelfLife,
    WeekReport,
    WindowFacts,
)
from plumbline.monitor.served.served_report import ServedReport
from plumbline.monitor.verdict import Finding
from plumbline.monitor.window import ScoredWindow

CHECKS = tuple(verdict.NEXT)
"""Every check that runs, whether or not it finds something."""
SERVED_CHECKS = tuple(verdict.NEXT_SERVED)
"""Those that run as well where something was served."""


def build(seen: Observation, limits: Monitor) -> MonitorResult:
    """The verdict with its evidence."""
    age_days = age(seen)
    overdue = past_shelf_life(limits, age_days, age_when_made(seen))
    now, why = verdict.retrain(seen.findings, seen.quality.judged, overdue)
    return MonitorResult(
        level=seen.level,
        summary=summary(seen),
        promise=f"one false alert in {limits.false_alert_days:g} {_periods(seen)}",
        retrain=RetrainRecommendation(now=now, why=why),
        shelf_life=_shelf_life(limits, age_days, age_when_made(seen), overdue),
        checks=(*CHECKS, *SERVED_CHECKS) if seen.served else CHECKS,
        cold=seen.days[-1].cold if seen.days else "",
        findings=tuple(finding(f) for f in seen.findings),
        days=tuple(day(j, o) for j, o in zip(seen.days, seen.outcomes, strict=True)),
        period_days=max(1, seen.binning.period_days),
        columns=distributions.columns(seen),
        distributions=distributions.worst(seen),
        segments=distributions.segments(seen),
        prediction=distributions.prediction(seen),
        classes=class_reports.of(seen, limits),
        quality=_quality(seen.quality),
        estimate=estimate.estimate(seen),
        prevalence=estimate.prevalence_of(seen, limits),
        blind=blind(seen),
        windows=ComparedWindows(reference=_window(seen.past), current=_window(seen.now)),
        weeks=tuple(map(_week, seen.weeks)),
        **({"served": seen.served.report} if seen.served else {}),
    )


def summary(seen: Observation) -> str:
    """The verdict in a line or two, for a log, a mail's subject or a comment."""
    grave = [f for f in seen.findings if f.level == seen.level]
    names = [f"{f.column} ({f.check})" if f.column else f.check for f in grave[:3]]
    more = f" and {len(grave) - 3} more" if len(grave) > 3 else ""
    listed = ", ".join(names) + more or "no findings"
    text = f"{seen.level}: {listed}; {quality.text(seen.quality)}"
    unseen = blind(seen)
    return text + (f"; labels pending until {unseen.until}" if unseen else "")


def figures(seen: Observation, limits: Monitor) -> dict[str, float]:
    """The few numbers that a tracking server plots over time."""
    out = {
        "level": float(verdict.LEVELS.index(seen.level)),
        "retrain": float(verdict.retrain(seen.findings, seen.quality.judged)[0]),
        "rows": float(seen.now.rows),
        "findings_alert": float(sum(f.level == "alert" for f in seen.findings)),
        "findings_warning": float(sum(f.level == "warning" for f in seen.findings)),
        "outlier_predictions": float(sum(j.outliers.predictions for j in seen.days)),
        "extreme_inputs": float(sum(j.outliers.rows for j in seen.days)),
        "days_with_alert": float(sum(j.level == "alert" for j in seen.days)),
        "false_alert_days": limits.false_alert_days,
    }
    if seen.quality.values and seen.quality.loss:
        out[f"{seen.quality.metric}_reference"] = seen.quality.values[0].value
        out[f"{seen.quality.metric}_current"] = seen.quality.values[1].value
        out["loss"] = seen.quality.loss.value
    return out | (_of_served(seen.served.report) if seen.served else {})


def _of_served(report: ServedReport) -> dict[str, float]:
    """Figures of what was served: events, features that differ, shares, times, feedback, quality."""
    skewed = {s.name for one in report.parity for s in one.skewed}
    out = {"served_events": float(report.events), "served_skewed_features": float(len(skewed))}
    out |= {f"served_{s.name}": s.share for s in report.shares if s.share is not None}
    out |= {f"served_{t.name}_p99": t.p99 for t in report.times if t.p99 is not None}
    newest = report.quality[0].value if report.quality else None
    if newest and newest.value is not None:
        out[f"served_{report.quality[0].metric}"] = newest.value
    if report.feedback.due:
        out["served_feedback"] = report.feedback.known / report.feedback.due
    return out


def finding(one: Finding) -> ReportedFinding:
    """One finding with its next step."""
    return ReportedFinding(
        check=one.check,
        column=one.column,
        level=one.level,
        size=one.size,
        unit=one.unit,
        importance=one.importance,
        evidence=one.evidence,
        cause=one.cause,
        since=one.since,
        next=one.next,
        **({"until": one.until} if one.until else {}),
    )


def day(judged: Judgement, outcome: LabelOutcome) -> DayVerdict:
    """One period's verdict, score and known quality."""
    return DayVerdict(
        day=None if judged.day is None else str(judged.day),
        level=judged.level,
        rows=judged.rows,
        findings=tuple(finding(f) for f in judged.findings),
        score=ScoreOfDay(mean=finite(judged.mean), shift=finite(judged.shift)),
        outliers=_outliers(judged),
        quality=estimate.known(outcome),
    )


def _outliers(judged: Judgement) -> OutliersOfDay:
    predictions, rows = (share * judged.rows for share in judged.usual)
    return OutliersOfDay(
        predictions=judged.outliers.predictions,
        predictions_expected=predictions,
        rows=judged.outliers.rows,
        rows_expected=rows,
        disallowed=judged.outliers.disallowed,
    )


def blind(seen: Observation) -> BlindDays | None:
    """The days of the current window whose labels are not known yet, and when the last of them are."""
    delay, now = seen.usecase.delay_days, seen.now
    if now.day is None or now.last is None or delay == 0:
        return None
    first = now.last - (delay - 1) * calendar.DAY
    until = calendar.known_on(now.last, delay)
    rows = int((now.day >= first).sum())
    return BlindDays(first=str(first), last=str(now.last), until=str(until), rows=rows)


def age(seen: Observation) -> int | None:
    """Days since the last that the model was fitted on, None without time.

    The reference is the window after it, a label delay later.
    """
    past, now = seen.past, seen.now
    if past.day is None or now.last is None or not past.rows:
        return None
    return int((now.last - past.day.min()).astype(np.int64)) + seen.usecase.delay_days + 1


def age_when_made(seen: Observation) -> int | None:
    """The age that a model has once its own graph has run: test, current and the label delay come after it.

    None without time. A retraining makes no younger one on the same data.
    """
    age_days, past, now = age(seen), seen.past, seen.now
    if age_days is None or past.last is None or now.last is None:
        return None
    since = int((now.last - past.last).astype(np.int64)) - now.days
    gap = max(7, seen.binning.period_days)  # days without a row between two windows
    return age_days - (since if since > gap else 0)


def past_shelf_life(limits: Monitor, age_days: int | None, made: int | None) -> str:
    """Why the model is due, "" where it is not: older than its shelf life, and than a new one would be."""
    life = limits.shelf_life_days
    if life is None or age_days is None or age_days <= max(life, made or 0):
        return ""
    return f"the model is {age_days} days old, its measured shelf life is {life} days"


def _shelf_life(limits: Monitor, age_days: int | None, made: int | None, overdue: str) -> ShelfLife:
    return ShelfLife(
        days=limits.shelf_life_days,
        age_days=age_days,
        text=overdue or _use(limits.shelf_life_days, age_days, made),
    )


def _use(life: int | None, age_days: int | None, made: int | None) -> str:
    """How much of its shelf life a model that is not due has used; what to do where that says nothing."""
    if age_days is None or made is None:
        return "no age: the table has no time"
    if life is None:
        return (
            f"{age_days} days; no shelf life is measured, so no age is too old: `plumbline backtest --keep` "
            "measures one and sets monitor.shelf_life_days"
        )
    if life < made:
        return (
            f"{age_days} days, and a new model would be {made} days old, beyond the shelf life of {life}: "
            "lower features.test_days or features.current_days"
        )
    return f"{age_days} of {life} days used"


def _periods(seen: Observation) -> str:
    length = seen.binning.period_days
    return sentences.periods(length) if length else "windows"


def _quality(known: QualityChange) -> QualityReport:
    pairs: Mapping[str, tuple[Estimate, Estimate] | None] = {
        "value": known.values,
        "mean_label": known.labels,
        "mean_score": known.scores,
    }
    measured = {
        name: FigurePair(reference=_interval(pair[0]), current=_interval(pair[1]))
        for name, pair in pairs.items()
        if pair
    }
    loss = {"loss": _interval(known.loss)} if known.loss else {}
    return QualityReport.model_validate(
        {
            "metric": known.metric,
            "rows": LabelledRows(reference=known.rows[0], current=known.rows[1]),
            "why_not": known.why,
            **measured,
            **loss,
        }
    )


def _interval(of: Estimate) -> Interval:
    return Interval(value=finite(of.value), low=finite(of.low), high=finite(of.high))


def _window(window: ScoredWindow) -> WindowFacts:
    labelled = int(np.sum(window.labelled))
    if window.day is None or not window.rows:
        return WindowFacts(rows=window.rows, labelled=labelled)
    return WindowFacts(
        rows=window.rows,
        labelled=labelled,
        first=str(window.day.min()),
        last=str(window.last),
        days=window.days,
    )


def _week(week: WeekQuality) -> WeekReport:
    return WeekReport(
        window=week.window,
        first=str(week.first),
        rows=week.rows,
        labelled=week.labelled,
        quality=finite(week.quality),
    )
