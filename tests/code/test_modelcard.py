"""The model card: complete, and in words and numbers that one can read."""

from __future__ import annotations

import math
from base64 import b64decode
from pathlib import Path

import pytest

from plumbline.core.declarations import Behaviour, Column, Slice, Use
from plumbline.core.usecase import UseCase
from plumbline.evaluate import model_card
from plumbline.evaluate.evaluate_document import EvaluateDocument
from plumbline.metrics.bootstrap import Estimate
from plumbline.metrics.interval import Interval
from plumbline.report.blocks import Bullets, Heading, Picture, Table
from plumbline.report.markdown import table
from plumbline.report.numbers import figure, interval
from tests import browser
from tests.browser import Scheme

DOT = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
ASKED = {"level": 0.95, "bootstrap": 200, "k": 20, "false_alarm_rate": 0.01}
FOUND = {"value": 0.5, "low": 0.4, "high": 0.61}
RATE = {**FOUND, "of": 4}
APART = {"value": 0.2, "low": 0.1, "high": 0.3, "relative": 0.667, "word": "better"}
POLICY = {
    "threshold": 0.25,
    "alarms_a_day": 3.5,
    "precision": 0.5,
    "recall": None,
    "cost": {"value": 123_456.0, "low": 100_000.0, "high": 150_000.0},
    "cost_a_day": FOUND,
}
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
    "subgroups": {
        "columns": 3,
        "looked_at": 1_234,
        "tried": 1,
        "confirmed": 1,
        "level": 0.95,
        "found": [
            {
                "rule": "size under 5 and kind = tube",
                "rows": 88,
                "positives": 9,
                "expected": 4.5,
                "excess": 0.3,
                "elsewhere": 0.01,
                "chance": 0.004,
                "corrected": 0.004,
                "confirmed": True,
                "average_precision": FOUND,
            }
        ],
    },
    "fairness": {
        "band": {
            "groups": {
                "5 and over": {"rows": 9, "recall": RATE},
                "under 5": {"rows": 8, "recall": RATE},
            },
            "gaps": {
                "recall": {**FOUND, "higher": "a", "lower": "b", "pairs": 1, "word": "beyond noise"}
            },
        }
    },
    "calibration": {
        "kind": "platt",
        "ece": FOUND,
        "relative": FOUND,
        "uncalibrated": FOUND,
        "noise": 0.0123,
        "bins": [{**FOUND, "predicted": 0.45, "rows": 55}],
        "bins_uncalibrated": [],
    },
    "policies": {
        "unit": "cents",
        "days": 28,
        "policies": {
            "nothing": {"description": "no alarm at all", **POLICY},
            "model": {"description": "the model", **POLICY},
        },
        "differences": {"nothing": APART},
        "limited": {"nothing": {**APART, "value": 0.21}},
    },
    "costs": {
        "unit": "cents",
        "false_negative": "size",
        "false_positive": 5,
        "true_positive": 0.0,
        "true_negative": 0.0,
    },
    "settings": ASKED,
    "training": {"seed": 7},
    "important": [{"feature": "size", "share": 0.75}],
    "data": {
        "source": "csv",
        "sha256": "feed",
        "span": ["2025-01-01", "2025-02-02"],
        "as_of": "2025-03-01",
        "rows": {"events": {"in": 999, "set_aside": 2}},
        "quarantined": {"events": {"size.range": 2}},
        "let_through": ["size.mean: seen (anna, until 2025-03-02)"],
        "windows": {"test": {"start": "2025-01-05", "end": "2025-02-02", "rows": 77}},
        "md5": {"train": "abc"},
    },
    "floors": {"size": 0.25},
    "behaviours": {
        "larger": {
            "pairs": 500,
            "share": 0.999,
            "required": 0.99,
            "expect": "not_lower",
            "holds": True,
        }
    },
    "gate": {"verdict": "pass", "checks": {}, "reasons": ["fine"]},
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
        "groups": (Slice("band", "size", "band of size", edges=(5,)),),
        "use": Use(("Sorting.",), ("Judging.",), ("It is small.",), "No person is in it."),
    }
    return UseCase(**{**declared, **changes})


def card(case: UseCase, figures: dict) -> str:
    return model_card.render(case, EvaluateDocument.model_validate(figures))


def test_the_card_holds_the_evidence():
    text = card(usecase(), FIGURES)
    for line in (
        "# Model card: A sample",
        "turned out bad, known 7 days after the event",
        "**✓ Pass**",
        "Average precision 0.500 (0.400 to 0.610); baselines: constant 0.100, naive 0.300.",
        "by XGBoost from 1 feature.",
        "constant: the share of positives in the training window for every event",
        "naive: `size` alone",
        "(50.0% - 1.2%) / 2.6% = 19 of the rarer class's share.",
        "- fine",
        "Test window: 12,345 rows on 28 days, 321 of them positive.",
        "| average precision |  | 0.500 (0.400 to 0.610) | 0.100 | 0.300 |",
        "| log loss |  | 0.500 (0.400 to 0.610) | 0.200 | – |",
        "| minus naive | +0.200 (+0.100 to +0.300) | +66.7% | better |",
        "| 2025-01 | 77 | 0.500 (0.400 to 0.610) | +0.200 (+0.100 to +0.300) | better |",
        "| size band | under 5 | 66 | 0.500 (0.400 to 0.610) |",
        "| larger is not better | 99.9% of 500 pairs | 99.0% | holds |",
        "| seed | `7` |",
        "- Sorting.",
        "- Judging.",
        "- It is small.",
        "No person is in it.",
        "| source | csv |",
        "| licence and purpose | not declared; declare `terms` in `usecases/sample/contract.py` |",
        "| events in quarantine | 2 (size.range: 2) |",
        "| let through | size.mean: seen (anna, until 2025-03-02) |",
        "| test | 2025-01-05 | 2025-02-02 | 77 |",
        "Expected calibration error 50.0% (40.0% to 61.0%)",
        "| 45.0% | 50.0% (40.0% to 61.0%) | 55 |",
        "a case without an alarm `size`, an alarm without a case 5 cents",
        "| model | 0.25 | 3.50 | 50.0% | – | 0.500 (0.400 to 0.610) | 123,456 (100,000 to 150,000) |",
        "1,234 subgroups of one or two conditions",
        "| size under 5 and kind = tube | confirmed | 88 | 9 (4.5) | 0.300 | 0.0100 | 0.00400 | 0.500 (0.400 to 0.610) |",
        "| band of size | recall | a | b | 50.0% (40.0% to 61.0%) | beyond noise |",
        "| `size` | 75.0% |",
        "| minus no alarms | +0.210 (+0.100 to +0.300) | +66.7% | better |",
        "| md5 of train | `abc` |",
        "git log -1 -- metrics/sample/evaluate.json",
    ):
        assert line in text, line


@pytest.mark.capability("D2")
def test_assumptions_are_the_params_and_declarations():
    windows = {"test": {"rows": 7, "start": "2025-01-05", "end": "2025-02-02"}}
    data = {**FIGURES["data"], "windows": windows, "as_of": "2025-03-01"}
    policies = {**FIGURES["policies"], "policies": {**FIGURES["policies"]["policies"]}}
    text = card(usecase(), {**FIGURES, "data": data, "policies": policies})
    for line in (
        "| labels are final this long after their events | 7 days | `usecases/sample/contract.py` |",
        "| test: these days stand for those on which the model is used | 28 days | `features.test_days` |",
        "| nothing after this day was known | 2025-03-01 | `data.as_of` |",
        "| what it costs: an alarm without a case | 5 cents | `train.costs.false_positive` |",
        "| the cheapest threshold on validation is cheap later | 0.25 | `train.costs` |",
        "| alarms that can be looked into each day | 20 | `evaluate.k` |",
        "| `train.calibration` |",
        "| days are independent of each other (intervals) | 95% of 200 replicates | `evaluate.bootstrap` |",
        "| another seed gives a model as good | 7 | `seed` |",
    ):
        assert line in text, line
    assert "train:" not in text, "a window that is not recorded"
    plain = card(BARE, BARE_FIGURES)
    assert "| rows are independent of each other (intervals) |" in plain
    assert "train.costs" not in plain


BARE = usecase(
    problem="regression",
    time=None,
    label_delay=0,
    slices=(),
    groups=(),
    behaviours=(),
    naive=None,
    use=Use(),
)
BARE_FIGURES = {
    **{k: v for k, v in FIGURES.items() if k not in ("months", "calibration", "policies")},
    "problem": "regression",
    "rows": {"test": 88},
    "slices": {},
    "fairness": {},
    "behaviours": {},
    "costs": None,
    "subgroups": {**FIGURES["subgroups"], "found": [], "tried": 0, "confirmed": 0},
    "data": {**FIGURES["data"], "span": None, "as_of": None, "sha256": None},
}


def test_a_plain_regression_leaves_out_what_it_has_not():
    text = card(BARE, BARE_FIGURES)
    assert "Test window: 88 rows. " in text
    assert "No slices are declared." in text
    assert "prediction minus label" in text
    assert "Declare it in `use` in `usecases/sample/model.py`." in text
    for absent in ("By month", "Calibration", "Decision and cost", "days"):
        assert absent not in text, absent


@pytest.mark.parametrize(("case", "figures"), [(usecase(), FIGURES), (BARE, BARE_FIGURES)])
def test_no_section_is_empty(case: UseCase, figures: dict):
    parts = model_card.parts(case, EvaluateDocument.model_validate(figures))
    for part, after in zip(parts, [*parts[1:], Heading("end")], strict=True):
        assert not (isinstance(part, Heading) and isinstance(after, Heading)), part
        if isinstance(part, Table):
            assert part.rows, part.title
            assert {len(row) for row in part.rows} == {len(part.head)}, part.title
        if isinstance(part, Bullets):
            assert part.lines


def test_groups_and_policies_stand_in_the_order_in_which_one_reads_them():
    text = card(usecase(), FIGURES)
    assert text.index("| band of size | under 5") < text.index("| band of size | 5 and over")
    assert text.index("- model: the model.") < text.index("- no alarms: no alarm")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_page(tmp_path: Path, scheme: Scheme):
    path = page(tmp_path, usecase(), FIGURES)
    result = browser.axe(path, tmp_path, scheme)
    assert result["violations"] == []
    assert result["passes"] > 10


def test_the_page_opens_and_the_console_is_empty(tmp_path: Path):
    for case, figures in ((usecase(), FIGURES), (BARE, BARE_FIGURES)):
        text, console = browser.opened(page(tmp_path, case, figures))
        assert console == []
        assert "<h1>Model card: A sample</h1>" in text
        assert 'src="data:image/png;base64,' in text
        assert "http" not in text.replace("http-equiv", "")


def page(folder: Path, case: UseCase, figures: dict) -> Path:
    """The card's page with pictures of one dot."""
    names = (
        p.name
        for p in model_card.parts(case, EvaluateDocument.model_validate(figures))
        if isinstance(p, Picture)
    )
    path = folder / "card.html"
    document = EvaluateDocument.model_validate(figures)
    path.write_text(model_card.page(case, document, dict.fromkeys(names, DOT)), encoding="utf-8")
    return path


def test_without_a_naive_answer_months_stand_beside_the_constant():
    assert "| minus constant |" in card(usecase(naive=None), FIGURES)


def test_a_bar_in_a_cell_does_not_end_it():
    assert table(("a",), [("x|y",)]).splitlines()[-1] == "| x\\|y |"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123456, "0.1235"),
        (1234567.0, "1,234,567"),
        (12345.6, "12,346"),
        (0.0, "0"),
        (0.00001234, "0.000012"),
        (2e-9, "<0.000001"),
        (math.nan, "–"),
        (None, "–"),
    ],
)
def test_figure(value: float | None, text: str):
    assert figure(value) == text


def test_an_interval_that_is_not_there_is_left_out():
    assert interval(Estimate(0.5, math.nan, math.nan)) == "0.5"
    assert interval(Interval(value=0.5, low=None, high=None)) == "0.5"
