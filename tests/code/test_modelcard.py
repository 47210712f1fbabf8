"""The model card: complete, and in words and numbers that one can read."""

from __future__ import annotations

import math

import pytest

from plumbline.evaluation import modelcard
from plumbline.usecase import Behaviour, Column, Costs, Slice, UseCase

ASKED = {"level": 0.95, "bootstrap": 200, "k": 20, "false_alarm_rate": 0.01}
FOUND = {"value": 0.5, "low": 0.4, "high": 0.61}
APART = {"value": 0.2, "low": 0.1, "high": 0.3, "relative": 0.667, "word": "better"}
FIGURES = {
    "problem": "classification",
    "primary": "average_precision",
    "rows": {"test": 12_345, "days": 28, "positives": 321},
    "metrics": {"average_precision": FOUND, "log_loss": FOUND},
    "baselines": {
        "constant": {"average_precision": 0.1, "log_loss": 0.2},
        "naive": {"average_precision": 0.3},
    },
    "differences": {"naive": APART},
    "months": {
        "2025-01": {**FOUND, "rows": 77, "differences": {"naive": APART, "constant": APART}}
    },
    "slices": {"size": {"under 5": {**FOUND, "rows": 66}}},
    "behaviours": {"larger": {"pairs": 500, "share": 0.999, "required": 0.99, "holds": True}},
    "gate": {"verdict": "pass", "reasons": ["fine"]},
}


def usecase(**changes: object) -> UseCase:
    declared = {
        "name": "sample",
        "title": "A sample",
        "owner": "nobody@example.com",
        "problem": "classification",
        "key": "id",
        "time": "at",
        "label": "bad",
        "label_delay": 7,
        "columns": (
            Column("id", "int", "-", "number"),
            Column("at", "timestamp", "UTC", "when"),
            Column("size", "int", "cents", "size"),
            Column("bad", "int", "0/1", "turned out bad", known=False),
        ),
        "features": ("size",),
        "naive": "size",
        "slices": (Slice("size", "size", "size band", edges=(5,)),),
        "behaviours": (Behaviour("larger", "larger is not better", dict, "not_lower"),),
        "costs": Costs("size", 5, "cents"),
    }
    return UseCase(**{**declared, **changes})


def card(case: UseCase, figures: dict) -> str:
    return modelcard.render(case, figures, ASKED, {"seed": 7}, ["size"])


def test_the_card_holds_the_evidence():
    text = card(usecase(), FIGURES)
    for line in (
        "# Model card: A sample",
        "turned out bad, known 7 days after the event",
        "**pass**",
        "- fine",
        "Test window: 12,345 rows on 28 days, 321 of them positive.",
        "| average precision | 0.5 (0.4 to 0.61) | 0.1 | 0.3 |",
        "| log loss | 0.5 (0.4 to 0.61) | 0.2 | – |",
        "| minus naive | 0.2 (0.1 to 0.3) | +66.7% | better |",
        "| 2025-01 | 77 | 0.5 (0.4 to 0.61) | 0.2 (0.1 to 0.3) | better |",
        "| size band | under 5 | 66 | 0.5 (0.4 to 0.61) |",
        "| larger is not better | 99.9% of 500 pairs | 99.0% | holds |",
        "| seed | `7` |",
        "Money is in cents",
    ):
        assert line in text, line


def test_a_plain_regression_leaves_out_what_it_has_not():
    case = usecase(
        problem="regression",
        time=None,
        label_delay=0,
        slices=(),
        behaviours=(),
        costs=None,
        naive=None,
    )
    figures = {
        **{k: v for k, v in FIGURES.items() if k != "months"},
        "problem": "regression",
        "rows": {"test": 88},
        "slices": {},
        "behaviours": {},
    }
    text = card(case, figures)
    assert "Test window: 88 rows. " in text
    assert "None is declared." in text
    assert "prediction minus label" in text
    for absent in ("By month", "By slice", "Money", "days"):
        assert absent not in text, absent


def test_without_a_naive_answer_months_stand_beside_the_constant():
    assert "| minus constant |" in card(usecase(naive=None), FIGURES)


def test_a_bar_in_a_cell_does_not_end_it():
    assert modelcard.table(("a",), [("x|y",)]).splitlines()[-1] == "| x\\|y |"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123456, "0.1235"),
        (1234567.0, "1,234,567"),
        (12345.6, "12,346"),
        (0.0, "0"),
        (math.nan, "–"),
        (None, "–"),
    ],
)
def test_number(value: float | None, text: str):
    assert modelcard.number(value) == text


def test_an_interval_that_is_not_there_is_left_out():
    assert modelcard.interval({"value": 0.5, "low": math.nan, "high": math.nan}) == "0.5"
    assert modelcard.interval({"value": 0.5, "low": None, "high": None}) == "0.5"
