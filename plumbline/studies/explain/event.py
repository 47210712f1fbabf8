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
class Event:
    """One row of a table: its columns, each (1,)."""

    table: Path
    row: int
    columns: dict[str, Array]


def find(case: UseCase, folder: Path, key: str) -> Event:
    """The event with this key; PlumblineError, with an example of a key, where no table has it."""
    for name in SEARCHED:
        path = folder / f"{name}.parquet"
        keys = tables.read(path, [case.key])[case.key]
        found = np.flatnonzero(keys.astype(str) == key)
        if len(found):
            row = int(found[-1])
            columns = {n: v[row : row + 1] for n, v in tables.read(path).items()}
            return Event(path, row, columns)
    raise PlumblineError(
        f"{case.name}: no event with the {case.key} '{key}' in {' or '.join(SEARCHED)} of {folder}; "
        f"expected one such as {keys[0] if len(keys) else '(the tables are empty)'}"
    )


def recorded(report: Path, case: UseCase, key: str) -> float | None:
    """The score that evaluate wrote of this event; None where it wrote none."""
    path = report / "predictions.parquet"
    if not path.exists():
        return None
    found = tables.read(path, [case.key, "score"])
    mine = found["score"][found[case.key].astype(str) == key]
    return float(mine[-1]) if len(mine) else None
