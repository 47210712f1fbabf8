"""The model card as one HTML page: pictures within, no script, light and dark. Pure."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape

from plumbline.report import html_page
from plumbline.report.card_text import Bullets, Heading, Part, Picture, Rows, Text, Title
from plumbline.report.html_page import Markup

MORE = """
.scroll img { display: block; min-width: 40rem; max-width: 100%; height: auto; background: #fff;
  border: 1px solid var(--line) }
figure { margin: 1rem 0 } figcaption { font-size: .9rem; color: var(--base) }
code { background: var(--soft); padding: 0 .2rem } td, th { overflow-wrap: normal }
td.number, .key { white-space: nowrap }
"""
NUMBER = re.compile(r"[-+<]?[\d–]")
CODE, STRONG = re.compile(r"`([^`]+)`"), re.compile(r"\*\*([^*]+)\*\*")


def render(parts: Sequence[Part], pictures: Mapping[str, bytes]) -> str:
    """The whole page. `pictures`: each picture's PNG, by its name."""
    title = next((p.text for p in parts if isinstance(p, Title)), "Model card")
    return html_page.frame(title, "\n".join(_part(part, pictures) for part in parts), MORE)


def inline(text: str) -> Markup:
    """Text as HTML.

    >>> inline("`a` < **b**")
    '<code>a</code> &lt; <strong>b</strong>'
    """
    return Markup(STRONG.sub(r"<strong>\1</strong>", CODE.sub(r"<code>\1</code>", escape(text))))


def _part(part: Part, pictures: Mapping[str, bytes]) -> str:
    match part:
        case Title():
            return f"<h1>{inline(part.text)}</h1>"
        case Heading():
            return f"<h2>{inline(part.text)}</h2>"
        case Text():
            return f"<p>{inline(part.text)}</p>"
        case Bullets():
            return f"<ul>{''.join(f'<li>{inline(line)}</li>' for line in part.lines)}</ul>"
        case Rows():
            return _table(part)
        case Picture():
            return _picture(part, pictures[part.name])


def _picture(part: Picture, data: bytes) -> str:
    said = escape(part.text)
    return (
        f'<figure><div class="scroll" role="group" tabindex="0" aria-label="{said}">'
        f'<img alt="{said}" src="data:image/png;base64,{b64encode(data).decode()}"></div>'
        f"<figcaption>{said}</figcaption></figure>"
    )


def _table(part: Rows) -> str:
    """Columns of numbers to the right, but for the first, which says what the row is about."""
    columns = list(zip(*part.rows, strict=True))
    numbers = [i for i, column in enumerate(columns) if i and all(map(NUMBER.match, column))]
    rows = [[_key(row[0]), *map(inline, row[1:])] for row in part.rows]
    return html_page.table(part.title, part.head, rows, numbers)


def _key(cell: str) -> Markup:
    """A number or a date is kept on one line."""
    return (
        Markup(f'<span class="key">{inline(cell)}</span>') if NUMBER.match(cell) else inline(cell)
    )
