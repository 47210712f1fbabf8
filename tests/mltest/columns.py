"""A batch of a use case's events with histories and row features, drawn within the contract."""

from __future__ import annotations

import numpy as np

from plumbline.core.declarations import Array, Columns
from plumbline.core.usecase import UseCase

START = np.datetime64("2025-03-01", "us")


def columns(case: UseCase, rows: int = 20_000) -> Columns:
    """A batch of the use case's known columns and histories, drawn within the contract."""
    random = np.random.default_rng(5)
    made: dict[str, Array] = {}
    for column in case.columns:
        if column.type == "timestamp":
            made[column.name] = START + random.integers(0, 86_400 * 30, rows) * np.timedelta64(
                1, "s"
            )
        elif column.type == "string":
            words = np.array(column.allowed or ("a", "b"), object)
            made[column.name] = words[random.integers(0, len(words), rows)]
        else:
            made[column.name] = random.integers(column.min or 0, (column.max or 1_000) + 1, rows)
    made |= {f.name: random.random(rows) for f in case.aggregates}
    for row in case.rows:
        made[row.name] = np.asarray(row.function(**{i: made[i] for i in row.inputs}), np.float64)
    return made
