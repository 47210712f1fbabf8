"""How a model's quality falls with its age, and from which age on it is too old. Pure.

A model of one origin is scored on every later period, each time beside the model made when that
period began: a hard week is hard for both. An age's loss is the mean over the periods in which a
model of that age was seen, with Student's interval over them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plumbline.config import UseCaseParams
from plumbline.core.declarations import Columns
from plumbline.core.documents import finite, rounded
from plumbline.core.usecase import UseCase
from plumbline.metrics import small_sample
from plumbline.metrics.bootstrap import Array
from plumbline.metrics.interval import Interval
from plumbline.metrics.metrics import HIGHER_IS_BETTER, PRIMARY, primary_figure
from plumbline.studies.backtest import all_events
from plumbline.studies.backtest.backtest_record import AgeLoss, ShelfFigures, Staleness
from plumbline.studies.backtest.rolling import OriginModel


def staleness(
    usecase: UseCase, params: UseCaseParams, columns: Columns, models: Sequence[OriginModel]
) -> Staleness:
    """Quality and loss by age, and the shelf life.

    `loss` is relative to the fresh model's figure, positive where the old model is worse.
    """
    quality = matrix(usecase, columns, models)
    step = models[0].origin.scored.days
    level, most = params.evaluate.level, params.backtest.max_loss
    higher = PRIMARY[usecase.problem] in HIGHER_IS_BETTER
    ages = [by_age(quality, age, step, level, higher) for age in range(1, len(models))]
    return Staleness(ages=ages, max_loss=most, **vars(shelf(ages, most)))


def matrix(usecase: UseCase, columns: Columns, models: Sequence[OriginModel]) -> Array:
    """The primary metric of each model (row) on each period (column); NaN before it was made."""
    out = np.full((len(models), len(models)), np.nan)
    for i, model in enumerate(models):
        for j, later in enumerate(models[i:], i):
            period = later.origin.scored
            rows = all_events.between(usecase, columns, period)
            label = rows[usecase.label].astype(np.float64)
            out[i, j] = primary_figure(usecase.problem, label, model.answers[period])
    return out


def losses(quality: Array, age: int, higher_is_better: bool) -> Array:
    """Each period's loss at an age in periods, as a share of the fresh model's figure, (n,)."""
    fresh, old = np.diagonal(quality)[age:], np.diagonal(quality, age)
    return (fresh - old if higher_is_better else old - fresh) / np.abs(fresh)


def shelf(ages: Sequence[AgeLoss], most: float) -> ShelfFigures:
    """The first age whose loss is beyond `most` for certain, and the last that is within for certain.

    `shelf_life_days` None: no age that was studied is too old. `safe_days`: up to this age each
    interval ends below `most`; 0 where not even the first does. `studied_days`: the last age that has
    an interval.
    """
    known = [a for a in ages if a.loss.low is not None]
    old = [a.days for a in known if a.loss.estimate.low > most]
    unsure = [a.days for a in known if a.loss.estimate.high > most]
    safe = [a.days for a in known if not unsure or a.days < unsure[0]]
    return ShelfFigures(
        shelf_life_days=old[0] if old else None,
        safe_days=safe[-1] if safe else 0,
        studied_days=known[-1].days if known else 0,
    )


def by_age(quality: Array, age: int, step: int, level: float, higher: bool) -> AgeLoss:
    """An age in periods: figures, mean loss with its interval, each period's loss."""
    lost = losses(quality, age, higher)
    mean = Interval.from_estimate(small_sample.mean(lost, level))
    return AgeLoss(
        days=age * step,
        periods=len(lost),
        fresh=rounded(float(np.mean(np.diagonal(quality)[age:]))),
        old=rounded(float(np.mean(np.diagonal(quality, age)))),
        loss=Interval(value=finite(mean.value), low=finite(mean.low), high=finite(mean.high)),
        each=[rounded(float(v)) for v in lost],
    )
