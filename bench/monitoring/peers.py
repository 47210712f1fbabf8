"""Evidently and Kolmogorov-Smirnov as detectors, with the settings that their users meet first."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from bench.monitoring.frames import CATEGORIES, frame, reference
from bench.monitoring.protocol import Matured, Page
from bench.monitoring.streams import Past
from plumbline.monitoring.window import Window

LEVEL = 0.05


class Evidently:
    """DataDriftPreset against the last 28 days. Pages where Evidently says that the data set drifts;
    a single drifted column is `watch`."""

    def __init__(self, method: str | None = None) -> None:
        self.name = f"evidently-{method or 'default'}"
        self.method = method
        self.past = pd.DataFrame()

    def fit(self, past: Past) -> None:
        self.past = reference(past.days)

    def begin(self) -> None:
        """Nothing: each window is compared with the same reference."""

    def judge(self, now: Window, matured: Matured) -> Page:  # noqa: ARG002 - labels are not asked for
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset

        current = frame(now)
        definition = DataDefinition(
            numerical_columns=[c for c in self.past if c not in CATEGORIES],
            categorical_columns=list(CATEGORIES),
        )
        pair = [Dataset.from_pandas(f, definition) for f in (current, self.past)]
        preset = DataDriftPreset(**({"method": self.method} if self.method else {}))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its own divisions by zero
            found = Report([preset]).run(*pair).dict()["metrics"]
        columns = _drifted(found)
        share = next(m for m in found if m["config"]["type"].endswith("DriftedColumnsCount"))
        level = "page" if share["value"]["share"] >= share["config"]["drift_share"] else "watch"
        return Page(level if columns else "fine", columns, flags=len(columns))


def _drifted(found: list[dict[str, Any]]) -> tuple[str, ...]:
    """The drifted columns, the farthest beyond its threshold first. Of a p-value small is far."""
    sizes = {}
    for metric in found:
        config = metric["config"]
        if not config["type"].endswith("ValueDrift"):
            continue
        value, bound = float(metric["value"]), float(config["threshold"])
        small = "p_value" in config["method"]
        if value < bound if small else value >= bound:
            sizes[config["column"]] = bound / max(value, 1e-300) if small else value / bound
    return tuple(sorted(sizes, key=lambda c: -sizes[c]))


class KolmogorovSmirnov:
    """A two-sample test per column (chi-squared for a category) against the last 28 days, with the
    procedure of Benjamini and Hochberg (1995) at 0.05. Pages where any column is rejected."""

    name = "ks-bh"

    def __init__(self) -> None:
        self.past = pd.DataFrame()

    def fit(self, past: Past) -> None:
        self.past = reference(past.days)

    def begin(self) -> None:
        """Nothing: each window is compared with the same reference."""

    def judge(self, now: Window, matured: Matured) -> Page:  # noqa: ARG002 - labels are not asked for
        current = frame(now)
        chances = {c: _chance(self.past[c], current[c], c in CATEGORIES) for c in current}
        names = sorted(chances, key=lambda c: chances[c])
        bounds = LEVEL * np.arange(1, len(names) + 1) / len(names)
        below = np.flatnonzero(np.array([chances[c] for c in names]) <= bounds)
        flagged = tuple(names[: below[-1] + 1]) if len(below) else ()
        return Page("page" if flagged else "fine", flagged, flags=len(flagged))


def _chance(past: pd.Series, now: pd.Series, category: bool) -> float:
    from scipy.stats import chi2_contingency, ks_2samp

    if category:
        both = pd.crosstab(
            np.repeat(["past", "now"], [len(past), len(now)]), pd.concat([past, now]).to_numpy()
        )
        return float(chi2_contingency(both).pvalue) if both.shape[1] > 1 else 1.0
    return float(ks_2samp(past.dropna(), now.dropna(), method="asymp").pvalue)
