"""The model card's section on decisions: the cost matrix, and what each policy costs. Pure."""

from __future__ import annotations

from plumbline.evaluate.policies import LIMITED, ordered
from plumbline.metrics import cost_matrix as matrix
from plumbline.report.card_text import (
    Bullets,
    Figures,
    Heading,
    Part,
    Picture,
    Rows,
    Text,
    interval,
    number,
    percent,
)

CELLS = {
    "false_negative": "a case without an alarm",
    "false_positive": "an alarm without a case",
    "true_positive": "a case with an alarm",
    "true_negative": "neither",
}


def policies(figures: Figures) -> list[Part]:
    """What the alarms cost, beside other ways to act."""
    found = figures.get("policies")
    if not found:
        return []
    unit, costs = found["unit"], figures["costs"]
    priced = ", ".join(f"{said} {matrix.said(costs[c], unit)}" for c, said in CELLS.items())
    head = (
        "policy",
        "from",
        "alarms a day",
        "precision",
        "recall",
        f"{unit} a day",
        f"{unit} in all",
    )
    names = ordered(found["policies"])
    rows = [_policy(name, found["policies"][name]) for name in names]
    named = [f"{name}: {found['policies'][name]['description']}." for name in names]
    return [
        Heading("Decision and cost"),
        Text(f"What an event costs: {priced}. The window has {found['days']} days."),
        Bullets(named),
        Rows("Policies in money", head, rows),
        _apart(
            f"The model's cost minus each policy's, {unit} in all, paired", found["differences"]
        ),
        *_limited(unit, found),
        Picture("policies", "Cost of each policy a day, with intervals"),
    ]


def _limited(unit: str, found: Figures) -> list[Part]:
    if not found["limited"]:
        return []
    title = (
        f"The cost of so few alarms a day ({LIMITED}) minus each policy's, {unit} in all, paired"
    )
    return [_apart(title, found["limited"])]


def _apart(title: str, differences: Figures) -> Rows:
    rows = [
        (f"minus {n}", interval(d), percent(d["relative"]), d["word"])
        for n, d in ((name, differences[name]) for name in ordered(differences))
    ]
    return Rows(title, ("cost", "difference", "relative", "it is"), rows)


def _policy(name: str, one: Figures) -> tuple[str, ...]:
    figures = [number(one[key]) for key in ("threshold", "alarms_a_day", "precision", "recall")]
    return name, *figures, interval(one["cost_a_day"]), interval(one["cost"])
