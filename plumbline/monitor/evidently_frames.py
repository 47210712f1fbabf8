"""The windows as frames that Evidently can draw: a sample of the rows, the columns that hold something."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from plumbline.core import arrays
from plumbline.core.declarations import Array
from plumbline.monitor.binning import ColumnSpec
from plumbline.monitor.evidently_widgets import LABEL, SCORE
from plumbline.monitor.observe import Observation
from plumbline.monitor.page_policy import inert
from plumbline.monitor.window import ScoredWindow


def sample(window: ScoredWindow, rows: int, seed: int) -> ScoredWindow:
    """At most `rows` rows, drawn without replacement, in their order."""
    if window.rows <= rows:
        return window.loaded()
    drawn = np.random.default_rng(seed).choice(window.rows, rows, replace=False)
    return window.take(np.sort(drawn)).loaded()


def drawable(
    seen: Observation, past: ScoredWindow, now: ScoredWindow
) -> tuple[list[str], dict[str, str]]:
    """The columns that Evidently can draw, most important first, and those left out, with why."""
    left_out, good = {}, []
    for spec in sorted(seen.binning.specs, key=lambda p: (-p.reach, p.name)):
        problem = _problem(spec, past, now)
        if problem:
            left_out[spec.name] = problem
        elif spec.kind == "identifier":
            left_out[spec.name] = "an id: its values are expected to be new"
        elif spec.kind == "time":
            left_out[spec.name] = "the event time: see its hours on the monitor's page"
        elif any(_empty(w.columns[spec.name]) for w in (past, now)):
            left_out[spec.name] = "no value in one of the windows"
        else:
            good.append(spec.name)
    return good, left_out


def frame(seen: Observation, window: ScoredWindow, columns: list[str]) -> pd.DataFrame:
    """The columns as Evidently wants them: float64 without infinities, or text without markup."""
    kinds = {p.name: p.kind for p in seen.binning.specs}
    values = {inert(n): _plain(window.columns[n], kinds[n] == "category") for n in columns}
    return pd.DataFrame(values)


def _problem(spec: ColumnSpec, past: ScoredWindow, now: ScoredWindow) -> str:
    """Why there is nothing to compare, "" where there is."""
    for one, where in ((now, "current"), (past, "reference")):
        if spec.name not in one.columns:
            return f"not in the {where} table"
        if spec.kind == "numeric" and not arrays.is_number(one.columns[spec.name]):
            return f"text in the {where} table, expected numbers"
    return ""


def _empty(values: Array) -> bool:
    """Nothing to draw: null or infinite throughout."""
    if values.dtype.kind == "f":
        return not np.isfinite(values).any()
    return bool(pd.isna(values).all())


def _plain(values: Array, category: bool) -> Array:
    if category or not arrays.is_number(values):
        codes, names = pd.factorize(np.where(pd.isna(values), "(null)", values.astype(str)))
        return np.array([inert(name) for name in names], dtype=object)[codes]
    numbers = values.astype(np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def labelled_sample(window: ScoredWindow, rows: int, seed: int) -> ScoredWindow:
    return sample(window.take(window.labelled), rows, seed)


def scores(window: ScoredWindow) -> pd.DataFrame:
    return pd.DataFrame({SCORE: window.score})


def labels(known: ScoredWindow, problem: str, classes: Sequence[str] = ()) -> pd.DataFrame:
    if classes:
        return pd.DataFrame({LABEL: np.array([*map(inert, classes)])[known.label.astype(np.int64)]})
    values = known.label.astype(np.int64) if problem == "classification" else known.label
    return pd.DataFrame({LABEL: values})


def two_values(known: ScoredWindow, problem: str) -> bool:
    return problem == "regression" or len(np.unique(known.label)) > 1
