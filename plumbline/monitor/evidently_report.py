"""Evidently's report as one self-contained HTML page: inputs, label, prediction, quality by week.

Evidently raises on an all-null column and drops a missing one silently: both are left out here and
named on the page. It draws for people; the verdict is the project's own.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from plumbline.core import arrays
from plumbline.core.declarations import Array
from plumbline.monitor import build_result, evidently_widgets, quality, stable_html, verdict
from plumbline.monitor.binning import Plan
from plumbline.monitor.evidently_widgets import LABEL, SCORE, Pair, drift_table, widgets
from plumbline.monitor.observe import Observation
from plumbline.monitor.params import Monitor
from plumbline.monitor.window import Window

FEWEST = 10
"""Rows of a window below which Evidently's drift and quality metrics have nothing to draw."""

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
        page = evidently_widgets.page(_tabs(seen, limits, problem, threshold, seed))
    path.write_text(stable_html.stable(page), encoding="utf-8")


def sample(whole: Window, rows: int, seed: int) -> Window:
    """At most `rows` rows, drawn without replacement, in their order."""
    if whole.rows <= rows:
        return whole
    drawn = np.random.default_rng(seed).choice(whole.rows, rows, replace=False)
    return whole.take(np.sort(drawn))


def drawable(seen: Observation, past: Window, now: Window) -> tuple[list[str], dict[str, str]]:
    """The columns that Evidently can draw, most important first, and those left out, with why."""
    left_out, good = {}, []
    for one in sorted(seen.layout.plans, key=lambda p: (-p.reach, p.name)):
        problem = _problem(one, past, now)
        if problem:
            left_out[one.name] = problem
        elif one.kind == "identifier":
            left_out[one.name] = "an id: its values are expected to be new"
        elif one.kind == "time":
            left_out[one.name] = "the event time: see its hours on the monitor's page"
        elif any(_empty(w.columns[one.name]) for w in (past, now)):
            left_out[one.name] = "no value in one of the windows"
        else:
            good.append(one.name)
    return good, left_out


def frame(seen: Observation, whole: Window, columns: list[str]) -> pd.DataFrame:
    """The columns as Evidently wants them: float64 without infinities, or text."""
    kinds = {p.name: p.kind for p in seen.layout.plans}
    made = {n: _plain(whole.columns[n], kinds[n] == "category") for n in columns}
    return pd.DataFrame(made)


def _problem(plan: Plan, past: Window, now: Window) -> str:
    """Why there is nothing to compare, "" where there is."""
    for window, where in ((now, "current"), (past, "reference")):
        if plan.name not in window.columns:
            return f"not in the {where} table"
        if plan.kind == "numeric" and not arrays.is_number(window.columns[plan.name]):
            return f"text in the {where} table, expected numbers"
    return ""


def _empty(values: Array) -> bool:
    """Nothing to draw: null or infinite throughout."""
    if values.dtype.kind == "f":
        return not np.isfinite(values).any()
    return bool(pd.isna(values).all())


def _plain(values: Array, category: bool) -> Array:
    if category or not arrays.is_number(values):
        return np.where(pd.isna(values), "(null)", values.astype(str)).astype(object)
    numbers = values.astype(np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _tabs(
    seen: Observation, limits: Monitor, problem: str, threshold: float | None, seed: int
) -> dict[str, list[Any]]:
    past, now = sample(seen.past, limits.rows, seed), sample(seen.now, limits.rows, seed + 1)
    known = (_known(seen.past, limits.rows, seed), _known(seen.now, limits.rows, seed + 1))
    tabs = {"Verdict": _verdict(seen)}
    if min(past.rows, now.rows) >= FEWEST:
        tabs["Inputs"] = _inputs(seen, past, now, limits)
        tabs["Prediction"] = _drift((_scores(past), _scores(now)), SCORE, "numeric", limits)
    if min(w.rows for w in known) >= FEWEST:
        kind = "category" if problem == "classification" else "numeric"
        tabs["Label"] = _drift(
            (_labels(known[0], problem), _labels(known[1], problem)), LABEL, kind, limits
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
            f.column or "",
            f"{f.size:.3g} {f.unit}",
            f.since or "",
            f.cause,
            f.evidence,
            f.next,
        ]
        for f in seen.findings
    ]
    head = ["level", "check", "column", "size", "since", "likely cause", "evidence", "next"]
    return [
        html.counter(counters=[html.CounterData("level", seen.level), *counts]),
        html.counter(counters=[html.CounterData(why, "retrain" if again else "do not retrain")]),
        html.table_data(column_names=head, data=rows, title="Findings"),
    ]


def _inputs(seen: Observation, past: Window, now: Window, limits: Monitor) -> list[Any]:
    from evidently.legacy.renderers import html_widgets as html

    columns, left_out = drawable(seen, past, now)
    found: list[Any] = [html.text_widget(text=NOTE)]
    if columns:
        preset = drift_table(columns, limits.psi.warning)
        categories = [
            p.name for p in seen.layout.plans if p.kind == "category" and p.name in columns
        ]
        frames = frame(seen, past, columns), frame(seen, now, columns)
        found += widgets(preset, frames, categories)
    if left_out:
        found.append(
            html.table_data(column_names=["column", "why"], data=left_out.items(), title="Left out")
        )
    return found


def _drift(pair: Pair, name: str, kind: str, limits: Monitor) -> list[Any]:
    from evidently.metrics import ValueDrift

    metric = ValueDrift(column=name, method="psi", threshold=limits.psi.warning)
    return widgets(metric, pair, [name] if kind == "category" else [])


def _quality(
    seen: Observation, known: tuple[Window, Window], problem: str, threshold: float | None
) -> list[Any]:
    from evidently.legacy.renderers import html_widgets as html

    text = quality.text(seen.quality)
    until = build_result.blind(seen)
    blind = f"blind until {until.until}" if until else "no label is awaited"
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
    found = [html.counter(counters=[html.CounterData(text, blind)])]
    if rows:
        found += [_by_week(seen), html.table_data(column_names=head, data=rows, title="By week")]
    both = all(w.rows >= FEWEST and _two_values(w, problem) for w in known)
    return found + (_performance(known, problem, threshold) if both else [])


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


def _performance(known: tuple[Window, Window], problem: str, threshold: float | None) -> list[Any]:
    from evidently.presets.classification import ClassificationQuality
    from evidently.presets.regression import RegressionQuality

    past, now = (_labels(w, problem).assign(**{SCORE: w.score}) for w in known)
    if problem == "classification":
        preset: Any = ClassificationQuality(pr_curve=True, probas_threshold=threshold)
    else:
        preset = RegressionQuality(pred_actual_plot=True, error_plot=True, error_distr=True)
    return widgets(preset, (past, now), [], problem)


def _until(whole: Window) -> str:
    return "" if whole.last is None else f", until {whole.last}"


def _known(whole: Window, rows: int, seed: int) -> Window:
    return sample(whole.take(whole.matured), rows, seed)


def _scores(whole: Window) -> pd.DataFrame:
    return pd.DataFrame({SCORE: whole.score})


def _labels(known: Window, problem: str) -> pd.DataFrame:
    values = known.label.astype(np.int64) if problem == "classification" else known.label
    return pd.DataFrame({LABEL: values})


def _two_values(known: Window, problem: str) -> bool:
    return problem == "regression" or len(np.unique(known.label)) > 1
