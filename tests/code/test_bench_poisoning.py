"""The benchmark's part on poisoned data: its page is made of its figures, its shocks are the simulator's."""

from __future__ import annotations

import json
from datetime import date

import pytest

from bench import poisoning
from bench.monitoring import poisons
from sources.card_fraud import settings


def test_the_page_shows_the_figures_that_are_committed() -> None:
    results = json.loads(poisoning.FIGURES.read_text(encoding="utf-8"))
    page = poisoning.PAGE.read_text(encoding="utf-8")
    assert poisoning.put(page, poisoning.text(results)) == page


@pytest.mark.capability("G17")
def test_the_checks_see_what_they_are_for_and_flag_nothing_where_nothing_changes() -> None:
    results = json.loads(poisoning.FIGURES.read_text(encoding="utf-8"))
    for name in ("random", "segment", "entity", "copies", "outliers"):
        streams = results["poisons"][f"{name}-0.05"]["validate"]["1000"]
        assert all(stream["new"] for stream in streams), name
    clean = results["clean"]["nothing changes"].values()
    assert not any(stream["new"] for some in clean for stream in some)


def test_every_shock_is_one_of_the_simulator() -> None:
    shocks = [p.shock for p in poisons.poisons()]
    shocks += [shock for listed in poisons.CLEAN.values() for shock in listed]
    dated = [{**shock, "date": date(2025, 1, 1)} for shock in shocks]
    assert len(settings.read({"shocks": dated}).shocks) == len(shocks)


def test_only_the_own_part_of_the_page_is_replaced() -> None:
    page = "# A\n\ntext\n\n## Poisoned data\n\nold\n"
    assert (
        poisoning.put(page, "## Poisoned data\n\nnew\n")
        == "# A\n\ntext\n\n## Poisoned data\n\nnew\n"
    )
    assert poisoning.put("# A\n", "## Poisoned data\n").endswith("# A\n\n## Poisoned data\n")
