"""One event, found in the tables that a use case's model has scored or will score. An edge: reads files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from plumbline.core import tables
from plumbline.core.declarations import Array
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import UseCase

SEARCHED = ("test", "current")
"""What a model has not learned from."""


@dataclass(frozen=True)
class ExplainedEvent:
    """One row of a table: its columns, each (1,)."""

    table: Path
    row: int
    columns: dict[str, Array]


def find(usecase: UseCase, folder: Path, key: str) -> ExplainedEvent:
    """The event with this key; PlumblineError, with an example of a key, where no table has it."""
    for name in SEARCHED:
        path = folder / f"{name}.parquet"
        keys = tables.read(path, [usecase.key])[usecase.key]
        result = np.flatnonzero(keys.astype(str) == key)
        if len(result):
            row = int(result[-1])
            columns = {n: v[row : row + 1] for n, v in tables.read(path).items()}
            return ExplainedEvent(path, row, columns)
    raise PlumblineError(
        f"{usecase.name}: no event with the {usecase.key} '{key}' in {' or '.join(SEARCHED)} of {folder}; "
        f"expected one such as {keys[0] if len(keys) else '(the tables are empty)'}"
    )


def recorded(report: Path, usecase: UseCase, key: str, decision: str | None = None) -> float | None:
    """The score that evaluate wrote of this event, or its probability of the class `decision`; None where it
    wrote none.
    """
    path = report / "predictions.parquet"
    if not path.exists():
        return None
    column = "score" if decision is None else f"probability_{decision}"
    result = tables.read(path, [usecase.key, column])
    rows = result[column][result[usecase.key].astype(str) == key]
    return float(rows[-1]) if len(rows) else None
