"""Use cases and tables in memory for tests of studies that train many models: parcels with a time."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from plumbline.config import UseCaseParams
from plumbline.core.declarations import Array
from plumbline.features.splits import SplitWindow
from tests.boosting import COSTS, events, tuned

TUNED = tuned({"eta": 0.3, "max_depth": 3}, {"max_bin": 32})
"""What tune would have written."""
FIRST = date(2025, 1, 1)


def params(**sections: dict[str, Any]) -> UseCaseParams:
    """Params as params.yaml would give them, small; `sections` are laid over."""
    whole: dict[str, Any] = {
        "seed": 7,
        "data": {"source": "csv"},
        "validate": {},
        "features": {"valid_days": 7},
        "tune": {},
        "train": {"rounds": 20, "early_stopping": 5, "threads": 1, "costs": COSTS.model_dump()},
        "evaluate": {"bootstrap": 60},
        "monitor": {},
        "backtest": {"origins": 8, "train_days": 14, "replicates": 200},
    }
    return UseCaseParams.model_validate(
        {
            n: {**part, **sections.get(n, {})} if isinstance(part, dict) else part
            for n, part in whole.items()
        }
    )


def daily(days: int, per_day: int, seed: int = 3) -> dict[str, Array]:
    """Parcels over `days` days in time order, `per_day` each."""
    columns = events(seed, days * per_day)
    at = np.datetime64(FIRST, "us") + np.arange(days * per_day) * (
        np.timedelta64(86_400_000_000, "us") // per_day
    )
    return {**columns, "at": at}


def known(days: int) -> SplitWindow:
    """The days of `daily`."""
    return SplitWindow(FIRST, date.fromordinal(FIRST.toordinal() + days))
