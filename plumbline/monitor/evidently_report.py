"""Evidently's report as one self-contained HTML page: inputs, label, prediction, quality by week.

Evidently raises on an all-null column and drops a missing one silently: both are left out here and
named on the page. It draws for people; the verdict is the project's own.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.monitor import (
    build_result,
    evidently_frames,
    evidently_widgets,
    page_policy,
    quality,
    stable_html,
    verdict,
)
from plumbline.monitor.evidently_widgets import LABEL, SCORE, Pair, drift_table, widgets
from plumbline.monitor.observe import Observation
from plumbline.monitor.page_policy import inert
from plumbline.monitor.params import Monitor
from plumbline.monitor.window import ScoredWindow

MIN_ROWS = 10
"""Rows of a window below which Evidently's drift and quality metrics have nothing to draw."""
FINDING = 2000
"""Characters of a finding's text."""

NOTE = (
    "Evidently compares a sample of each window, with PSI and one threshold for all columns. It knows "
    "neither the noise of each column nor the model's use of it: the verdict is on the first tab."
)


def write(
    path: Path, seen: Observation, limits: Monitor, problem: str, threshold: float | None, seed: int
) -> None:
    """Write the page for at most `limits.rows` rows of each window, drawn with `seed`."""
    with warnings.catch_warnings():
        # Evidently 0.7 touches numpy.core and litestar's old names when imported.
        warnings.simplefilter("ignore")
        evidently_widgets.load()
        page = evidently_widgets.page(_tabs(seen, limits, problem, threshold, seed))
    path.write_text(page_policy.closed(stable_html.stable(page)), encoding="utf-8")


def _tabs(
    seen: Observation, limits: Monitor, problem: str, threshold: float | None, seed: int
) -> dict[str, list[Any]]:
    past, now = (
        evidently_frames.sample(seen.past, limits.rows, seed),
        evidently_frames.sample(seen.now, limits.rows, seed + 1),
    )
    known = (
        evidently_frames.labelled_sample(seen.past, limits.rows, seed),
        evidently_frames.labelled_sample(seen.now, limits.rows, seed + 1),
    )
    tabs = {"Verdict": _verdict(seen)}
    if min(past.rows, now.rows) >= MIN_ROWS:
        tabs["Inputs"] = _inputs(seen, past, now, limits)
        tabs["Prediction"] = _drift(
            (evidently_frames.scores(past), evidently_frames.scores(now)), SCORE, "numeric", limits
        )
    if min(w.rows for w in known) >= MIN_ROWS:
        kind = "numeric" if problem == "regression" else "category"
        tabs["Label"] = _drift(
            (
                evidently_frames.labels(known[0], problem, seen.binning.classes),
                evidently_frames.labels(known[1], problem, seen.binning.classes),
            ),
            LABEL,
            kind,
            limits,
        )
    tabs["Quality"] = _quality(seen, known, problem, threshold)
    return tabs


def _verdict(seen: Observation) -> list[Any]:
    from evidently.legacy.renderers import html_widgets as html

    windows = [("reference", seen.past), ("current", seen.now)]
    counts = [html.CounterData(f"rows, {name}{_until(w)}", f"{w.rows:,}") for name, w in windows]
    again, why = verdict.retrain(seen.findings, seen.quality.judged)
    rows = [
        [
            f.level,
            f.check,
            inert(f.column or ""),
            f"{f.size:.3g} {f.unit}",
            f.since or "",
            inert(f.cause, FINDING),
            inert(f.evidence, FINDING),
            inert(f.next, FINDING),
        ]
        for f in seen.findings
    ]
    head = ["level", "check", "column", "size", "since", "likely cause", "evidence", "next"]
    return [
        html.counter(counters=[html.CounterData("level", seen.level), *counts]),
        html.counter(
            counters=[
                html.CounterData(inert(why, FINDING), "retrain" if again else "do not retrain")
            ]
        ),
        html.table_data(column_names=head, data=rows, title="Findings"),
    ]


def _inputs(seen: Observation, past: ScoredWindow, now: ScoredWindow, limits: Monitor) -> list[Any]:
    from evidently.legacy.renderers import html_widgets as html

    columns, left_out = evidently_frames.drawable(seen, past, now)
    out: list[Any] = [html.text_widget(text=NOTE)]
    if columns:
        preset = drift_table([inert(name) for name in columns], limits.psi.warning)
        categories = [
            inert(p.name) for p in seen.binning.specs if p.kind == "category" and p.name in columns
        ]
        frames = (
            evidently_frames.frame(seen, past, columns),
            evidently_frames.frame(seen, now, columns),
        )
        out += widgets(preset, frames, categories)
    if left_out:
        rows = [(inert(name), inert(why)) for name, why in left_out.items()]
        out.append(html.table_data(column_names=["column", "why"], data=rows, title="Left out"))
    return out


def _drift(pair: Pair, name: str, kind: str, limits: Monitor) -> list[Any]:
    from evidently.metrics import ValueDrift

    metric = ValueDrift(column=name, method="psi", threshold=limits.psi.warning)
    return widgets(metric, pair, [name] if kind == "category" else [])


def _quality(
    seen: Observation,
    known: tuple[ScoredWindow, ScoredWindow],
    problem: str,
    threshold: float | None,
) -> list[Any]:
    from evidently.legacy.renderers import html_widgets as html

    text = inert(quality.text(seen.quality), FINDING)
    until = build_result.blind(seen)
    blind = f"labels pending until {until.until}" if until else "no label is awaited"
    head = ["week from", "window", "rows", "labelled", seen.quality.metric]
    rows = [
        [
            str(w.first),
            w.window,
            w.rows,
            w.labelled,
            "" if np.isnan(w.quality) else f"{w.quality:.4g}",
        ]
        for w in seen.weeks
    ]
    out = [html.counter(counters=[html.CounterData(text, blind)])]
    if rows:
        out += [_by_week(seen), html.table_data(column_names=head, data=rows, title="By week")]
    if problem == "multiclass":
        return out  # the classes one by one are on the monitor's own page
    both = all(w.rows >= MIN_ROWS and evidently_frames.two_values(w, problem) for w in known)
    return out + (_performance(known, problem, threshold) if both else [])


def _by_week(seen: Observation) -> Any:
    from evidently.legacy.renderers import html_widgets as html

    points = [w for w in seen.weeks if np.isfinite(w.quality)]
    lines = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": name,
            "x": [str(w.first) for w in points if w.window == name],
            "y": [round(w.quality, 6) for w in points if w.window == name],
        }
        for name in ("reference", "current")
    ]
    layout = {
        "yaxis": {"title": {"text": seen.quality.metric}},
        "xaxis": {"title": {"text": "week from"}},
    }
    return html.plotly_data(title="Quality by week", data=lines, layout=layout)


def _performance(
    known: tuple[ScoredWindow, ScoredWindow], problem: str, threshold: float | None
) -> list[Any]:
    from evidently.presets.classification import ClassificationQuality
    from evidently.presets.regression import RegressionQuality

    past, now = (evidently_frames.labels(w, problem).assign(**{SCORE: w.score}) for w in known)
    if problem == "classification":
        preset: Any = ClassificationQuality(pr_curve=True, probas_threshold=threshold)
    else:
        preset = RegressionQuality(pred_actual_plot=True, error_plot=True, error_distr=True)
    return widgets(preset, (past, now), [], problem)


def _until(window: ScoredWindow) -> str:
    return "" if window.last is None else f", until {window.last}"
