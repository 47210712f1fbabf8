"""Evidently and Kolmogorov-Smirnov as detectors, with the settings that their users meet first."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.monitoring.frames import CATEGORIES, frame, reference
from bench.monitoring.protocol import Answer, KnownLabels, Level
from bench.monitoring.streams import Past
from plumbline.monitor.window import ScoredWindow

LEVEL = 0.05


class Evidently:
    """DataDriftPreset against the last 28 days. Alerts where Evidently says that the data set drifts;
    a single drifted column is a warning.

    Its Report draws a picture a column, which takes most of its time. So only with `drawn` is the whole
    Report run; else Evidently's own calculation alone, which finds the same.
    """

    def __init__(self, method: str | None = None, *, drawn: bool = False) -> None:
        self.name = f"evidently-{method or 'default'}{'-report' if drawn else ''}"
        self.method, self.drawn = method, drawn
        self.past = pd.DataFrame()

    def fit(self, past: Past) -> None:
        self.past = reference(past.days)

    def begin(self) -> None:
        """Nothing: each window is compared with the same reference."""

    def judge(self, now: ScoredWindow, known_labels: KnownLabels) -> Answer:  # noqa: ARG002 - a peer sees no labels
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its own divisions by zero
            drift = self._report(frame(now)) if self.drawn else self._calculated(frame(now))
        columns = tuple(sorted(drift.beyond, key=lambda c: -drift.beyond[c]))
        level: Level = "alert" if drift.data_set else "warning" if columns else "ok"
        return Answer(level, columns, flags=len(columns))

    def _report(self, current: pd.DataFrame) -> Drift:
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset

        definition = DataDefinition(
            numerical_columns=[c for c in self.past if c not in CATEGORIES],
            categorical_columns=list(CATEGORIES),
        )
        pair = [Dataset.from_pandas(f, definition) for f in (current, self.past)]
        run = Report([DataDriftPreset(**({"method": self.method} if self.method else {}))]).run(
            *pair
        )
        beyond, data_set = {}, False
        for metric in run.dict()["metrics"]:
            config, value = metric["config"], metric["value"]
            if config["type"].endswith("DriftedColumnsCount"):
                data_set = value["share"] >= config["drift_share"]
            elif config["type"].endswith("ValueDrift"):
                far = _beyond(config["method"], float(value), float(config["threshold"]))
                beyond |= {config["column"]: far} if far >= 1 else {}
        return Drift(beyond, data_set)

    def _calculated(self, current: pd.DataFrame) -> Drift:
        from evidently.legacy.calculations.data_drift import get_drift_for_columns
        from evidently.legacy.options.data_drift import DataDriftOptions
        from evidently.legacy.pipeline.column_mapping import ColumnMapping
        from evidently.legacy.utils.data_operations import process_columns

        shared = [c for c in self.past if c in current]
        texts = [c for c in shared if c in CATEGORIES]
        mapping = ColumnMapping(
            numerical_features=[c for c in shared if c not in texts], categorical_features=texts
        )
        drift = get_drift_for_columns(
            current_data=current[shared],
            reference_data=self.past[shared],
            dataset_columns=process_columns(self.past[shared], mapping),
            data_drift_options=DataDriftOptions(all_features_stattest=self.method),
            columns=shared,
            agg_data=True,
        )
        return Drift(
            {
                name: _beyond(one.stattest_name, one.drift_score, one.stattest_threshold)
                for name, one in drift.drift_by_columns.items()
                if one.drift_detected
            },
            drift.dataset_drift,
        )


@dataclass(frozen=True)
class Drift:
    """How many times its threshold each drifted column is, and whether the data set drifts."""

    beyond: dict[str, float]
    data_set: bool


def _beyond(method: str, value: float, bound: float) -> float:
    """How many times beyond its threshold a value is, 1 or more where it drifts. Of a p-value small
    is far."""
    if "p_value" in method:
        return bound / max(value, 1e-300) if value < bound else 0.0
    return value / bound


class KolmogorovSmirnov:
    """A two-sample test per column (chi-squared for a category) against the last 28 days, with the
    procedure of Benjamini and Hochberg (1995) at 0.05. Alerts where any column is rejected."""

    name = "ks-bh"

    def __init__(self) -> None:
        self.past = pd.DataFrame()

    def fit(self, past: Past) -> None:
        self.past = reference(past.days)

    def begin(self) -> None:
        """Nothing: each window is compared with the same reference."""

    def judge(self, now: ScoredWindow, known_labels: KnownLabels) -> Answer:  # noqa: ARG002 - a peer sees no labels
        current = frame(now)
        chances = {c: _chance(self.past[c], current[c], c in CATEGORIES) for c in current}
        names = sorted(chances, key=lambda c: chances[c])
        bounds = LEVEL * np.arange(1, len(names) + 1) / len(names)
        below = np.flatnonzero(np.array([chances[c] for c in names]) <= bounds)
        flagged = tuple(names[: below[-1] + 1]) if len(below) else ()
        return Answer("alert" if flagged else "ok", flagged, flags=len(flagged))


def _chance(past: pd.Series, now: pd.Series, category: bool) -> float:
    from scipy.stats import chi2_contingency, ks_2samp

    if category:
        both = pd.crosstab(
            np.repeat(["past", "now"], [len(past), len(now)]), pd.concat([past, now]).to_numpy()
        )
        return float(chi2_contingency(both).pvalue) if both.shape[1] > 1 else 1.0
    known = past.dropna(), now.dropna()
    return float(ks_2samp(*known, method="asymp").pvalue) if all(map(len, known)) else 1.0
