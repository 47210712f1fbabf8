"""Each origin's model on the period that followed: its figures, and whether it beat the one before. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from plumbline.config import UseCaseParams
from plumbline.core.declarations import Columns
from plumbline.core.usecase import UseCase
from plumbline.evaluate import assessment, evidence
from plumbline.evaluate.evidence import LabelledWindow
from plumbline.metrics import small_sample
from plumbline.review import paired
from plumbline.review.paired import Noise, Scored
from plumbline.studies.backtest import all_events
from plumbline.studies.backtest.rolling import OriginModel


def judged(
    usecase: UseCase, params: UseCaseParams, columns: Columns, models: Sequence[OriginModel]
) -> list[dict[str, Any]]:
    """Per origin, for JSON: windows, figures with intervals, and against the model before it.

    A model is `chosen` unless the gate would refuse it: worse than the one before, beyond noise.
    """
    out = []
    for number, model in enumerate(models):
        period = window(usecase, params, columns, model)
        before = models[number - 1] if number else None
        out.append(
            {
                **_windows(model, period),
                "rounds": model.rounds,
                "metrics": _figures(period, model),
                "against": None if before is None else _against(period, before, model, params),
            }
        )
    return out


def window(
    usecase: UseCase, params: UseCaseParams, columns: Columns, model: OriginModel
) -> LabelledWindow:
    """The period after the origin, with draws enough for intervals from so few days."""
    rows = all_events.between(usecase, columns, model.origin.scored)
    period = assessment.window(usecase, params.evaluation, rows, model.threshold)
    days = len(period.sample().draws)
    level = small_sample.level(period.level, days)
    return replace(period, level=level, replicates=params.backtest.replicates)


def count(origins: Sequence[dict[str, Any]]) -> dict[str, int]:
    """How often the newest model was better, within noise, worse than the one before, and chosen."""
    against = [o["against"] for o in origins if o["against"] is not None]
    words = {w: sum(a["word"] == w for a in against) for w in ("better", "within noise", "worse")}
    return {**words, "chosen": sum(a["chosen"] for a in against), "of": len(against)}


def _figures(period: LabelledWindow, model: OriginModel) -> dict[str, Any]:
    sample = period.sample()
    figures = evidence.figures(period, model.answers[model.origin.scored], sample, "model")
    return {m: evidence.as_json(period.estimate(r, sample)) for m, r in figures.items()}


def _against(
    period: LabelledWindow, before: OriginModel, model: OriginModel, params: UseCaseParams
) -> dict[str, Any]:
    old, new = (Scored(m.answers[model.origin.scored], m.threshold) for m in (before, model))
    compared = paired.compared(period, old, new, {}, Noise(params.gate.margin))
    primary = compared["metrics"][period.primary]
    word = primary["difference"]["word"]
    return {"day": str(before.origin.day), **primary, "word": word, "chosen": word != "worse"}


def _windows(model: OriginModel, period: LabelledWindow) -> dict[str, Any]:
    origin = model.origin
    rows = {**model.rows, "scored": len(period.label)}
    out = {
        name: {"start": str(w.start), "end": str(w.end), "rows": rows[name]}
        for name, w in (("train", origin.train), ("valid", origin.valid), ("scored", origin.scored))
    }
    if period.problem == "classification":
        out["scored"]["positives"] = int(period.label.sum())
    return {"day": str(origin.day), **out}
