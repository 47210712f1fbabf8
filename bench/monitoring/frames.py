"""What the peers receive: the model's inputs, its score and the unused column, as a frame.

Categories as text rather than as the model's codes, so that a peer can see a new one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bench.monitoring.populations import IRRELEVANT
from plumbline.monitor.window import ScoredWindow
from usecases.card_fraud.model import USECASE

DAYS = 28  # of the past that a peer takes as its reference
ROWS = 20_000  # of these, drawn
CATEGORIES = tuple(c.column for c in USECASE.categories)
CODES = {c.name: c.column for c in USECASE.categories}
NUMBERS = (*(f for f in USECASE.features if f not in CODES), IRRELEVANT.name, "score")


def frame(window: ScoredWindow) -> pd.DataFrame:
    """A window as the peers see it; a column that was not delivered is not there."""
    names = [n for n in (*NUMBERS, *CATEGORIES) if n in window.columns]
    return pd.DataFrame({**{n: window.columns[n] for n in names}, "score": window.score})


def reference(days: Sequence[ScoredWindow], rows: int | None = ROWS) -> pd.DataFrame:
    """The last DAYS days, or `rows` of them drawn evenly."""
    rows_of_days = pd.concat([frame(d) for d in days[-DAYS:]], ignore_index=True)
    if rows is None or len(rows_of_days) <= rows:
        return rows_of_days
    drawn = np.random.default_rng(0).choice(len(rows_of_days), rows, replace=False)
    return rows_of_days.iloc[np.sort(drawn)].reset_index(drop=True)
