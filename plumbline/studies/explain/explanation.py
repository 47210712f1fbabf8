"""An event's explanation as a record for JSON: score, contributions, similar past events, lineage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from plumbline.core import usecase_loader
from plumbline.core.declarations import Array, Columns
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import UseCase
from plumbline.evaluate import reporting
from plumbline.features import catalog
from plumbline.model import bundle, contributions, scale
from plumbline.model.bundle import Bundle
from plumbline.model.contributions import Contributions
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.serve.online.explain import UNITS
from plumbline.studies.explain import event as events
from plumbline.studies.explain import similar
from plumbline.studies.explain.event import ExplainedEvent
from plumbline.studies.explain.explanation_document import (
    Explanation,
    FeatureShift,
    FeatureValue,
    LineageOrNote,
    OffsetShift,
    SimilarEvent,
    SimilarEvents,
)

PAST = 200_000
"""Rows of train that are searched, at most, evenly spaced."""
SHOWN, COUNTED = 5, 100
"""Similar events that are shown, and whose labels are counted."""


def explain(root: Path, name: str, key: str) -> Explanation:
    """Everything about one event's score; PlumblineError where test and current have no such event."""
    usecase = usecase_loader.load(name)
    train = artifacts.path(name, Role.TRAIN_TABLE, root)
    event = events.find(usecase, train.parent, key)
    scorer = bundle.load(artifacts.path(name, Role.BUNDLE, root), name)
    decided = _decided(scorer, event.columns)
    raw_contributions = contributions.of(
        scorer.booster, scorer.features, scorer.offset, event.columns, usecase.scale, decided
    )
    calibrated = contributions.calibrated(raw_contributions, scorer.calibration, decided)
    past = reporting.sample(train, _needed(usecase, scorer), PAST)
    answer, limit = scorer.predict(event.columns)[0], scorer.threshold
    score = float(answer if decided is None else answer[decided[0]])
    decision = None if decided is None else str(scorer.classes[decided[0]])
    offset = OffsetShift(feature=scorer.offset, value=float(calibrated.offset[0]))
    return Explanation(
        usecase=name,
        key_name=usecase.key,
        key=key,
        time=_time(usecase, event.columns),
        table=event.table.relative_to(root).as_posix(),
        row=event.row,
        score=score,
        threshold=limit,
        alarm=None if limit is None else score >= limit,
        label_name=usecase.label,
        label=_label(usecase, event),
        recorded=events.recorded(
            artifacts.path(name, Role.EVALUATE_REPORT, root), usecase, key, decision
        ),
        scale=UNITS.get(usecase.problem) or scale.unit(usecase.scale, "the label's unit"),
        of=_explained(usecase, scorer),
        base=float(calibrated.base[0]),
        offset=offset,
        total=float(calibrated.total[0]),
        contributions=_shifts(usecase, scorer, event.columns, calibrated),
        similar=_similar(usecase, scorer, past, event.columns, calibrated, decided),
        lineage=lineage(root, name, key),
        decision=decision,
        probabilities=_probabilities(scorer, answer),
    )


def _decided(scorer: Bundle, columns: Columns) -> Array | None:
    """Of several classes the code (1,) of the one decided on."""
    return scorer.decided(scorer.predict(columns)) if scorer.classes else None


def _probabilities(scorer: Bundle, answer: Array) -> dict[str, float]:
    if not scorer.classes:
        return {}
    return {str(c): float(p) for c, p in zip(scorer.classes, answer, strict=True)}


def _time(usecase: UseCase, columns: Columns) -> str | None:
    return None if usecase.time is None else str(columns[usecase.time][0])[:19]


def lineage(root: Path, name: str, key: str) -> LineageOrNote:
    """The chain behind the prediction, as `lineage USECASE:KEY` has it, or why there is none."""
    from plumbline.ops.lineage import record, target

    try:
        (prediction,) = target.find(root, f"{name}:{key}", None)
        return LineageOrNote(chain=record.lineage(root, prediction), note=None)
    except PlumblineError as error:
        return LineageOrNote(chain=None, note=str(error))


def _label(usecase: UseCase, event: ExplainedEvent) -> FeatureValue:
    label = event.columns[usecase.label][0]
    return None if label is None or label != label else _shown(usecase, label)


def _shown(usecase: UseCase, label: Any) -> FeatureValue:
    """A label, of several classes its name."""
    return str(usecase.classes[int(label)]) if usecase.classes else float(label)


def _explained(
    usecase: UseCase, scorer: Bundle
) -> Literal["the score", "the score before calibration"]:
    kind = scorer.calibration.kind
    stretched = kind != "isotonic" or usecase.problem == "regression"
    return "the score" if stretched else "the score before calibration"


def _shifts(
    usecase: UseCase, scorer: Bundle, columns: Columns, calibrated: Contributions
) -> list[FeatureShift]:
    """What each feature added, the most first: to the score's log odds, or to the score itself."""
    about = {e.name: e.description.rstrip(".") for e in catalog.entries(usecase)}
    each = [
        FeatureShift(
            feature=name,
            value=_readable(usecase, name, columns),
            contribution=float(value),
            description=about.get(name, "no longer declared"),
        )
        for name, value in zip(scorer.features, calibrated.each[0], strict=True)
    ]
    return sorted(each, key=lambda e: (-abs(e.contribution), e.feature))


def _similar(
    usecase: UseCase,
    scorer: Bundle,
    past: Columns,
    event: Columns,
    calibrated: Contributions,
    decided: Array | None,
) -> SimilarEvents:
    weight = dict(zip(scorer.features, calibrated.each[0].tolist(), strict=True))
    codes = {c.name for c in usecase.categories}
    neighbours = similar.nearest(past, event, weight, codes, COUNTED)
    label = past[usecase.label].astype(np.float64)
    if decided is not None:
        label = (label == decided[0]).astype(np.float64)
    most = sorted(weight, key=lambda name: (-abs(weight[name]), name))[:3]
    return SimilarEvents(
        searched=len(label),
        nearest=[
            _past(usecase, past, int(place), float(apart), most)
            for place, apart in zip(neighbours.place[:SHOWN], neighbours.apart, strict=False)
        ],
        counted=len(neighbours.place),
        mean_label=float(np.mean(label[neighbours.place])),
        mean_label_of_all=float(np.mean(label)),
    )


def _past(
    usecase: UseCase, past: Columns, place: int, apart: float, most: list[str]
) -> SimilarEvent:
    row = {name: values[place : place + 1] for name, values in past.items()}
    return SimilarEvent(
        key=_plain(row[usecase.key][0]),
        time=_time(usecase, row),
        apart=apart,
        label=_shown(usecase, row[usecase.label][0]),
        values={name: _readable(usecase, name, row) for name in most},
    )


def _readable(usecase: UseCase, name: str, columns: Mapping[str, Array]) -> FeatureValue:
    """A feature's value; a code as the category that it stands for."""
    value = columns[name][0]
    for category in usecase.categories:
        if category.name == name:
            known = dict(enumerate(category.values))
            return known.get(int(value), "(another)")
    return None if value != value else _plain(value)


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _needed(usecase: UseCase, scorer: Bundle) -> list[str]:
    first = [usecase.key, *([usecase.time] if usecase.time else []), usecase.label]
    return list(dict.fromkeys([*first, *scorer.features]))
