"""Payloads in every value that reaches a page, opened in a browser: nothing runs, loads or leads outside."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plumbline.core.declarations import Column, Use
from plumbline.core.sql import literal
from plumbline.evaluate import model_card
from plumbline.evaluate.evaluate_document import EvaluateDocument
from plumbline.monitor import page as monitor_page
from plumbline.report import blocks as b
from plumbline.report import html
from plumbline.review import comparison_blocks
from tests import browser, orders
from tests.code import test_modelcard as cards
from tests.model.test_monitor import shop  # noqa: F401 (a fixture)
from tests.payloads import HTML, PAYLOADS, RAN
from tests.reviews import RESULT, comparison
from tests.shop import DELAY, LAST, table
from tests.system.test_monitor_page import whole

WITHIN = re.compile(r"#|data:|[\w-]+\.(html|svg|csv|png)$|$")
"""An address inside the page, or of a file beside it."""
ADDRESSES = {"action", "background", "data", "formaction", "href", "poster", "src", "xlink:href"}
LOADING = {"base", "embed", "form", "frame", "iframe", "object", "video", "audio", "source"}
PLOTLY = "https://plotly.com/"
"""Behind the logo that Plotly's charts show."""
STORED = [p.replace("\x00", "") for p in PAYLOADS]
"""As a table can hold them."""


class Active(HTMLParser):
    """What in a loaded page acts: scripts, handlers, addresses outside."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        texts = {name: text or "" for name, text in attrs}
        refresh = tag == "meta" and texts.get("http-equiv") == "refresh"
        if tag in LOADING or tag == "script" or refresh:
            self.found.append(f"<{tag}>")
        self.found += [f"{tag} {name}" for name in texts if name.startswith("on")]
        outside = ADDRESSES & set(texts)
        self.found += [texts[n] for n in outside if not WITHIN.match(texts[n])]


def opened(path: Path, *, scripts: bool = False) -> str:
    """The page as the browser has it; fails where something ran, asked for an address, or could."""
    dom, console = browser.opened(path)
    assert console == [], path.name
    assert not _ran(dom), path.name
    parser = Active()
    parser.feed(dom)
    allowed = {"<script>", PLOTLY} if scripts else set()
    assert set(parser.found) <= allowed, path.name
    return dom


def _ran(dom: str) -> bool:
    return re.search(r"<title>RAN</title>", dom) is not None


def bare(path: Path) -> Path:
    """A copy of the page without its policy: what is not escaped runs there."""
    text, count = browser.POLICY.subn("", path.read_text(encoding="utf-8"))
    assert count == 1, path.name
    copy = path.with_name(f"bare-{path.name}")
    copy.write_text(text, encoding="utf-8")
    return copy


def every_block(text: str) -> Iterator[b.Block]:
    """Each block of a report, with `text` in each of its texts."""
    rows = [[text, b.Lines([text], [text], text), b.Link("a.html", text), b.Pair(0.1, 0.2)]]
    yield from (b.Title(text), b.Verdict(text, "bad", "■"), b.Heading(text), b.Text(text))
    yield from (b.Bullets([text]), b.Links([b.Link("a.html", text)]), b.Facts([(text, text)]))
    yield b.Notes([b.Note("bad", text, text, [(text, text)])])
    yield from (b.Table(text, [text] * 4, rows), b.Cards([b.Table(text, [text] * 4, rows)]))
    yield from (b.Legend(text, text), b.Calendar(text, [b.Day("1", "bad", "■", text)]))
    yield b.LineChart(text, [text, text], [1, 2], [0, 1], [2, 3], [0.5, 1], text)
    yield from (b.Bars(text, [text], [1], [2]), b.Graph(text, [text], [], frozenset([text])))
    yield from (b.Badge(text, text, "good"), b.Picture("dot", text))
    yield b.Fold(text, [b.Text(text)])


def report() -> str:
    return html.render([one for p in PAYLOADS for one in every_block(p)], {"dot": cards.DOT})


def card() -> str:
    """A model card whose declarations and figures hold the payloads."""
    title, some = " ".join(HTML[:8]), tuple(PAYLOADS)
    case = cards.usecase(title=title, owner=HTML[0], use=Use(some, some, some, HTML[1]))
    figures = {
        **cards.FIGURES,
        "gate": {"verdict": "fail", "checks": {}, "reasons": list(PAYLOADS)},
        "slices": {"size": {p: {**cards.FOUND, "rows": 66} for p in PAYLOADS}},
        "important": [{"feature": p, "share": 0.01} for p in PAYLOADS],
        "training": {p: p for p in PAYLOADS},
    }
    parsed = EvaluateDocument.model_validate(figures)
    shown = [part.name for part in model_card.parts(case, parsed) if isinstance(part, b.Picture)]
    return model_card.page(case, parsed, dict.fromkeys(shown, cards.DOT))


def review() -> str:
    """The page of a comparison in which a stranger's branch named things."""
    short = [p for p in PAYLOADS if len(p) <= 200]  # the schema refuses longer ones
    slices = dict.fromkeys(short[:50], RESULT["slices"]["size"])
    case = {
        "override": HTML[0],
        "params": [{"key": p, "base": p, "head": [p]} for p in short],
        "base": {"head": {**RESULT, "slices": slices}},
    }
    return html.render(comparison_blocks.blocks(comparison(case), HTML[0]))


def monitored() -> str:
    """The monitor's page, with the payloads as values and names in all its sections."""
    document = whole(" ".join(HTML)).plain()
    found = document["findings"][0]
    findings = [{**found, "column": p, "evidence": p, "cause": p, "next": p} for p in PAYLOADS]
    return monitor_page.render("shop", whole().model_validate({**document, "findings": findings}))


@pytest.mark.parametrize("build", [report, card, review, monitored])
def test_nothing_runs_in_our_own_pages(build: Any, tmp_path: Path) -> None:
    path = tmp_path / f"{build.__name__}.html"
    path.write_text(build(), encoding="utf-8")
    dom = opened(bare(path))
    assert "window.__ran=1" in dom, "the payloads are there, to be read"


def test_the_policy_alone_stops_what_is_not_escaped(tmp_path: Path) -> None:
    path = tmp_path / "raw.html"
    path.write_text(html.page("raw", "\n".join(p for p in HTML if RAN in p)), encoding="utf-8")
    assert not _ran(browser.opened(path)[0])
    assert _ran(browser.opened(bare(path))[0]), "without it they run"


def test_nothing_runs_in_data_docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bad rows of three columns, and the contract's own words."""
    texts = [Column(f"text{i}", "string", "-", HTML[0], allowed=("web", HTML[i])) for i in range(3)]
    case = replace(orders.ORDERS, title=HTML[2], columns=(*orders.COLUMNS, *texts))
    run = orders.start(tmp_path, monkeypatch, case)
    lists = [", ".join(map(literal, STORED[i * 20 : i * 20 + 20])) for i in range(3)]
    extra = ", ".join(
        f"coalesce([{values}][order_id - 999], 'web') AS text{i}" for i, values in enumerate(lists)
    )
    orders.write_raw(run.raw, f"SELECT *, {extra} FROM ({orders.good(60)})", case)
    run.go(max_quarantine=0.5)
    dom = opened(bare(tmp_path / "docs" / "events.html"))
    assert dom.count("window.__ran=1") > len(HTML) / 2, "they are there, to be read"
    opened(bare(tmp_path / "docs" / "index.html"))


CLICKS = """
const later = (steps) => steps.length && (steps[0](), setTimeout(() => later(steps.slice(1)), 700));
setTimeout(() => {
  const tabs = [...document.querySelectorAll('[role=tab]')];
  const inputs = tabs.filter(tab => tab.textContent == 'Inputs');
  later([...tabs, ...inputs].map(tab => () => tab.click()).concat([
    () => document.querySelectorAll('tbody button').forEach(button => button.click()),
  ]));
}, 1500);
"""


def test_nothing_runs_in_evidentlys_page(request: Any) -> None:
    """Its policy lets its own scripts run, and nothing else; all tabs are opened, charts drawn."""
    from stages import monitor

    tables = [table(28, LAST - 14, seed=1), table(14, seed=2, unknown=DELAY)]
    for one in tables:
        one["colour"] = np.resize(np.array(STORED, object), len(one["colour"]))
    request.getfixturevalue("shop")(tables[1], past=tables[0])
    paths = ("model", "test.parquet", "current.parquet", "served", "history.csv")
    monitor.main("shop", *map(Path, (*paths, "monitor.json", "summary.json", "report")))
    opened(bare(Path("report") / "monitor.html"))
    dom = opened(_clicking(Path("report") / "evidently.html"), scripts=True)
    assert "js-plotly-plot" in dom
    assert "‹script›" in dom, "the values are there, to be read"


def _clicking(path: Path) -> Path:
    """A copy of the page that opens each tab, which its policy permits."""
    text = path.read_text(encoding="utf-8")
    digest = b64encode(sha256(CLICKS.encode()).digest()).decode()
    text = text.replace("script-src ", f"script-src 'sha256-{digest}' ", 1)
    copy = path.with_name("clicking.html")
    copy.write_text(text.replace("</body>", f"<script>{CLICKS}</script></body>"), encoding="utf-8")
    return copy
