"""The model card's section on assumptions: what the figures take for granted, and where each is set. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from plumbline.core.usecase import UseCase
from plumbline.evaluate.evaluate_document import EvaluateDocument, ServedRows
from plumbline.evaluate.model_card_costs import CELLS
from plumbline.evaluate.policies import MODEL
from plumbline.metrics import cost_matrix
from plumbline.report.blocks import Block, Heading, Table, Text
from plumbline.report.numbers import count, figure

Row = tuple[str, str, str]
"""An assumption, its value here, and the key or file that sets it."""
WINDOWS = {
    "train": ("the past that is learned from resembles the days to come", "features.warmup_days"),
    "valid": ("these days are enough to stop, calibrate and decide by", "features.valid_days"),
    "test": ("these days stand for those on which the model is used", "features.test_days"),
    "current": ("these days stand for the present", "features.current_days"),
}
METHODS = {
    "none": "scores are taken as they are",
    "platt": "log-odds are off by a factor and an offset alone (Platt scaling)",
    "isotonic": "scores are in the right order, and off in their size (isotonic regression)",
    "temperature": "scores are too sharp or too flat by one factor (temperature)",
    "vector": "log-odds of each class are off by a factor and an offset (vector scaling)",
}


def section(usecase: UseCase, figures: EvaluateDocument) -> list[Block]:
    """What is assumed, from the declarations and from the params that the evaluation has recorded."""
    rows = [
        *_labels(usecase),
        *(_windows(figures) if usecase.time else ()),
        *_costs(figures),
        *_scores(figures),
        *_judging(usecase, figures),
    ]
    return [
        Heading("Assumptions"),
        Text("Where one of them does not hold, the figures above do not, either."),
        Table("What is assumed", ("assumption", "here", "set in"), rows),
    ]


def _labels(usecase: UseCase) -> Iterator[Row]:
    if usecase.delay:
        where = f"`usecases/{usecase.name}/contract.py`"
        yield "labels are final this long after their events", usecase.delay_words, where


def _windows(figures: EvaluateDocument) -> Iterator[Row]:
    for name, (text, key) in WINDOWS.items():
        days = _days(figures.data.windows.get(name))
        if days:
            yield f"{name}: {text}", count(days, "day"), f"`{key}`"
    if figures.data.as_of:
        yield "nothing after this day was known", figures.data.as_of, "`data.as_of`"


def _days(window: ServedRows | None) -> int:
    if window is None or window.start is None or window.end is None:
        return 0
    return (date.fromisoformat(window.end) - date.fromisoformat(window.start)).days


def _costs(figures: EvaluateDocument) -> Iterator[Row]:
    policies, costs = figures.policies, figures.costs
    if policies is None or costs is None:
        return
    for cell, name in CELLS.items():
        amount = cost_matrix.amount_text(getattr(costs, cell), policies.unit)
        yield f"what it costs: {name}", amount, f"`train.costs.{cell}`"
    threshold = policies.policies[MODEL].threshold
    yield "the cheapest threshold on validation is cheap later", figure(threshold), "`train.costs`"
    yield "alarms that can be looked into each day", figure(figures.settings.k), "`evaluate.k`"


def _scores(figures: EvaluateDocument) -> Iterator[Row]:
    if figures.calibration is not None:
        kind = figures.calibration.kind
        yield METHODS.get(kind, kind), kind, "`train.calibration`"


def _judging(usecase: UseCase, figures: EvaluateDocument) -> Iterator[Row]:
    drawn = "days" if usecase.time else "rows"
    level = f"{figures.settings.level:.0%} of {figures.settings.bootstrap} replicates"
    yield f"{drawn} are independent of each other (intervals)", level, "`evaluate.bootstrap`"
    if "seed" in figures.training:
        yield "another seed gives a model as good", str(figures.training["seed"]), "`seed`"
