"""What the monitor saw as the JSON that git keeps: leaves for `dvc metrics`, details in lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from plumbline.metrics.bootstrap import Estimate
from plumbline.monitor import calendar, distributions, estimate, quality, verdict
from plumbline.monitor.judge import Judgement
from plumbline.monitor.label_outcomes import Outcome
from plumbline.monitor.observe import Observation
from plumbline.monitor.params import Monitor
from plumbline.monitor.quality import Quality
from plumbline.monitor.verdict import Finding
from plumbline.monitor.window import Window

CHECKS = tuple(verdict.NEXT)
"""Every check that runs, found or not."""


def result(seen: Observation, limits: Monitor) -> dict[str, Any]:
    """The verdict with its evidence, as plain values."""
    age_days = age(seen)
    stale = staleness(limits, age_days)
    now, why = verdict.retrain(seen.findings, seen.quality.judged, stale)
    return {
        "level": seen.level,
        "summary": summary(seen),
        "promise": f"one false alert in {limits.false_alert_days:g} {_periods(seen)}",
        "retrain": {"now": now, "why": why},
        "shelf_life": _shelf_life(limits, age_days, stale),
        "checks": list(CHECKS),
        "cold": seen.days[-1].cold if seen.days else "",
        "findings": [finding(f) for f in seen.findings],
        "days": [day(j, o) for j, o in zip(seen.days, seen.outcomes, strict=True)],
        "columns": distributions.columns(seen),
        "distributions": distributions.worst(seen),
        "segments": distributions.segments(seen),
        "prediction": distributions.prediction(seen),
        "quality": _quality(seen.quality),
        "estimate": estimate.estimate(seen),
        "blind": blind(seen),
        "windows": {"reference": _window(seen.past), "current": _window(seen.now)},
        "weeks": [
            {
                "window": w.window,
                "first": str(w.first),
                "rows": w.rows,
                "labelled": w.labelled,
                "quality": _number(w.quality),
            }
            for w in seen.weeks
        ],
    }


def summary(seen: Observation) -> str:
    """The verdict in a line or two, for a log, a mail's subject or a comment."""
    grave = [f for f in seen.findings if f.level == seen.level]
    names = [f"{f.column} ({f.check})" if f.column else f.check for f in grave[:3]]
    more = f" and {len(grave) - 3} more" if len(grave) > 3 else ""
    found = ", ".join(names) + more or "nothing beyond noise"
    text = f"{seen.level}: {found}; {quality.text(seen.quality)}"
    unseen = blind(seen)
    return text + (f"; blind until {unseen['until']}" if unseen else "")


def figures(seen: Observation, limits: Monitor) -> dict[str, float]:
    """The few numbers that a tracking server plots over time."""
    found = {
        "level": float(verdict.LEVELS.index(seen.level)),
        "retrain": float(verdict.retrain(seen.findings, seen.quality.judged)[0]),
        "rows": float(seen.now.rows),
        "findings_alert": float(sum(f.level == "alert" for f in seen.findings)),
        "findings_warning": float(sum(f.level == "warning" for f in seen.findings)),
        "days_with_alert": float(sum(j.level == "alert" for j in seen.days)),
        "false_alert_days": limits.false_alert_days,
    }
    if seen.quality.values and seen.quality.loss:
        found[f"{seen.quality.metric}_reference"] = seen.quality.values[0].value
        found[f"{seen.quality.metric}_current"] = seen.quality.values[1].value
        found["loss"] = seen.quality.loss.value
    return found


def finding(found: Finding) -> dict[str, Any]:
    """One finding: what, where, how large, since when, why, and what to do."""
    return {
        "check": found.check,
        "column": found.column,
        "level": found.level,
        "size": found.size,
        "unit": found.unit,
        "importance": found.importance,
        "evidence": found.evidence,
        "cause": found.cause,
        "since": found.since,
        "next": found.next,
    }


def day(judged: Judgement, outcome: Outcome) -> dict[str, Any]:
    """One period's verdict, score and known quality."""
    return {
        "day": None if judged.day is None else str(judged.day),
        "level": judged.level,
        "rows": judged.rows,
        "findings": [finding(f) for f in judged.findings],
        "score": {"mean": _number(judged.mean), "shift": _number(judged.shift)},
        "quality": estimate.known(outcome),
    }


def blind(seen: Observation) -> dict[str, Any] | None:
    """The days of the current window whose labels are not known yet, and when the last of them are."""
    delay, now = seen.usecase.label_delay, seen.now
    if now.day is None or now.last is None or delay == 0:
        return None
    first = now.last - (delay - 1) * calendar.DAY
    until = calendar.known_on(now.last, delay)
    rows = int((now.day >= first).sum())
    return {"first": str(first), "last": str(now.last), "until": str(until), "rows": rows}


def age(seen: Observation) -> int | None:
    """Days since the last that the model was fitted on, None without time.

    The reference is the window after it, a label delay later.
    """
    past, now = seen.past, seen.now
    if past.day is None or now.last is None or not past.rows:
        return None
    return int((now.last - past.day.min()).astype(np.int64)) + seen.usecase.label_delay + 1


def staleness(limits: Monitor, age_days: int | None) -> str:
    """Why the model is older than its shelf life, "" where it is not or neither is known."""
    life = limits.shelf_life_days
    if life is None or age_days is None or age_days <= life:
        return ""
    return f"the model is {age_days} days old, its measured shelf life is {life} days"


def _shelf_life(limits: Monitor, age_days: int | None, stale: str) -> dict[str, Any]:
    life = limits.shelf_life_days
    text = stale or (
        "no shelf life is set (monitor.shelf_life_days)"
        if life is None
        else f"{age_days} of {life} days used"
    )
    return {"days": life, "age_days": age_days, "text": text}


def _periods(seen: Observation) -> str:
    length = seen.layout.period_days
    return {0: "windows", 1: "days", 7: "weeks"}.get(length, f"periods of {length} days")


def _quality(found: Quality) -> dict[str, Any]:
    out: dict[str, Any] = {
        "metric": found.metric,
        "rows": {"reference": found.rows[0], "current": found.rows[1]},
        "why_not": found.why,
    }
    pairs: Mapping[str, tuple[Estimate, Estimate] | None] = {
        "value": found.values,
        "mean_label": found.labels,
        "mean_score": found.scores,
    }
    for name, pair in pairs.items():
        if pair:
            out[name] = {"reference": _estimate(pair[0]), "current": _estimate(pair[1])}
    if found.loss:
        out["loss"] = _estimate(found.loss)
    return out


def _estimate(found: Estimate) -> dict[str, float]:
    return {"value": found.value, "low": found.low, "high": found.high}


def _window(whole: Window) -> dict[str, Any]:
    out: dict[str, Any] = {"rows": whole.rows, "labelled": int(np.sum(whole.matured))}
    if whole.day is not None and whole.rows:
        out |= {"first": str(whole.day.min()), "last": str(whole.last), "days": whole.days}
    return out


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
