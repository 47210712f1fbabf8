"""The model card's section on decisions: the cost matrix, and what each policy costs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plumbline.evaluate.evaluate_document import (
    EvaluateDocument,
    PairedDifference,
    PolicyEvidence,
    PolicyFigures,
)
from plumbline.evaluate.policies import LIMITED, VARIANTS, ordered, title
from plumbline.metrics import cost_matrix as matrix
from plumbline.report import columns
from plumbline.report.blocks import Block, Bullets, Heading, Picture, Table, Text
from plumbline.report.numbers import figure, relative

CELLS = {
    "false_negative": "a case without an alarm",
    "false_positive": "an alarm without a case",
    "true_positive": "a case with an alarm",
    "true_negative": "neither",
}


def section(figures: EvaluateDocument) -> list[Block]:
    """What the alarms cost, compared with other policies."""
    policies = figures.policies
    if policies is None:
        return []
    unit, costs = policies.unit, figures.costs
    priced = ", ".join(
        f"{name} {matrix.amount_text(getattr(costs, cell), unit)}" for cell, name in CELLS.items()
    )
    head = (
        "policy",
        "threshold",
        "alarms per day",
        "precision",
        "recall",
        f"{unit} per day",
        f"{unit} in total",
    )
    each = policies.policies
    names = ordered(each)
    rows = _rows(names, [each[name] for name in names])
    descriptions = [f"{title(name)}: {each[name].description}." for name in names]
    return [
        Heading("Decision and cost"),
        Text(f"Cost per event: {priced}. The window has {policies.days} days.{_unjudged(names)}"),
        Bullets(descriptions),
        Table("Cost by policy", head, rows),
        _differences(
            f"The model's total cost minus each policy's ({unit}), paired", policies.differences
        ),
        *_limited(unit, policies),
        Picture("policies", "Cost of each policy per day, with intervals"),
    ]


def _unjudged(names: Sequence[str]) -> str:
    """Which of the policies the verdict does not judge."""
    variants = ", ".join(title(name) for name in names if name in VARIANTS)
    return f" Not judged, as they limit the model's alarms: {variants}." if variants else ""


def _limited(unit: str, policies: PolicyEvidence) -> list[Block]:
    if not policies.limited:
        return []
    caption = f"The total cost of {LIMITED} minus each policy's ({unit}), paired"
    return [_differences(caption, policies.limited)]


def _differences(caption: str, differences: Mapping[str, PairedDifference]) -> Table:
    pairs = {name: differences[name] for name in ordered(differences)}
    texts = columns.intervals(list(pairs.values()), sign=True)
    rows = [
        (f"minus {title(n)}", text, relative(d.relative), d.word)
        for (n, d), text in zip(pairs.items(), texts, strict=True)
    ]
    return Table(caption, ("cost", "difference", "relative", "verdict"), rows)


def _rows(names: Sequence[str], policies: Sequence[PolicyFigures]) -> list[tuple[str, ...]]:
    cells = [
        [figure(one.threshold) for one in policies],
        columns.figures([one.alarms_a_day for one in policies]),
        columns.figures([one.precision for one in policies], percent=True),
        columns.figures([one.recall for one in policies], percent=True),
        columns.intervals([one.cost_a_day for one in policies]),
        columns.intervals([one.cost for one in policies]),
    ]
    return list(zip(map(title, names), *cells, strict=True))
