"""The model card as one HTML page: pictures within, no script, light and dark. Pure."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape

from plumbline.evaluation.cardtext import Bullets, Heading, Part, Picture, Rows, Text, Title
from plumbline.review.page import POLICY, STYLE

MORE = """
.scroll img { display: block; min-width: 40rem; max-width: 100%; height: auto; background: #fff;
  border: 1px solid var(--line) }
figure { margin: 1rem 0 } figcaption { font-size: .9rem; color: var(--base) }
code { background: var(--soft); padding: 0 .2rem } td, th { overflow-wrap: normal }
th, td.number, td.key { white-space: nowrap }
"""
NUMBER = re.compile(r"[-+<]?[\d–]")
CODE, STRONG = re.compile(r"`([^`]+)`"), re.compile(r"\*\*([^*]+)\*\*")


def render(parts: Sequence[Part], pictures: Mapping[str, bytes]) -> str:
    """The whole page. `pictures`: each picture's PNG, by its name."""
    title = next((p.text for p in parts if isinstance(p, Title)), "Model card")
    body = "\n".join(_part(part, pictures) for part in parts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f'<link rel="icon" href="data:,">\n<title>{escape(title)}</title>\n'
        f"<style>{STYLE}{MORE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def inline(text: str) -> str:
    """Text as HTML.

    >>> inline("`a` < **b**")
    '<code>a</code> &lt; <strong>b</strong>'
    """
    return STRONG.sub(r"<strong>\1</strong>", CODE.sub(r"<code>\1</code>", escape(text)))


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
    head = "".join(f'<th scope="col">{inline(name)}</th>' for name in part.head)
    numeric = [_numeric(column) for column in zip(*part.rows, strict=True)]
    rows = "\n".join(f"<tr>{_cells(row, numeric)}</tr>" for row in part.rows)
    said = escape(part.title)
    return (
        f'<div class="scroll" role="group" tabindex="0" aria-label="{said}"><table>\n'
        f"<caption>{said}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n"
        "</table></div>"
    )


def _numeric(column: Sequence[str]) -> bool:
    return all(NUMBER.match(cell) for cell in column)


def _cells(row: Sequence[str], numeric: Sequence[bool]) -> str:
    """The first cell says what the row is about, whatever it looks like."""
    kinds = [_class(cell, number=numeric[place]) for place, cell in enumerate(row)]
    kinds[0] = ' class="key"' if NUMBER.match(row[0]) else ""
    return "".join(f"<td{kind}>{inline(cell)}</td>" for kind, cell in zip(kinds, row, strict=True))


def _class(cell: str, *, number: bool) -> str:
    name = cell if cell in ("better", "worse") else "number" if number else ""
    return f' class="{name}"' if name else ""
