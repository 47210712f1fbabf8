"""A batch of a use case's events with histories and row features, drawn within the contract."""

from __future__ import annotations

import numpy as np

from plumbline.core.declarations import Array, Columns
from plumbline.core.usecase import UseCase

START = np.datetime64("2025-03-01", "us")


def columns(case: UseCase, rows: int = 20_000) -> Columns:
    """A batch of the use case's known columns and histories, drawn within the contract."""
    random = np.random.default_rng(5)
    built: dict[str, Array] = {}
    for column in case.columns:
        if column.type == "timestamp":
            built[column.name] = START + random.integers(0, 86_400 * 30, rows) * np.timedelta64(
                1, "s"
            )
        elif column.type == "string":
            words = np.array(column.allowed or ("a", "b"), object)
            built[column.name] = words[random.integers(0, len(words), rows)]
        else:
            built[column.name] = random.integers(column.min or 0, (column.max or 1_000) + 1, rows)
    built |= {f.name: random.random(rows) for f in case.aggregates}
    for row in case.rows:
        built[row.name] = np.asarray(row.function(**{i: built[i] for i in row.inputs}), np.float64)
    return built
