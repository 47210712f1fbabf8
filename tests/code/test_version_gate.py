"""A definition that changes without its version is refused, whatever the pull request's own run says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from plumbline.ops.hosting import heads
from plumbline.report import markdown
from plumbline.review import comparison_blocks
from plumbline.review.comparison import Comparison
from plumbline.review.definition_sections import DefinitionChanges
from tests import heads as made
from tests.heads import Change

FEATURES = "usecases/shop/features.py"
FORGED = DefinitionChanges(changes=[], unread=None)


@pytest.fixture
def change(tmp_path: Path) -> Change:
    """A branch on top of main."""
    return made.change(tmp_path)


def judged(change: Change) -> Comparison:
    """The head as the comment's job judges it, by an artifact that says nothing of definitions."""
    result = change.found().model_copy(update={"definitions": {"shop": FORGED}})
    return heads.judged(change.root, result, "main", change.push())


def later(change: Change) -> None:
    change.replace(FEATURES, "hour < 20", "hour < 21")


def in_the_contract(change: Change) -> None:
    change.replace("usecases/shop/contract.py", "CONTRACT =", "LAST = 22\nCONTRACT =")
    change.replace(FEATURES, "import CONTRACT", "import CONTRACT, LAST")
    change.replace(FEATURES, "hour < 20", "hour < LAST")


def unchanged_catalog(change: Change) -> None:
    """What a features stage of the head's own would have written: the hash of before."""
    later(change)
    change.write("metrics/shop/features.json", '{"features": [{"name": "rush", "version": 1}]}')


def overridden(change: Change) -> None:
    """A reason in words lifts other reasons, not this one: the line to write is known."""
    later(change)
    change.set("shop.gate.override", "rush hours end later in summer")


def not_readable(change: Change) -> None:
    later(change)
    change.write(FEATURES, (change.root / FEATURES).read_text() + "\nrush.__defaults__ = ()\n")


REFUSED: dict[str, tuple[Callable[[Change], None], str]] = {
    "body": (later, "write Row(rush, version=2) in usecases/shop/features.py"),
    "by a constant": (in_the_contract, "write Row(rush, version=2)"),
    "catalog forged": (unchanged_catalog, "write Row(rush, version=2)"),
    "override": (overridden, "write Row(rush, version=2)"),
    "not readable": (not_readable, "cannot tell whether features are defined otherwise"),
}


@pytest.mark.capability("C36")
@pytest.mark.parametrize("name", list(REFUSED))
def test_a_changed_definition_of_the_same_version_is_refused(change: Change, name: str) -> None:
    edit, text = REFUSED[name]
    edit(change)
    result = judged(change)
    assert result.gate.verdict == "no"
    assert text in "; ".join(reason.text for reason in result.gate.reasons)


def test_a_version_makes_it_green_and_is_shown(change: Change) -> None:
    later(change)
    change.replace(FEATURES, "Row(rush)", "Row(rush, version=2)")
    result = judged(change)
    assert (result.gate.verdict, result.usecases["shop"].features.plain()["redefined"]) == (
        "yes",
        [{"name": "rush", "parts": ["code"]}],
    )
    comment = markdown.comment(comparison_blocks.blocks(result, "change.json"))
    assert "Features: redefined: rush (code), version 1 → 2" in comment


def test_a_raise_without_a_change_is_said(change: Change) -> None:
    change.replace(FEATURES, "Row(rush)", "Row(rush, version=3)")
    result = judged(change)
    comment = markdown.comment(comparison_blocks.blocks(result, "change.json"))
    assert result.gate.verdict == "yes"
    assert "version without a change: rush, version 1 → 3" in comment


@pytest.mark.capability("C35")
def test_a_schema_that_breaks_needs_a_version_and_one_that_grows_does_not(change: Change) -> None:
    change.replace(FEATURES, '"rain")', '"rain", "rush")')
    grown = judged(change)
    assert grown.gate.verdict == "yes"
    change.git("checkout", "-q", "--detach", "origin/main")
    change.replace(FEATURES, '"hour", "rain")', '"rain")')
    result = judged(change)
    text = "; ".join(reason.text for reason in result.gate.reasons)
    assert "the tables change in a way that breaks readers (hour no longer in the model's" in text
    assert "write version=2 for the FeatureSet in usecases/shop/features.py" in text


def test_definitions_count_where_the_run_left_the_use_case_out(change: Change) -> None:
    """A use case whose outs are the same is in no comparison, and is judged all the same."""
    later(change)
    found = change.found().model_copy(update={"usecases": {}, "unchanged": ["shop"]})
    result = heads.judged(change.root, found, "main", change.push())
    assert "write Row(rush, version=2)" in "; ".join(r.text for r in result.gate.reasons)
