"""Payloads in every text of a document: nothing of them acts in Markdown, plain text or a log."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from plumbline.core.declarations import Use
from plumbline.core.safe_text import log_lines
from plumbline.ops.retrain import retrain_texts
from plumbline.ops.retrain.retrain_document import RetrainRecord
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
from plumbline.review import comparison_blocks
from tests.code import test_modelcard as cards
from tests.payloads import PAYLOADS
from tests.reviews import RESULT, comparison

pytestmark = pytest.mark.no_cover  # counting the lines takes longer than they do

ACTS = re.compile(
    r"https?://|ftp://|www\.|[\w.+-]@[\w-]|(?:^|\W)@\w|#\d|\bGH-\d"
    r"|\b(?=\d*[a-f])[0-9a-f]{7,40}\b",
    re.IGNORECASE,
)
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


def retrained(text: str) -> str:
    """The retrain's texts for a team: a pull request's body, and the summary of a run."""
    finding = {"check": "drift", "level": "alert", "size": 1.0, "column": text}
    finding |= dict.fromkeys(("evidence", "next", "cause"), text)
    seen = {"level": "alert", "summary": text, "retrain": {"now": True, "why": text}}
    record = RetrainRecord.model_validate(
        {
            "usecase": "shop",
            "outcome": "bad-data",
            "reasons": [text],
            "as_of": {"from": "2025-07-01", "to": "2025-07-29"},
            "monitor": {**seen, "findings": [finding]},
        }
    )
    return f"{retrain_texts.body(record)}\n{retrain_texts.summary([record])}"


def reviewed(text: str) -> str:
    """The comment on a pull request of a stranger."""
    short = text[:100]  # the schema refuses long names
    case = {"override": short, "params": [{"key": short, "base": short, "head": [short]}]}
    case["base"] = {"head": {**RESULT, "slices": {short: RESULT["slices"]["size"]}}}
    return markdown.comment(comparison_blocks.blocks(comparison(case), short))


def carded(text: str) -> str:
    """A model card of declarations and figures that hold the text."""
    use = Use((text,), (text,), (text,), text)
    figures = {
        **cards.FIGURES,
        "gate": {"verdict": "fail", "checks": {}, "reasons": [text]},
        "slices": {"size": {text: {**cards.FOUND, "rows": 66}}},
        "important": [{"feature": text, "share": 0.01}],
        "training": {text: text},
    }
    return cards.card(cards.usecase(title=text, owner=text, use=use), figures)


@pytest.mark.parametrize("write", [retrained, reviewed, carded])
def test_nothing_acts_in_the_documents(write: Callable[[str], str]) -> None:
    """A document with a payload is built as one with a plain word, and has no link or image more."""
    plain = _built(write("plain"))
    for payload in PAYLOADS:
        assert _built(write(payload)) == plain, payload


def _built(text: str) -> list[str]:
    """Blocks, links, images and tags of a document."""
    found = [t for t in tokens(text) if t.block or t.type in ("link_open", "image", "html_inline")]
    return [f"{t.type} {'' if t.block else t.attrs or t.content}" for t in found]
