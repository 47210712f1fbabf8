"""A learning curve as lines to read. Pure: the record in, text out."""

from __future__ import annotations

from collections.abc import Iterator

from plumbline.report.metric_titles import metric_title
from plumbline.report.numbers import count, figure, interval, share, signed
from plumbline.studies.gains import Gain
from plumbline.studies.learning_curve.learning_curve_record import (
    LearningCurveRecord,
    RowsCurve,
    RowsPoint,
)


def lines(record: LearningCurveRecord) -> Iterator[str]:
    """The figures by rows and rounds, then a verdict on rows, rounds and trials."""
    seeds = count(record.seeds, "seed")
    yield f"{record.usecase}: {metric_title(record.metric_name)} on validation, mean of {seeds}, {record.fits} fits"
    for curve in record.rows:
        yield f"by {_way(curve)}"
        for point in curve.points:
            yield f"  {share(point.share):>6}  {_size(point):24}  {interval(point)}"
    rounds = record.rounds
    yield f"by rounds; early stopping chose {rounds.chosen}"
    for cut in rounds.points:
        yield f"  {cut.rounds:>6}  {interval(cut)}"
    yield from verdicts(record)


def verdicts(record: LearningCurveRecord) -> Iterator[str]:
    """A sentence per thing of which there could be more."""
    for curve in record.rows:
        yield f"more rows ({_way(curve)}): {_says(curve.gain, record.margin)}"
    limit = "; train.rounds ended the boosting: raise it" if record.rounds.at_limit else ""
    yield f"more rounds: {_says(record.rounds.gain, record.margin)}{limit}"
    if record.trials is None:
        yield "more trials: cannot tell: tune searched nothing"
    else:
        yield f"more trials: {_says(record.trials.gain, record.margin)}"


def _says(gain: Gain, margin: float) -> str:
    gained = f"the last doubling gained {interval(gain, signed)}"
    if gain.word == "pays":
        return f"would pay: {gained}"
    if gain.word == "too little":
        return f"would not pay: {gained}, less than the margin of {share(margin)}"
    return f"cannot tell: {gained}"


def _way(curve: RowsCurve) -> str:
    if curve.by == "days":
        return "latest days"
    return "share of the rows" if curve.by == "rows" else f"share of the {curve.by} ids"


def _size(point: RowsPoint) -> str:
    days = "" if point.days is None else f", {count(point.days, 'day')}"
    return f"{figure(point.rows)} rows{days}"
