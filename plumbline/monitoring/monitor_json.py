"""What the monitor saw as the JSON that git keeps: leaves for `dvc metrics`, details in lists."""

from __future__ import annotations

from typing import Any

import numpy as np

from plumbline.evaluation.bootstrap import Estimate
from plumbline.monitoring import verdict
from plumbline.monitoring.drift import Effect
from plumbline.monitoring.matured import Blind, Quality
from plumbline.monitoring.verdict import Finding, Input
from plumbline.monitoring.watch import Observation
from plumbline.monitoring.window import Window

CHECKS = tuple(verdict.NEXT)
"""Every check that runs, found or not."""


def result(seen: Observation) -> dict[str, Any]:
    """The verdict with its evidence, as plain values."""
    now, why = verdict.retrain(seen.findings, seen.quality.judged)
    return {
        "level": seen.level,
        "summary": summary(seen),
        "retrain": {"now": now, "why": why},
        "checks": list(CHECKS),
        "findings": [_finding(f) for f in seen.findings],
        "columns": [_input(i) for i in seen.inputs],
        "drift_felt": sum(i.importance * i.effect.psi.excess for i in seen.inputs if i.effect),
        "prediction": _effect(seen.prediction) if seen.prediction else None,
        "quality": _quality(seen.quality),
        "blind": _blind(seen.blind),
        "windows": {"reference": _window(seen.past), "current": _window(seen.now)},
        "weeks": [
            {
                "window": w.window,
                "first": str(w.first),
                "rows": w.rows,
                "labelled": w.labelled,
                "quality": w.quality,
            }
            for w in seen.weeks
        ],
    }


def summary(seen: Observation) -> str:
    """The verdict in a line or two, for a log, a mail's subject or a comment."""
    grave = [f for f in seen.findings if f.level == seen.level]
    names = [f"{f.column or f.check} ({f.check})" if f.column else f.check for f in grave[:3]]
    more = f" and {len(grave) - 3} more" if len(grave) > 3 else ""
    found = ", ".join(names) + more or "nothing beyond noise"
    text = f"{seen.level}: {found}; {verdict.quality_text(seen.quality)}"
    return text + (f"; blind until {seen.blind.until}" if seen.blind else "")


def figures(seen: Observation) -> dict[str, float]:
    """The few numbers that a tracking server plots over time."""
    found = {
        "level": float(verdict.LEVELS.index(seen.level)),
        "retrain": float(verdict.retrain(seen.findings, seen.quality.judged)[0]),
        "rows": float(seen.now.rows),
        "findings_page": float(sum(f.level == "page" for f in seen.findings)),
        "findings_watch": float(sum(f.level == "watch" for f in seen.findings)),
    }
    if seen.prediction:
        found["prediction_psi"] = seen.prediction.psi.value
    if seen.quality.values and seen.quality.loss:
        found[f"{seen.quality.metric}_reference"] = seen.quality.values[0].value
        found[f"{seen.quality.metric}_current"] = seen.quality.values[1].value
        found["loss"] = seen.quality.loss.value
    return found


def _finding(found: Finding) -> dict[str, Any]:
    return {
        "check": found.check,
        "column": found.column,
        "level": found.level,
        "size": found.size,
        "unit": found.unit,
        "importance": found.importance,
        "evidence": found.evidence,
        "next": found.next,
    }


def _input(one: Input) -> dict[str, Any]:
    head = {"name": one.name, "importance": one.importance}
    return head | (_effect(one.effect) if one.effect else {"problem": one.detail})


def _effect(effect: Effect) -> dict[str, Any]:
    return {
        "psi": effect.psi.value,
        "psi_noise": effect.psi.noise,
        "js": effect.js,
        "ks": effect.ks,
        "null_reference": effect.null_shares[0],
        "null_current": effect.null_shares[1],
        "unseen": effect.unseen.value,
        "outside": effect.outside.value,
        "constant": effect.constant,
    }


def _quality(found: Quality) -> dict[str, Any]:
    out: dict[str, Any] = {
        "metric": found.metric,
        "rows": {"reference": found.rows[0], "current": found.rows[1]},
        "why_not": found.why,
    }
    pairs = {"value": found.values, "mean_label": found.labels, "mean_score": found.scores}
    for name, pair in pairs.items():
        if pair:
            out[name] = {"reference": _estimate(pair[0]), "current": _estimate(pair[1])}
    if found.loss and found.label_shift:
        out["loss"] = _estimate(found.loss) | {"noise": found.noise}
        out["label_shift"] = _estimate(found.label_shift)
    return out


def _estimate(found: Estimate) -> dict[str, float]:
    return {"value": found.value, "low": found.low, "high": found.high}


def _blind(blind: Blind | None) -> dict[str, Any] | None:
    if blind is None:
        return None
    days = {"first": str(blind.first), "last": str(blind.last), "until": str(blind.until)}
    return days | {"rows": blind.rows}


def _window(whole: Window) -> dict[str, Any]:
    out: dict[str, Any] = {"rows": whole.rows, "labelled": int(np.sum(whole.matured))}
    if whole.day is not None and whole.rows:
        out |= {"first": str(whole.day.min()), "last": str(whole.last), "days": whole.days}
        out["whole_weeks"] = whole.days % 7 == 0
    return out
