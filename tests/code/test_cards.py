"""A card held against the metrics: an edited one is refused at the gate, a true one and none are not."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from plumbline.cli.app import main
from plumbline.core.errors import SpecError
from plumbline.evaluate import model_card, model_card_check
from plumbline.evaluate.evaluate_document import EvaluateDocument
from plumbline.review import cards, lock_reasons
from plumbline.review.comparison import LockState
from tests import in_memory
from tests.code.test_modelcard import FIGURES, card, page, usecase
from tests.conftest import ROOT

METRICS = Path("metrics/sample/evaluate.json")
REPORT = Path("reports/sample/evaluate")
GRAPH = f"stages: {{evaluate: {{cmd: 'true', outs: [{REPORT}], metrics: [{METRICS}: {{cache: false}}]}}}}"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A work tree with one use case, its metrics and its card."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cards, "here", lambda: tmp_path)
    in_memory.install(usecase(), partial(monkeypatch.setitem, sys.modules), "sample")
    Path("params.yaml").write_text("usecases: [sample]\nsample: {}\n")
    Path("dvc.yaml").write_text(GRAPH)
    METRICS.parent.mkdir(parents=True)
    METRICS.write_text(json.dumps(FIGURES))
    REPORT.mkdir(parents=True)
    (REPORT / model_card.MARKDOWN).write_text(card(usecase(), FIGURES))
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_true_card_passes(here: Path):
    assert cards.check(here) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("| average precision |  | 0.500 (0.400", "| average precision |  | 0.900 (0.800"),
        ("321 of them positive", "1,321 of them positive"),
        ("| holds |", "| violated |"),
        ("**✓ Pass**", "**✓ Splendid**"),
        ("`abc`", "`abd`"),
        ("- Judging.\n", ""),
        ("## Limits", "It is the best of all.\n\n## Limits"),
    ],
)
def test_an_edited_card_is_reported(here: Path, old: str, new: str):
    edit(REPORT / model_card.MARKDOWN, old, new)
    [report] = cards.check(here)
    assert "model_card.md: " in report
    assert "metrics" in report or "is missing" in report


def test_edited_metrics_are_told_as_well(here: Path):
    edit(METRICS, '"test": 12345', '"test": 12346')
    [message] = cards.check(here)
    assert "12,345 rows" in message
    assert "the metrics say" in message
    assert "12,346 rows" in message


def test_many_contradictions_are_counted(here: Path):
    (REPORT / model_card.MARKDOWN).write_text(
        "\n\n".join(
            line.upper() if place % 4 == 0 else line
            for place, line in enumerate(card(usecase(), FIGURES).split("\n\n"))
        )
    )
    message = cards.check(here)
    assert len(message) == cards.MOST + 1
    assert "more places differ" in message[-1]


def test_an_edited_page_is_told(here: Path):
    built = page(here, usecase(), FIGURES)
    text = built.read_text()
    drawn = dict.fromkeys((), b"")
    document = EvaluateDocument.model_validate(FIGURES)
    assert model_card_check.page_contradicts(usecase(), document, text, drawn) == [
        "the page shows a picture that is not beside it: quality.png"
    ]


def test_without_card_or_metrics_or_in_another_tree_nothing_is_said(
    here: Path, monkeypatch: pytest.MonkeyPatch
):
    (REPORT / model_card.MARKDOWN).rename("elsewhere.md")
    assert cards.check(here) == []
    Path("elsewhere.md").rename(REPORT / model_card.MARKDOWN)
    edit(REPORT / model_card.MARKDOWN, "**✓ Pass**", "**✗ Fail**")
    assert cards.check(here)
    METRICS.rename("elsewhere.json")
    assert cards.check(here) == []
    Path("elsewhere.json").rename(METRICS)
    monkeypatch.setattr(cards, "here", lambda: here.parent)
    assert cards.check(here) == []


def test_metrics_of_an_older_version_are_told(here: Path):
    METRICS.write_text(json.dumps({k: v for k, v in FIGURES.items() if k != "data"}))
    [message] = cards.check(here)
    assert "data: missing key" in message


def test_a_use_case_that_cannot_be_read_is_told_and_stops_nothing(
    here: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(name: str) -> None:
        raise SpecError("the feature list uses 'is_fraud', which is not known")

    monkeypatch.setattr("plumbline.core.usecase_loader.load", refuse)
    [message] = cards.check(here)
    assert "cannot be compared with the metrics: the feature list uses 'is_fraud'" in message


def test_the_gate_refuses_an_edited_card(here: Path, capsys: pytest.CaptureFixture[str]):
    """The whole way: under git and DVC, with nothing to run and a lock that is up to date."""
    dvc = (sys.executable, "-m", "dvc")
    for words in (("git", "init", "-q"), (*dvc, "init", "-q"), (*dvc, "commit", "-q", "-f")):
        subprocess.run(words, check=True)
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(("git", "add", "."), check=True)
    subprocess.run(("git", *who, "commit", "-qm", "All"), check=True)
    assert main(["gate", "--lock-only"]) == 0
    edit(
        REPORT / model_card.MARKDOWN, "| average precision |  | 0.5", "| average precision |  | 0.7"
    )
    assert main(["gate", "--lock-only"]) == 1
    assert "a model card that contradicts the metrics" in capsys.readouterr().out


def test_a_ruling_names_the_card():
    state = LockState(md5="0", checked=True, cards=["x says 1"])
    [reason] = lock_reasons.of_lock(state)
    assert (reason.kind, reason.usecase) == ("card", None)


def test_the_tree_is_that_of_the_use_cases() -> None:
    assert cards.here() == ROOT
