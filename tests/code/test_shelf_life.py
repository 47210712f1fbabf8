"""The measured shelf life as the monitor's limit of age, in params.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from plumbline.core import documents
from plumbline.core.errors import ParamsError
from plumbline.ops import params_text
from plumbline.studies.backtest import shelf_life
from plumbline.studies.backtest.backtest_record import ShelfFigures, Staleness
from tests.conftest import ROOT

SECTION = ("shop", "monitor")


def figures(life: int | None, safe: int) -> ShelfFigures:
    return ShelfFigures(shelf_life_days=life, safe_days=safe, studied_days=140)


@pytest.mark.parametrize(
    ("life", "safe", "limit"), [(42, 28, 42), (None, 28, 28), (None, 0, None), (42, 0, 42)]
)
def test_the_limit_is_the_first_age_too_old_else_the_last_safe_one(life, safe, limit) -> None:
    assert figures(life, safe).age_limit == limit


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("shop: {}\n", "shop: {monitor: {shelf_life_days: 42}}\n"),
        ("shop:\n  data: {}\n", "shop:\n  monitor: {shelf_life_days: 42}\n  data: {}\n"),
        (
            "shop:\n  monitor:  # a\n    rows: 5  # b\n",
            "shop:\n  monitor:  # a\n    shelf_life_days: 42\n    rows: 5  # b\n",
        ),
        (
            "shop: {monitor: {shelf_life_days: 7, rows: 5}}  # c\n",
            "shop: {monitor: {shelf_life_days: 42, rows: 5}}  # c\n",
        ),
        (
            "shop:\n  monitor: {shelf_life_days: null}\n",
            "shop:\n  monitor: {shelf_life_days: 42}\n",
        ),
        ("seed: 7\n", "shop: {monitor: {shelf_life_days: 42}}\nseed: 7\n"),
    ],
)
def test_one_line_changes(before: str, after: str) -> None:
    assert params_text.with_entry(before, SECTION, "shelf_life_days", 42) == after
    assert params_text.with_entry(after, SECTION, "shelf_life_days", 42) == after


@pytest.mark.parametrize(
    "text", ["shop:\n  monitor:\n", "shop: 3\n", "- shop\n", "", "a: &m {}\nshop: {monitor: *m}\n"]
)
def test_a_text_that_does_not_allow_it_is_refused(text: str) -> None:
    with pytest.raises(
        ParamsError, match=r"shop.monitor.shelf_life_days: cannot be set by itself; write"
    ):
        params_text.with_entry(text, SECTION, "shelf_life_days", 42)


def test_the_file_is_changed_once_and_kept_without_a_limit(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text("shop:\n  monitor: {period_days: 7}\n")
    assert "is now 42" in shelf_life.keep(file, "shop", figures(42, 28))
    assert "is 42 already" in shelf_life.keep(file, "shop", figures(42, 28))
    assert "unchanged" in shelf_life.keep(file, "shop", figures(None, 0))
    assert file.read_text() == "shop:\n  monitor: {shelf_life_days: 42, period_days: 7}\n"


@pytest.mark.capability("K22")
@pytest.mark.parametrize("name", ["card_fraud", "flights"])
def test_the_shipped_limits_are_those_of_the_committed_studies(name: str) -> None:
    study = documents.read(Staleness, ROOT / f"profiles/{name}.staleness.json", "")
    section = yaml.safe_load((ROOT / "params.yaml").read_text())[name]["monitor"]
    assert section["shelf_life_days"] == study.age_limit
