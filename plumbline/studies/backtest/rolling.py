"""One model per origin, as the pipeline would have made it, and its answers to all that followed."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plumbline.config import UseCaseParams
from plumbline.core.declarations import Array, Columns
from plumbline.core.usecase import UseCase
from plumbline.features.splits import SplitWindow
from plumbline.studies.backtest import all_events, refit
from plumbline.studies.backtest.origins import Origin

log = logging.getLogger("plumbline")


@dataclass(frozen=True)
class Made:
    """A model of one origin: `answers` float64 by the period scored, from its own on; no trees kept.

    `rows`: of train and valid.
    """

    origin: Origin
    rows: Mapping[str, int]
    rounds: int
    threshold: float | None
    answers: Mapping[SplitWindow, Array]


def run(
    case: UseCase,
    params: UseCaseParams,
    found: Mapping[str, Any],
    columns: Columns,
    plan: Sequence[Origin],
) -> tuple[Made, ...]:
    """Make a model at each origin of `plan` from `columns` (time-ordered); `found`: what tune wrote."""
    full = refit.settings(case, params, found)
    out = []
    for number, origin in enumerate(plan):
        out.append(_made(case, params, full, columns, plan[number:]))
        log.info("backtest: origin %d of %d, %s", number + 1, len(plan), origin.day)
    return tuple(out)


def _made(
    case: UseCase,
    params: UseCaseParams,
    full: Mapping[str, Any],
    columns: Columns,
    following: Sequence[Origin],
) -> Made:
    origin = following[0]
    train, valid = (all_events.between(case, columns, w) for w in (origin.train, origin.valid))
    model = refit.fit(case, params, full, train, valid)
    return Made(
        origin,
        {"train": len(train[case.key]), "valid": len(valid[case.key])},
        model.rounds,
        model.threshold,
        {
            later.scored: model.predict(all_events.between(case, columns, later.scored))
            for later in following
        },
    )
