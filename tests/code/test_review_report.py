"""The report, from the JSON alone: the verdict first, all text harmless, short enough, self-contained."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.report import html as page
from plumbline.report import markdown
from plumbline.report.blocks import Bullets, Fold, Graph, Table, Text, Verdict
from plumbline.review import comparison_blocks
from plumbline.review.comparison import Comparison
from tests.reviews import CASE, LOCK, RESULT, comparison

EVIL = (
    '@everyone <img src="https://evil.example/x"> | [a](javascript:x) `b` #1 \u202e\nGH-1 www.x.y'
)
NO_MONITOR = {"level": None, "summary": None, "retrain": None, "findings": 0}
VOID = {"meta", "link", "rect"}


def markdown_of(result: Comparison) -> str:
    return markdown.comment(comparison_blocks.blocks(result, "in.json"))


def page_of(result: Comparison) -> str:
    return page.render(comparison_blocks.blocks(result, "in.json"))


class Tags(HTMLParser):
    """The tags of a page; fails where they do not nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_verdict_is_the_first_line() -> None:
    assert markdown_of(comparison()).startswith("**✅ Nothing against merging: shop")
    assert markdown_of(comparison({"blocked": 1})).startswith(
        "**❌ Do not merge: shop: 1 blocking check"
    )
    forged = comparison().model_copy(update={"gate": comparison({"blocked": 1}).gate})
    assert markdown_of(forged).startswith("**✅"), "a verdict that is forged"


@pytest.mark.capability("H2")
def test_all_parts_are_there() -> None:
    whole = comparison(removed=["gone"])
    for text in (markdown_of(whole).replace("\\", ""), page_of(whole)):
        for part in ("0.52", "rounds", "a.py (added)", "new_one", "old_one", "redefined: mean"):
            assert part in text
        for part in ("events: weight.range", "int, g", "models/shop", "another label", "no need"):
            assert part in text
        assert "Use cases that did not change: other." in text
        assert "Removed use cases: gone." in text


def test_a_bias_is_shown_by_the_size_that_is_compared() -> None:
    worse = {"value": 1.097, "low": 0.487, "high": 1.455, "word": "worse"}
    bias = {"base": -0.02576, "head": -1.123, "difference": worse}
    result = {**RESULT, "metrics": {**RESULT["metrics"], "bias": bias}}
    text = markdown_of(comparison({"base": {"head": result}}))
    assert "| size of bias |  | 0.03 | 1.12 | +1.10 | +0.49 to +1.46 | worse |" in text


def test_an_override_is_printed() -> None:
    text = markdown_of(comparison({"blocked": 1, "override": "agreed with risk"}))
    assert text.startswith("**⚠️ May be merged by an override")
    assert "Override of shop in params.yaml: agreed with risk" in text
    assert "- overridden: shop: 1 blocking check" in text


def test_a_failed_run_shows_no_figure() -> None:
    result = comparison(failed={"stage": "train@shop", "error": "no rows"})
    for text in (markdown_of(result), page_of(result)):
        assert "Do not merge: stage train@" in text.replace("\u200b", "")
        assert "no rows" in text
        assert "0.52" not in text
        assert "| metric" not in text


def test_what_was_not_checked_or_is_the_same_is_said() -> None:
    result = comparison(
        {"base": {"head": {"comparable": True, "same": True}}}, lock={"md5": "0", "checked": False}
    )
    text = markdown_of(result)
    assert "the same model and test table" in text
    assert "dvc.lock was not checked" in text
    assert "no verdict" in markdown_of(
        comparison({"monitor": NO_MONITOR, "release": {}}, release=None)
    )


def test_text_does_nothing() -> None:
    case = {
        "override": EVIL,
        "params": [{"key": EVIL, "base": EVIL, "head": EVIL}],
        "base": {"head": {**RESULT, "slices": {EVIL: RESULT["slices"]["size"]}}},
    }
    result = comparison(case, base={"name": EVIL, "commit": None}, lock={**LOCK, "stale": [EVIL]})
    text = markdown_of(result)
    assert "@everyone" not in text
    assert "<img" not in text
    assert "https://" not in text
    assert "\u202e" not in text
    assert "#1" not in text
    assert not re.search(r"(?<!\\)\[a(?<!\\)\]", text)
    html = page_of(result)
    assert "<img" not in html
    assert "&lt;img" in html


def test_a_table_keeps_its_columns() -> None:
    lines = markdown.comment([Table("t", ("a", "b"), [("x|y", "\\|z")])]).splitlines()
    cells = [len(re.split(r"(?<!\\)(?:\\\\)*\|", line)) for line in lines if line.startswith("|")]
    assert cells == [4, 4, 4]


def test_long_reports_are_cut() -> None:
    rows = [(str(i), "x" * 390) for i in range(80)]
    parts = [Fold(f"fold {i}", [Table("t", ("a", "b"), rows)]) for i in range(5)]
    text = markdown.comment([Verdict("v", "good"), *parts, Bullets(["line"] * 70), Text("end")])
    assert len(text.encode()) <= 65_536
    assert "3 more parts are left out" in text
    assert "20 more rows" in text
    assert "10 more lines" in text
    assert "end" in text


def test_at_most_three_charts() -> None:
    graph = Graph("g", ("a", "b"), [["a", "b"]], frozenset("b"))
    assert markdown.comment([graph] * 5).count("```mermaid") == 3
    text = markdown_of(comparison())
    assert "features --> train" in text
    assert "class train changed" in text
    assert 'x-axis ["size small base", "size small head"]' in text


def test_the_page_is_whole_and_alone() -> None:
    html = page_of(comparison())
    tags = Tags()
    tags.feed(html)
    assert tags.open == []
    assert "script" not in tags.seen
    assert not re.search(r"(?:https?:)?//\w", html)
    assert "prefers-color-scheme: dark" in html
    assert '<td class="better">better</td>' in html
    assert '<li class="changed">train (changed)</li>' in html


def test_a_comparison_without_its_primary_metric_is_one_message() -> None:
    with pytest.raises(PlumblineError, match=r"in.json: damaged: no 'mae'; .*plumbline compare"):
        comparison_blocks.blocks(comparison({"primary": "mae"}), "in.json")


def test_metrics_have_titles_and_units() -> None:
    mae = {**RESULT, "metrics": {"mae": RESULT["metrics"]["brier"]}, "slices": {}}
    result = comparison({"primary": "mae", "units": {"label": "minutes"}, "base": {"head": mae}})
    assert (
        "| mean absolute error | minutes | 0.500 | 0.520 | +0.020 | +0.010 to +0.030 | worse |"
        in markdown_of(result)
    )


def test_shares_are_in_per_cent_with_one_number_of_decimals() -> None:
    change = {"value": 0.0513, "low": 0.02, "high": 0.0804, "word": "better"}
    recall = {"base": 0.8, "head": 0.8513, "difference": change}
    result = {**RESULT, "metrics": {**RESULT["metrics"], "recall_at_threshold": recall}}
    text = markdown_of(comparison({"base": {"head": result}}))
    assert "| recall at the threshold | % | 80.0 | 85.1 | +5.1 | +2.0 to +8.0 | better |" in text


def test_what_is_declared_harmless_stands_before_the_use_cases() -> None:
    evaluate = {"verdict": "pass", "reasons": [], "checks": {}, "below_floor": []}
    line = "`z` alone nearly answers (R² 1.000): it is known by then"
    nothing = {"base": {}, "release": {}}
    text = markdown_of(comparison({**nothing, "evaluate": {**evaluate, "harmless": [line]}}))
    assert "shop: suspected as leaks, and declared harmless" in text
    assert text.index("it is known by then") < text.index("## shop")


def test_data_let_through_stand_with_their_reason() -> None:
    used = "let through: w.range (3 rows): seen (anna, until 2025-02-01)"
    data = {**CASE["data"], "let_through": [used]}
    assert f"Validate: {used}" in page_of(comparison({"data": data}))


def test_files_that_were_replaced_in_place_are_named() -> None:
    line = "sources/shop/shop.json: 1 replaced (a`b.csv); 2 added (c.csv, d.csv)"
    text = markdown_of(comparison({"data": {**CASE["data"], "sources": [line]}}))
    assert "Data: sources/shop/shop.json: 1 replaced (a\\`b.csv)" in text
