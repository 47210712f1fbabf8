"""The shelf life that a study measured, kept as the monitor's limit of age. An edge: writes params.yaml."""

from __future__ import annotations

from pathlib import Path

from plumbline.core import files
from plumbline.ops import params_text
from plumbline.studies.backtest.backtest_record import ShelfFigures

KEY = "shelf_life_days"


def keep(params: Path, name: str, figures: ShelfFigures) -> str:
    """Set a use case's `monitor.shelf_life_days` in the file; what was done, in a line.

    ParamsError, and the file as it was, where its text does not allow that.
    """
    days = figures.age_limit
    if days is None:
        return (
            f"{params}: unchanged; the study is sure of the loss at no age: more origins tell more"
        )
    text = params.read_text(encoding="utf-8")
    changed = params_text.with_entry(text, (name, "monitor"), KEY, days)
    if changed == text:
        return f"{params}: {name}.monitor.{KEY} is {days} already"
    with files.replacing(params) as beside:
        beside.write_text(changed, encoding="utf-8")
    return f"{params}: {name}.monitor.{KEY} is now {days}; run `dvc repro`, and commit both files"
