"""The days at which a model is made, and what each knows. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from plumbline.core.errors import PlumblineError
from plumbline.features.splits import SplitWindow
from plumbline.metrics.bootstrap import MIN_UNITS

WEEK = 7


@dataclass(frozen=True)
class Origin:
    """A model made on the day that `scored` starts, from the labels known by then."""

    train: SplitWindow
    valid: SplitWindow
    scored: SplitWindow

    @property
    def day(self) -> date:
        return self.scored.start


def plan(
    known: SplitWindow, *, delay: int, train_days: int, valid_days: int, count: int
) -> tuple[Origin, ...]:
    """`count` origins, evenly apart, whole weeks where the days suffice; the last period ends `known`.

    `known`: the days whose events have their label by now. Before each origin lie the label delay,
    `valid_days`, the delay again, and all days before for train: at least `train_days`. Raises
    PlumblineError where fewer than five days are left to score per origin: too few for an interval.
    """
    before = train_days + valid_days + 2 * delay
    step = (known.days - before) // count
    if step < MIN_UNITS:
        raise PlumblineError(
            f"{count} origins: {known.days} days of events with known labels, less {before} before the "
            f"first origin (train {train_days}, valid {valid_days}, twice the label delay of {delay}), "
            f"leave {max(step, 0)} days to score after each; expected at least {MIN_UNITS}. Ask for "
            "fewer with --origins, or shorten backtest.train_days or features.valid_days."
        )
    step -= step % WEEK if step > WEEK else 0
    first = known.end - timedelta(days=step * count)
    days = [first + timedelta(days=step * i) for i in range(count)]
    return tuple(_origin(known.start, day, step, delay, valid_days) for day in days)


def _origin(start: date, day: date, step: int, delay: int, valid_days: int) -> Origin:
    gap = timedelta(days=delay)
    valid = SplitWindow(day - gap - timedelta(days=valid_days), day - gap)
    return Origin(
        train=SplitWindow(start, valid.start - gap),
        valid=valid,
        scored=SplitWindow(day, day + timedelta(days=step)),
    )
