"""Evidently's metrics as widgets, and widgets as one self-contained HTML page with tabs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from plumbline.core.imports import without

LANGUAGE = ("nltk.corpus", "nltk.sentiment.vader", "nltk.stem.wordnet")
"""Of NLTK, what Evidently's checks of texts use: a third of a second for tables, which have none."""
LABEL, SCORE = "label", "prediction"
Pair = tuple[pd.DataFrame, pd.DataFrame]
"""Reference and current: the same columns."""


def load() -> None:
    """Import Evidently; NLTK only where a text is looked at."""
    with without(deferred=LANGUAGE):
        import evidently  # noqa: F401


def widgets(metric: Any, pair: Pair, categories: Sequence[str], problem: str = "") -> list[Any]:
    """What Evidently draws for one metric or preset. With `problem`, LABEL and SCORE are its columns."""
    from evidently import BinaryClassification, DataDefinition, Dataset, Regression, Report

    past, now = pair
    names: dict[str, Any] = {"categorical_columns": list(categories)}
    names["numerical_columns"] = [c for c in past.columns if c not in categories]
    if problem == "classification":
        names["classification"] = [
            BinaryClassification(target=LABEL, prediction_probas=SCORE, pos_label=1)
        ]
    elif problem == "regression":
        names["regression"] = [Regression(target=LABEL, prediction=SCORE)]
    definition = DataDefinition(**names)
    data = [Dataset.from_pandas(f, data_definition=definition) for f in (now, past)]
    run = Report([metric], include_tests=False).run(*data)
    return list(run.to_snapshot_model().widgets)


def drift_table(columns: Sequence[str], threshold: float) -> Any:
    """Evidently's preset for drift without the metrics per column, which its table draws again."""
    from evidently.presets import DataDriftPreset

    class DriftTable(DataDriftPreset):
        def generate_metrics(self, context: Any) -> Sequence[Any]:  # noqa: ARG002 - Evidently's signature
            return []

    return DriftTable(columns=list(columns), method="psi", threshold=threshold)


def page(tabs: Mapping[str, list[Any]]) -> str:
    """The HTML with one tab per title. Its ids are random: see `plumbline.monitor.stable_html`."""
    from evidently.core.metric_types import render_widgets
    from evidently.legacy.renderers import html_widgets as html

    groups = {title: html.group_widget(title="", widgets=inner) for title, inner in tabs.items()}
    top = html.widget_tabs(tabs=[html.TabData(title, group) for title, group in groups.items()])
    # Evidently looks for details in groups, not behind tabs: so they are attached at the top.
    top.additionalGraphs = [g for group in groups.values() for g in group.get_additional_graphs()]
    for group in groups.values():
        _strip(group)
    return str(render_widgets([top]))


def _strip(widget: Any) -> None:
    """Drop the copies of the details: the page keeps them once, at the top."""
    widget.additionalGraphs = []
    for inner in widget.widgets:
        _strip(inner)
