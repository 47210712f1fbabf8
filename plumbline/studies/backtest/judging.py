"""Each origin's model on the period that followed: its figures, and whether it beat the one before. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from plumbline.config import UseCaseParams
from plumbline.core.declarations import Columns
from plumbline.core.usecase import UseCase
from plumbline.evaluate import assessment, evidence
from plumbline.evaluate.evidence import Window
from plumbline.metrics import small_sample
from plumbline.review import paired
from plumbline.review.paired import Noise, Scored
from plumbline.studies.backtest import all_events
from plumbline.studies.backtest.rolling import Made


def judged(
    case: UseCase, params: UseCaseParams, columns: Columns, made: Sequence[Made]
) -> list[dict[str, Any]]:
    """Per origin, for JSON: windows, figures with intervals, and against the model before it.

    A model is `chosen` unless the gate would refuse it: worse than the one before, beyond noise.
    """
    out = []
    for number, model in enumerate(made):
        asked = window(case, params, columns, model)
        before = made[number - 1] if number else None
        out.append(
            {
                **_windows(model, asked),
                "rounds": model.rounds,
                "metrics": _figures(asked, model),
                "against": None if before is None else _against(asked, before, model, params),
            }
        )
    return out


def window(case: UseCase, params: UseCaseParams, columns: Columns, model: Made) -> Window:
    """The period after the origin, with draws enough for intervals from so few days."""
    rows = all_events.between(case, columns, model.origin.scored)
    asked = assessment.window(case, params.evaluation, rows, model.threshold)
    days = len(asked.sample().draws)
    level = small_sample.level(asked.level, days)
    return replace(asked, level=level, replicates=params.backtest.replicates)


def count(origins: Sequence[dict[str, Any]]) -> dict[str, int]:
    """How often the newest model was better, within noise, worse than the one before, and chosen."""
    against = [o["against"] for o in origins if o["against"] is not None]
    words = {w: sum(a["word"] == w for a in against) for w in ("better", "within noise", "worse")}
    return {**words, "chosen": sum(a["chosen"] for a in against), "of": len(against)}


def _figures(asked: Window, model: Made) -> dict[str, Any]:
    sample = asked.sample()
    found = evidence.figures(asked, model.answers[model.origin.scored], sample, "model")
    return {m: evidence.as_json(asked.estimate(r, sample)) for m, r in found.items()}


def _against(asked: Window, before: Made, model: Made, params: UseCaseParams) -> dict[str, Any]:
    old, new = (Scored(m.answers[model.origin.scored], m.threshold) for m in (before, model))
    found = paired.compared(asked, old, new, {}, Noise(params.gate.margin))["metrics"][
        asked.primary
    ]
    word = found["difference"]["word"]
    return {"day": str(before.origin.day), **found, "word": word, "chosen": word != "worse"}


def _windows(model: Made, asked: Window) -> dict[str, Any]:
    origin = model.origin
    rows = {**model.rows, "scored": len(asked.label)}
    out = {
        name: {"start": str(w.start), "end": str(w.end), "rows": rows[name]}
        for name, w in (("train", origin.train), ("valid", origin.valid), ("scored", origin.scored))
    }
    if asked.problem == "classification":
        out["scored"]["positives"] = int(asked.label.sum())
    return {"day": str(origin.day), **out}
