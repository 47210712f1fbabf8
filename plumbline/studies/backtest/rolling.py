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
from plumbline.model.tune_result import TuneResult
from plumbline.studies.backtest import all_events, refit
from plumbline.studies.backtest.origins import Origin

log = logging.getLogger("plumbline")


@dataclass(frozen=True)
class OriginModel:
    """What is kept of one origin's model: its answers, float64, to each period from its own on.

    `rows`: row counts of its train and valid windows.
    """

    origin: Origin
    rows: Mapping[str, int]
    rounds: int
    threshold: float | None
    answers: Mapping[SplitWindow, Array]


def run(
    usecase: UseCase,
    params: UseCaseParams,
    tuned: TuneResult,
    columns: Columns,
    plan: Sequence[Origin],
) -> tuple[OriginModel, ...]:
    """Make a model at each origin of `plan` from `columns` (n,), in time order."""
    settings = refit.settings(usecase, params, tuned)
    out = []
    for number, origin in enumerate(plan):
        out.append(_origin_model(usecase, params, settings, columns, plan[number:]))
        log.info("backtest: origin %d of %d, %s", number + 1, len(plan), origin.day)
    return tuple(out)


def _origin_model(
    usecase: UseCase,
    params: UseCaseParams,
    settings: Mapping[str, Any],
    columns: Columns,
    following: Sequence[Origin],
) -> OriginModel:
    origin = following[0]
    train = all_events.known_by(usecase, columns, origin.train, origin.valid.start)
    valid = all_events.known_by(usecase, columns, origin.valid, origin.scored.start)
    model = refit.fit(usecase, params, settings, train, valid)
    return OriginModel(
        origin,
        {"train": len(train[usecase.key]), "valid": len(valid[usecase.key])},
        model.rounds,
        model.threshold,
        {
            later.scored: model.predict(all_events.between(usecase, columns, later.scored))
            for later in following
        },
    )
