"""Past events like a served one, in what counted for its score, with what became of them. An edge: reads train."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from plumbline.core import tables
from plumbline.core.declarations import Columns
from plumbline.core.errors import PlumblineError
from plumbline.evaluate import reporting
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.runtime import dvc_yaml
from plumbline.serve.online.explain import ServedExplanation
from plumbline.serve.online.scorer import CompiledScorer
from plumbline.serve.protocols import LoggedEvent
from plumbline.studies.explain import similar
from plumbline.studies.explain.explanation_document import SimilarEvent, SimilarEvents

PAST = 200_000
"""Rows of train that are searched, at most, evenly spaced."""
SHOWN, COUNTED, NAMED = 5, 100, 3


def events(
    root: Path, scorer: CompiledScorer, row: LoggedEvent, explained: ServedExplanation
) -> SimilarEvents | str:
    """The nearest rows of the checkout's train table, or why there are none."""
    usecase, features = scorer.usecase, scorer.bundle.features
    try:
        if not (root / dvc_yaml.FILE).is_file():
            return f"no {dvc_yaml.FILE} here, which names the train table"
        path = artifacts.path(usecase.name, Role.TRAIN_TABLE, root)
        first = [usecase.key, *([usecase.time] if usecase.time else []), usecase.label]
        names = list(dict.fromkeys([*first, *features]))
        tables.check(path, names)
        past = reporting.sample(path, names, PAST)
    except PlumblineError as error:
        return str(error)
    weight = {one.feature: one.contribution for one in explained.reasons}
    event = scorer.logged(row.event, row.aggregates, row.computed)
    codes = {c.name for c in usecase.categories}
    near = similar.nearest(past, event, weight, codes, COUNTED)
    label = past[usecase.label].astype(np.float64)
    return SimilarEvents(
        searched=len(label),
        nearest=[
            _event(scorer, past, int(place), float(apart), list(weight)[:NAMED])
            for place, apart in zip(near.place[:SHOWN], near.apart, strict=False)
        ],
        counted=len(near.place),
        mean_label=float(np.nanmean(label[near.place])),
        mean_label_of_all=float(np.nanmean(label)),
    )


def _event(
    scorer: CompiledScorer, past: Columns, place: int, apart: float, names: list[str]
) -> SimilarEvent:
    usecase = scorer.usecase
    label = _plain(past[usecase.label][place])
    time = None if usecase.time is None else str(past[usecase.time][place])[:19]
    return SimilarEvent(
        key=_plain(past[usecase.key][place]),
        time=time,
        apart=apart,
        label=str(usecase.classes[int(label)]) if usecase.classes else label,
        values={name: _plain(past[name][place]) for name in names},
    )


def _plain(value: Any) -> Any:
    plain = value.item() if hasattr(value, "item") else value
    return None if plain != plain else plain
