"""Each origin's model on the period that followed: its figures, and whether it beat the one before. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from plumbline.config import UseCaseParams
from plumbline.core.declarations import Columns
from plumbline.core.usecase import UseCase
from plumbline.evaluate import assessment, evidence
from plumbline.evaluate.evidence import LabelledWindow
from plumbline.features.splits import SplitWindow
from plumbline.metrics import small_sample
from plumbline.metrics.bootstrap import PairedWord
from plumbline.metrics.interval import Interval
from plumbline.review import paired
from plumbline.review.paired import Noise, Scored
from plumbline.studies.backtest import all_events
from plumbline.studies.backtest.backtest_record import (
    AgainstLast,
    NewestCount,
    OriginRecord,
    OriginWindow,
)
from plumbline.studies.backtest.rolling import OriginModel

WORDS: tuple[PairedWord, ...] = ("better", "within noise", "within margin", "worse")


def judged(
    usecase: UseCase, params: UseCaseParams, columns: Columns, models: Sequence[OriginModel]
) -> list[OriginRecord]:
    """Per origin: windows, figures with intervals, and against the model before it.

    A model is `chosen` unless the gate would refuse it: worse than the one before, beyond noise.
    """
    out = []
    for number, model in enumerate(models):
        period = window(usecase, params, columns, model)
        before = models[number - 1] if number else None
        against = None if before is None else _against(period, before, model, params)
        out.append(_record(model, period, against))
    return out


def _record(
    model: OriginModel, period: LabelledWindow, against: AgainstLast | None
) -> OriginRecord:
    origin, rows = model.origin, model.rows
    classes = period.problem == "classification"
    positives = {"positives": int(period.label.sum())} if classes else {}
    return OriginRecord(
        day=str(origin.day),
        train=_window(origin.train, rows=rows["train"]),
        valid=_window(origin.valid, rows=rows["valid"]),
        scored=_window(origin.scored, rows=len(period.label), **positives),
        rounds=model.rounds,
        metrics=_figures(period, model),
        against=against,
    )


def _window(days: SplitWindow, **counts: int) -> OriginWindow:
    return OriginWindow(start=str(days.start), end=str(days.end), **counts)


def window(
    usecase: UseCase, params: UseCaseParams, columns: Columns, model: OriginModel
) -> LabelledWindow:
    """The period after the origin, with draws enough for intervals from so few days."""
    rows = all_events.between(usecase, columns, model.origin.scored)
    period = assessment.window(usecase, params.evaluation, rows, model.threshold)
    days = len(period.sample().draws)
    level = small_sample.level(period.level, days)
    return replace(period, level=level, replicates=params.backtest.replicates)


def count(origins: Sequence[OriginRecord]) -> NewestCount:
    """How often the newest model was better, the same, worse than the one before, and chosen."""
    against = [o.against for o in origins if o.against is not None]
    words = {w: sum(a.word == w for a in against) for w in WORDS}
    chosen = sum(a.chosen for a in against)
    return NewestCount.model_validate({**words, "chosen": chosen, "of": len(against)})


def _figures(period: LabelledWindow, model: OriginModel) -> dict[str, Interval]:
    sample = period.sample()
    figures = evidence.figures(period, model.answers[model.origin.scored], sample, "model")
    return {m: Interval.from_estimate(period.estimate(r, sample)) for m, r in figures.items()}


def _against(
    period: LabelledWindow, before: OriginModel, model: OriginModel, params: UseCaseParams
) -> AgainstLast:
    old, new = (Scored(m.answers[model.origin.scored], m.threshold) for m in (before, model))
    compared = paired.compared(period, old, new, {}, Noise(params.gate.margin))
    primary = compared.metrics[period.primary]
    word = primary.difference.word
    day = str(before.origin.day)
    return AgainstLast(day=day, **vars(primary), word=word, chosen=word != "worse")
