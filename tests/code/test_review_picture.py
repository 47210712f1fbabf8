"""The README's picture of two comments is drawn from the kept ones, with nothing of Mermaid left."""

from __future__ import annotations

import re
import runpy

from tests.conftest import ROOT


def test_the_page() -> None:
    drawn = runpy.run_path(str(ROOT / "docs" / "review.py"))
    texts = {n: (ROOT / "docs" / "review" / f"{n}.md").read_text() for n in drawn["NAMES"]}
    page = drawn["page"](texts)
    assert "mermaid" not in page
    assert page.count("<article>") == 2
    assert page.count('class="changed"') == 6
    assert page.count("<rect") == 16
    assert re.search("Nothing against merging.*Do not merge", page, re.DOTALL)
    assert "http" not in page
