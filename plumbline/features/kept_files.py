"""Files of months, kept each by its month, computed for the months of a span together. An edge: files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from plumbline.features.month_keys import MonthKeys


def fill(
    keys: MonthKeys,
    kind: str,
    months: Sequence[date],
    folder: Path,
    compute: Callable[[Path], None],
) -> None:
    """Put the months' files into the folder: as they were kept, or else all of them computed, and kept.

    `compute` writes files into the empty folder that it is given, each named by its month at the end.
    """
    own = {month: keys.month(kind, month) for month in months}
    restored = [keys.cache.restore(key, folder) for key in own.values()]  # damaged ones are dropped
    if all(restored):
        keys.cache.hits += len(own)
        return
    keys.cache.misses += len(own)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".partition-") as name:
        beside = Path(name)
        compute(beside)
        made = sorted(beside.iterdir())
        for month, key in own.items():
            ends = (f"-{month:%Y-%m}", f"-{month}")
            keys.cache.keep(key, [path for path in made if path.stem.endswith(ends)])
        for path in made:
            os.replace(path, folder / path.name)
