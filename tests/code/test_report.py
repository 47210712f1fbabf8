"""The renderers on single blocks: what each format escapes, and what it leaves out."""

from __future__ import annotations

import pytest

from plumbline.report import html, markdown, svg
from plumbline.report.blocks import (
    Badge,
    Bars,
    Block,
    Facts,
    LineChart,
    Lines,
    Link,
    Links,
    Note,
    Notes,
    Pair,
    Picture,
    Table,
    Text,
    Title,
)

EVIL = '<b>"x"</b>'


@pytest.mark.parametrize(
    "block",
    [
        Title(EVIL),
        Facts([(EVIL, EVIL)]),
        Links([Link(EVIL, EVIL)]),
        Notes([Note("bad", EVIL, EVIL, [(EVIL, EVIL)])]),
        Table(EVIL, [EVIL, EVIL], [[Lines([EVIL], [EVIL], EVIL), Link(EVIL, EVIL)]]),
        LineChart(EVIL, [EVIL, "b"], [1.0, None], weight=[1.0, 0.5], weight_title=EVIL),
        Bars(EVIL, [EVIL], [1.0], [2.0]),
        Badge(EVIL, EVIL, "good"),
    ],
)
def test_a_page_escapes_every_text(block: Block) -> None:
    text = html.fragment(block)
    assert "<b>" not in text
    assert "&lt;b&gt;" in text
    assert '"x"' not in text


def test_a_file_keeps_marks_and_a_comment_shows_them_as_text() -> None:
    block = [Table("of `a`", ("x",), [("p|q",)]), Text("**b**")]
    assert markdown.file(block) == "**of `a`**\n\n| x |\n| --- |\n| p\\|q |\n\n**b**\n"
    assert "\\*\\*b\\*\\*" in markdown.comment(block)


def test_a_chart_without_values_is_left_out() -> None:
    empty = LineChart("x", ["a"], [None])
    assert svg.line(empty) is None
    assert "<figure" not in html.fragment(empty)


def test_a_chart_s_ticks_are_values_that_are_drawn_at_their_places() -> None:
    drawn = svg.line(LineChart("x", ["a", "b", "c", "d", "e"], [1.0, 0.0, None, 0.5, 1.0]))
    assert drawn is not None
    assert drawn.scale == [("1.00", "4.55"), ("0.50", "50.00"), ("0.00", "95.45")]
    assert drawn.ends == [("a", "10.00"), ("c", "50.00"), ("e", "90.00")]
    assert drawn.lines[0][0] == "100.0,4.5"
    flat = svg.line(LineChart("x", ["a"], [0.2]))
    assert flat is not None
    assert flat.scale == [("0.200", "50.00")]


def test_a_pair_is_two_bars_of_at_most_the_cell() -> None:
    assert svg.pair(Pair(0.5, 7.0)) == [("reference", "50.0"), ("current", "100.0")]


def test_a_picture_that_is_missing_is_named() -> None:
    with pytest.raises(KeyError, match="quality"):
        html.render([Picture("quality", "curves")], {})


def test_columns_of_numbers_are_aligned_and_dates_are_not() -> None:
    rows = [("a", "1,000", "2025-01-01", "+5.0%"), ("b", "–", "2025-02-01", "<0.000001")]
    assert Table("t", ("k", "n", "day", "change"), rows).right == frozenset((1, 3))
