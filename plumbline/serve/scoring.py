"""Raw events to answers, for a bundle and the use case that completes them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plumbline.core.declarations import Array
from plumbline.model import bundle
from plumbline.model.admission import Scorer
from plumbline.model.bundle import Bundle
from plumbline.serve import event_table

SCORE, ALARM, DECISION = "score", "alarm", "decision"


def probability_names(classes: Sequence[str | int]) -> list[str]:
    """The columns of the answers of a model of several classes, in the order of the classes."""
    return [f"probability_{one}" for one in classes]


def named(scorer: Bundle, answers: Array) -> dict[str, Array]:
    """Answers (n,) as `score` and, of a classification, `alarm`; (n, k) as probabilities and `decision`."""
    if scorer.classes:
        columns = dict(zip(probability_names(scorer.classes), answers.T, strict=True))
        return {**columns, DECISION: scorer.decide(answers)}
    if scorer.threshold is None:
        return {SCORE: answers}
    return {SCORE: answers, ALARM: np.asarray(answers >= scorer.threshold)}


def answers(scorer: Scorer, events: Any, *, new_entities: bool = False) -> Array:
    """The answers to the raw events in an Arrow table, float64 (n,), or (n, k) of several classes.

    It holds the contract's known columns and the histories that the model needs. ContractError where an
    event is refused (`event_table.columns`), or is none that the use case scores.
    """
    usecase = scorer.usecase
    known = event_table.columns(usecase, events, new_entities=new_entities)
    whole = bundle.complete(usecase, known)
    event_table.check_rules(usecase, usecase.eligible, whole)
    return scorer.bundle.predict(whole)
