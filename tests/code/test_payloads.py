"""Payloads in every text of a document: nothing of them acts in Markdown, plain text or a log."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from plumbline.core.safe_text import log_lines
from plumbline.report import html, markdown, plain_text
from plumbline.report.blocks import (
    Block,
    Bullets,
    Facts,
    Fold,
    Heading,
    Table,
    Text,
    Title,
    Verdict,
)
from tests.payloads import PAYLOADS

ACTS = re.compile(r"https?://|ftp://|www\.|[\w.+-]@[\w-]|(?:^|\W)@\w|#\d|\bGH-\d", re.IGNORECASE)
"""What GitHub makes active in a text."""
HIDDEN = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
WRITERS = (markdown.comment, markdown.file)


def document(text: str) -> list[Block]:
    """Every block that Markdown has a form for, with `text` in each of its texts."""
    table = Table(text, [text, text], [[text, text], [f"a {text}", f"`{text}`"]])
    lines = [text, f"value {text}", f"`{text}`", f"**{text}**"]
    fold = Fold(text, [Table(text, ["a"], [[text]]), Text(text)])
    return [
        *(Title(text), Verdict(text, "bad"), Heading(text), Text(text), Text(f"see `{text}`.")),
        *(Bullets(lines), Facts([(text, text)]), table, fold),
    ]


def tokens(text: str) -> Iterator[Token]:
    """All tokens of a Markdown text with HTML and tables, flat."""
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        yield token
        yield from token.children or ()


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_acts_in_markdown(write: Callable[[Sequence[Block]], str], payload: str) -> None:
    text = write(document(payload))
    found = list(tokens(text))
    for token in found:
        assert token.type not in ("link_open", "image", "fence", "code_block", "hr"), token
        if "html" in token.type:
            assert not re.search(r"<(?!/?(details|summary)>)", token.content), token.content
        if token.type in ("text", "html_block"):
            assert not ACTS.search(token.content), token.content
    assert _shape(found) == _shape(list(tokens(write(document("plain")))))
    assert max(map(len, text.splitlines())) < 8_000
    assert not HIDDEN.search(text)
    assert not re.search(r"\{[{%]", text), "what a site generator reads"


def _shape(found: Sequence[Token]) -> list[str]:
    """The blocks of a document: no payload adds one or takes one away."""
    return [t.type for t in found if t.block]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_steers_plain_text_or_a_log(payload: str) -> None:
    text = plain_text.render([Verdict(payload, "bad"), Bullets([payload]), Text(payload)])
    assert not HIDDEN.search(text + log_lines(payload))
    assert not re.search(r"^\s*::|##\[|\n(ERROR|::)", log_lines(payload), re.MULTILINE)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_page_holds_no_tag_of_a_payload(payload: str) -> None:
    page, plain = (html.render(document(text)) for text in (payload, "**plain** `code`"))
    assert set(_tags(page)) <= set(_tags(plain))
    assert not HIDDEN.search(page)


def _tags(page: str) -> list[str]:
    return re.findall(r"<([a-z]\w*)", page, re.IGNORECASE)
