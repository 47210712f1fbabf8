"""Raw events to answers, for a bundle and the use case that completes them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plumbline.core.declarations import Array, Columns
from plumbline.model import bundle
from plumbline.model.admission import Scorer
from plumbline.model.bundle import Bundle
from plumbline.model.manifest import Manifest
from plumbline.serve import event_table

SCORE, ALARM, DECISION = "score", "alarm", "decision"


def probability_names(classes: Sequence[str | int]) -> list[str]:
    """The columns of the answers of a model of several classes, in the order of the classes."""
    return [f"probability_{one}" for one in classes]


def wanted(described: Manifest) -> list[str]:
    """The features that a bundle's answers read: the model's, and what its decisions are made by."""
    policy = described.decisions
    return [*described.order, *([policy.column] if policy and policy.column else [])]


def answers(scorer: Scorer, events: Any, *, new_entities: bool = False) -> dict[str, Array]:
    """The answers to the raw events in an Arrow table, by name, (n,) each.

    `score`, of a classification `alarm`, and `decision` where decisions are declared; of several classes a
    probability each and `decision`. The table holds the contract's known columns and the histories that
    these need. ContractError where an event is refused (`event_table.columns`), or is none that is scored.
    """
    usecase, model = scorer.usecase, scorer.bundle
    needed = wanted(model.manifest)
    known = event_table.columns(usecase, events, needed, new_entities=new_entities)
    whole = bundle.complete(usecase, known)
    event_table.check_rules(usecase, usecase.eligible, whole)
    return named(model, whole, model.predict(whole))


def named(model: Bundle, whole: Columns, score: Array) -> dict[str, Array]:
    """A score (n,) or (n, k) of completed events as answers, by name."""
    if model.classes:
        columns = dict(zip(probability_names(model.classes), score.T, strict=True))
        return {**columns, DECISION: model.decide(score)}
    decided = model.decisions_of(whole, score)
    alarm = {} if model.threshold is None else {ALARM: np.asarray(score >= model.threshold)}
    return {SCORE: score, **alarm, **({} if decided is None else {DECISION: decided})}
