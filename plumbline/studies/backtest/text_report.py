"""A backtest as lines to read. Pure: the record in, text out."""

from __future__ import annotations

from collections.abc import Iterator

from plumbline.report import numbers
from plumbline.report.metric_titles import metric_title
from plumbline.report.numbers import interval, relative, signed
from plumbline.studies.backtest.backtest_record import (
    BacktestRecord,
    NewestCount,
    OriginRecord,
    Staleness,
)


def lines(record: BacktestRecord) -> Iterator[str]:
    """A line per origin, one on the newest models, a line per age, one on the shelf life."""
    metric = record.primary
    yield f"{record.usecase}: {metric_title(metric)} on the {record.step_days} days after each origin"
    for origin in record.origins:
        yield f"  {origin.day}  {interval(origin.metrics[metric])}{_against(origin)}"
    yield newest(record.newest)
    yield "by age, compared with the newest model of each day:"
    for age in record.staleness.ages:
        loss = interval(age.loss, relative)
        yield f"  {age.days:4} days  loss {loss}, {numbers.count(age.periods, 'period')}"
    yield shelf(record.staleness)


def newest(count: NewestCount) -> str:
    """How often the newest model would have been chosen."""
    return (
        f"the newest model against the one before: {count.better} times better, "
        f"{count.within_noise} within noise, {count.within_margin} within the margin, "
        f"{count.worse} worse; chosen {count.chosen} of {count.of} times"
    )


def shelf(record: Staleness) -> str:
    """The shelf life in a sentence."""
    most = f"{record.max_loss:.0%} of its quality"
    safe = f"certainly less up to {record.safe_days} days" if record.safe_days else ""
    if record.shelf_life_days is None:
        tail = f"; {safe}" if safe else "; less is certain at no age"
        return f"shelf life: no loss of more than {most} is certain within {record.studied_days} days{tail}"
    tail = f"; {safe}" if safe else ""
    return f"shelf life: {record.shelf_life_days} days: from then on more than {most} is lost, beyond noise{tail}"


def _against(origin: OriginRecord) -> str:
    against = origin.against
    if against is None:
        return ""
    return f"  {interval(against.difference, signed)}: {against.word}"
