"""One batch of checked events, with their histories, to answers: the same wherever it runs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from plumbline.core import only, tables
from plumbline.core.declarations import Array
from plumbline.core.errors import PlumblineError
from plumbline.model import bundle
from plumbline.model.admission import Scorer
from plumbline.serve import scoring
from plumbline.serve.bulk.continued_histories import ROW
from plumbline.serve.bulk.top_scores import TopScores


@dataclass(frozen=True)
class ScoredBatch:
    """A batch's answers and what is to be said of it.

    `answers`: an Arrow table of number, key and answers; `seen`: its events; `ineligible`: numbers of those that no
    model answers, with the column and the words of the first rule that they do not meet; `top`: its highest scores.
    """

    answers: Any
    seen: int
    ineligible: tuple[tuple[Array, str, str], ...]
    top: TopScores


ScoreBatches = Callable[[Iterable[Any]], Iterable[ScoredBatch]]
"""Scores Arrow batches, in their order."""


def here(scorer: Scorer, explain: int) -> ScoreBatches:
    """In this process, one after another. `explain`: how many of the highest scores are kept."""
    return partial(map, partial(scored, scorer, explain))


def scored(scorer: Scorer, explain: int, batch: Any) -> ScoredBatch:
    """Score the events of an Arrow batch, which have their numbers, known columns and histories."""
    usecase, model = scorer.usecase, scorer.bundle
    nullable = {c.name for c in usecase.known if c.null}
    names = [n for n in batch.schema.names if n != ROW]
    known = {n: tables.numpy(batch.column(n), null=n in nullable) for n in names}
    row = batch.column(ROW).to_numpy()
    whole = bundle.complete(usecase, known)
    keys = batch.column(usecase.key)
    ineligible: tuple[tuple[Array, str, str], ...] = ()
    if usecase.eligible:
        met, ineligible = _eligible(scorer, whole, row)
        whole = {n: v[met] for n, v in whole.items()}
        row, keys = row[met], keys.filter(pa.array(met))
    score = model.predict(whole)
    answers = scoring.named(model, whole, score)
    best = score[np.arange(len(score)), model.decided(score)] if model.classes else score
    top = TopScores(explain)
    top.add(row, best, {**whole, usecase.key: keys.to_numpy(zero_copy_only=False)})
    return ScoredBatch(_table(usecase.key, keys, row, answers), batch.num_rows, ineligible, top)


def _table(key: str, keys: Any, row: Array, answers: Mapping[str, Array]) -> Any:
    if key in answers:
        raise PlumblineError(
            f"the key is called '{key}', as an answer is; rename it in the contract"
        )
    columns = {
        n: pa.array(v.tolist()) if v.dtype == object else pa.array(v) for n, v in answers.items()
    }
    return pa.table({ROW: row, key: keys, **columns})


def _eligible(
    scorer: Scorer, whole: Mapping[str, Array], row: Array
) -> tuple[Array, tuple[tuple[Array, str, str], ...]]:
    """Which events are scored, bool (n,), and the others with the first rule that they do not meet."""
    met = np.ones(len(row), bool)
    noted: list[tuple[Array, str, str]] = []
    for rule in scorer.usecase.eligible:
        own = only.mask([rule], whole, len(row))
        if not own[met].all():
            noted.append((row[met & ~own], rule.column, only.words(rule)))
        met &= own
    return met, tuple(noted)
