"""The report's page in a real browser: from disk, without the network, light and dark, accessible."""

from __future__ import annotations

from pathlib import Path

import pytest

from plumbline.report import html
from plumbline.review import comparison_blocks
from tests import browser
from tests.browser import Scheme
from tests.reviews import comparison

FAILED = {"stage": "train@shop", "error": "no rows"}


@pytest.fixture(params=["whole", "refused", "failed"])
def report(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A page with every kind of block, one with reasons against, one of a run that failed."""
    changes = {
        "whole": {},
        "refused": {"lock": {"md5": "0", "checked": True, "stale": ["train@shop"], "bytes": ["x"]}},
        "failed": {"failed": FAILED, "usecases": {}},
    }[request.param]
    path = tmp_path / "report.html"
    path.write_text(
        html.render(comparison_blocks.blocks(comparison(**changes), "x")), encoding="utf-8"
    )
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(report: Path, tmp_path: Path, scheme: Scheme) -> None:
    result = browser.axe(report, tmp_path, scheme)
    assert result["violations"] == []
    assert result["passes"] > 10


def test_it_opens_and_the_console_is_empty(report: Path) -> None:
    text, console = browser.opened(report)
    assert "<h1" in text
    assert console == []


def test_what_axe_and_the_console_would_find(tmp_path: Path) -> None:
    """The two checks above see a fault: grey on grey, a picture without words, a message."""
    path = tmp_path / "bad.html"
    path.write_text(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>x</title></head><body><main>'
        '<h1>x</h1><p style="color:#999;background:#aaa">pale</p><img src="data:,">'
        "</main><script>console.error('said')</script></body></html>"
    )
    ids = {v["id"] for v in browser.axe(path, tmp_path)["violations"]}
    assert {"color-contrast", "image-alt"} <= ids
    _, console = browser.opened(path)
    assert any("said" in line for line in console)
