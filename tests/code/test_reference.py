"""The generated reference pages are those of the code, and its examples run."""

from __future__ import annotations

import doctest
import re

import pytest

from docs import badges, fields, reference
from plumbline.core import declarations, usecase
from tests.conftest import ROOT


@pytest.mark.parametrize("name", [*reference.WRITTEN, *badges.badges()])
def test_page_is_up_to_date(name: str) -> None:
    assert (ROOT / "docs" / name).read_text() == reference.pages()[name], "run `make docs`"


def test_every_declaration_has_its_example() -> None:
    named = [name for names in reference.DECLARED.values() for name in names]
    assert reference.declarations().count("```python") == len(named)
    results = [doctest.testmod(module) for module in (declarations, usecase)]
    assert sum(r.failed for r in results) == 0
    assert sum(r.attempted for r in results) >= len(named)


def test_every_field_has_a_meaning() -> None:
    for name in ("declarations.md", "params.md"):
        assert re.findall(r"^\| (.*) \| \|$", reference.pages()[name], re.MULTILINE) == []


def test_a_field_says_what_it_is_by_the_comments_at_it() -> None:
    text = fields.comments(declarations.Where)["high"]
    assert text.startswith("exclusive; None: no upper limit; below `low`")
    assert fields.comments(declarations.Column)["null"] == "whether values may be missing"


def test_check_names_the_page_that_is_old(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reference, "pages", lambda: {"params.md": "other"})
    assert reference.main(["--check"]) == 1
    assert "docs/params.md is out of date; run `make docs`" in capsys.readouterr().err
