"""The events with the highest scores of a stream of batches, and what each feature added to them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from plumbline.core.declarations import Array, Columns
from plumbline.model import contributions
from plumbline.model.bundle import Bundle
from plumbline.model.contributions import Contributions

ROW, RANK = "__row", "__rank"


@dataclass
class TopScores:
    """The `size` events with the highest scores so far; of equal ones those that come first in the file.

    Of several classes the score is the probability of the class decided on. `columns`: all that the model reads.
    """

    size: int
    columns: dict[str, Array] = field(default_factory=dict)

    def add(self, row: Array, score: Array, whole: Columns) -> None:
        """Take in a batch: numbers in the file (n,), scores (n,), completed columns (n,) each."""
        if not self.size:
            return
        chosen = _highest(score, row, self.size)
        new = {ROW: row[chosen], RANK: score[chosen]}
        new |= {name: values[chosen] for name, values in whole.items()}
        joined = (
            {n: np.concatenate([self.columns[n], v]) for n, v in new.items()}
            if self.columns
            else new
        )
        best = _highest(joined[RANK], joined[ROW], self.size)
        self.columns = {name: values[best] for name, values in joined.items()}

    def take(self, other: TopScores) -> None:
        """Take in those of another stream."""
        if other.columns:
            rest = {n: v for n, v in other.columns.items() if n not in (ROW, RANK)}
            self.add(other.columns[ROW], other.columns[RANK], rest)

    def explained(self, model: Bundle, key: str) -> Any:
        """An Arrow table with a row per event and feature: rank from 1, the key, the score, the feature, its value, its
        contribution, and what the contributions start from.

        base + offset + the contributions = total, on the scale on which the trees add up.
        """
        whole = model.with_encodings(self.columns)
        if not whole:
            return pa.table({})
        decided = model.decided(model.predict(whole)) if model.classes else None
        parts = _contributions(model, whole, decided)
        n, k = parts.each.shape
        first = {
            "rank": np.repeat(np.arange(1, n + 1), k),
            key: pa.array(whole[key]).take(pa.array(np.repeat(np.arange(n), k))),
            "score": np.repeat(whole[RANK], k),
        }
        if decided is not None:
            first["decision"] = pa.array(np.repeat(model.decide(model.predict(whole)), k).tolist())
        values = np.stack([np.asarray(whole[f], np.float64) for f in model.features], axis=1)
        sums = {"base": parts.base, "offset": parts.offset, "total": parts.total}
        return pa.table(
            {
                **first,
                "feature": pa.array(list(model.features) * n),
                "value": values.reshape(-1),
                "contribution": parts.each.reshape(-1),
                **{name: np.repeat(value, k) for name, value in sums.items()},
            }
        )


def _contributions(model: Bundle, whole: Columns, decided: Array | None) -> Contributions:
    raw = contributions.of(
        model.booster, model.features, model.offset, whole, model.manifest.scale, decided
    )
    return contributions.calibrated(raw, model.calibration, decided)


def _highest(score: Array, row: Array, size: int) -> Array:
    """The places of the highest scores, in order; of equal ones the lower row first."""
    if len(score) > size:
        least = np.partition(score, len(score) - size)[len(score) - size]
        places = np.flatnonzero(score >= least)
    else:
        places = np.arange(len(score))
    return places[np.lexsort((row[places], -score[places]))][:size]
