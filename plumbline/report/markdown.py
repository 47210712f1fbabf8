"""A report's blocks as Markdown: a comment for GitHub, or a file; in neither does a text act. Pure.

Texts hold values of the data and names of a stranger's branch: they are escaped and cut. A comment is
also cut to what GitHub takes; in a file `code` and **strong** words stay marked.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from plumbline.core.safe_text import BREAK, COMMIT, one_line, unlinked
from plumbline.report import numbers
from plumbline.report.blocks import (
    Bars,
    Block,
    Bullets,
    Facts,
    Fold,
    Graph,
    Heading,
    Picture,
    Table,
    Text,
    Title,
    Verdict,
    text_of,
)

LIMIT = 65_000
"""UTF-8 bytes of a comment; GitHub refuses more than 65,536 characters."""
CHARTS = 3
ROWS = 60
CELL = 400
MARKS = {"good": "✅", "bad": "❌", "plain": "⚠️"}
NOTE = "_{n} more parts are left out here: they are in the HTML report._\n"
ACTIVE = re.compile(r"[\\`*\[\]|~!#]|(?<![^\W_])_|_(?![^\W_])")
MARKED = re.compile(r"(`(?:(?!\{[{%])[^`\\|])+`|\*\*[^*]+\*\*)")
"""Code, without what a table's cell or a template reads, or strong words."""
SIDES = ("base", "head")


@dataclass(frozen=True)
class Style:
    """How texts of at most so many characters and cells are written, how many rows at most, and captions."""

    text: Callable[[str, int], str]
    cell: Callable[[str], str]
    most: int
    bold: bool = False


def comment(blocks: Sequence[Block]) -> str:
    """The blocks as a comment. Parts that do not fit are left out, and the last line says how many."""
    room = LIMIT - len(NOTE.encode()) - 20
    parts, left, charts = [], 0, 0
    for block in blocks:
        chart = isinstance(block, (Graph, Bars))
        if chart and charts == CHARTS:
            continue
        part = _block(block, COMMENT)
        size = len(part.encode()) + 1
        if size > room:
            left += 1
            continue
        room -= size
        charts += chart
        parts.append(part)
    return "\n".join([*parts, NOTE.format(n=left)] if left else parts)


def file(blocks: Sequence[Block]) -> str:
    """The blocks as a file's text, uncut."""
    return "\n".join(_block(block, FILE) for block in blocks)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table for a file; bars in cells are escaped."""
    return _table(Table("", head, rows), FILE)


def escaped(text: str, most: int = CELL) -> str:
    """Text that shows as it is: no mention, reference, link, HTML, table cell or emphasis comes of it.

    What may be a commit is code, in which GitHub links nothing, and which is copied as it stands.

    >>> escaped("a|b <i> @all #1 {{x}}").replace(BREAK, "")
    'a\\\\|b &lt;i&gt; @all \\\\#1 {{x}}'
    """
    plain = ACTIVE.sub(r"\\\g<0>", one_line(text, most))
    plain = re.sub(r"^[-+=](?=[-+=\s]|$)", r"\\\g<0>", plain)
    plain = re.sub(r"^\d+(?=[.)](\s|$))", r"\g<0>\\", plain)
    plain = plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    plain = re.sub(r"(@|:(?=//)|\\#|\bwww|\{(?=[{%]))", rf"\1{BREAK}", plain, flags=re.IGNORECASE)
    plain = re.sub(r"\b(GH)-(?=\d)", rf"\1{BREAK}-", plain, flags=re.IGNORECASE)
    return COMMIT.sub(r"`\g<0>`", plain)


def title(text: str, most: int = 200) -> str:
    """The title of an issue or a pull request, where GitHub reads mentions and references, too."""
    return unlinked(one_line(text, most))


def marked(text: str, most: int = CELL) -> str:
    """As `escaped`, but for `code` and **strong** words.

    >>> marked("`<a>` is **<b>**")
    '`<a>` is **&lt;b&gt;**'
    """
    return "".join(_piece(piece) for piece in MARKED.split(one_line(text, most)))


def _piece(piece: str) -> str:
    if not MARKED.fullmatch(piece):
        edges = (piece[: len(piece) - len(piece.lstrip())], piece[len(piece.rstrip()) :])
        return escaped(piece, sys.maxsize).join(edges) if piece.strip() else piece
    return piece if piece.startswith("`") else f"**{marked(piece[2:-2], sys.maxsize)}**"


def _never_empty(write: Callable[[str, int], str]) -> Callable[[str, int], str]:
    """A text of which nothing is visible is a dash: an empty one would join what stands around it."""
    return lambda text, most: write(text, most) or numbers.NONE


COMMENT = Style(_never_empty(escaped), escaped, ROWS)
FILE = Style(_never_empty(marked), marked, sys.maxsize, bold=True)


def _block(block: Block, style: Style) -> str:
    match block:
        case Title():
            return f"# {style.text(block.text, CELL)}\n"
        case Verdict():
            return f"**{MARKS[block.tone]} {style.text(block.text, 1000)}**\n"
        case Heading():
            return f"{'#' * block.level} {style.text(block.text, CELL)}\n"
        case Text():
            return f"{style.text(block.text, 2000)}\n"
        case Bullets():
            return _bullets(block, style)
        case Facts():
            return _bullets(Bullets([f"{name}: {text}" for name, text in block.items]), style)
        case Table():
            above = style.text(block.title, CELL)
            return f"{f'**{above}**' if style.bold else above}\n\n{_table(block, style)}"
        case Graph():
            return _graph(block, style)
        case Bars():
            return _bars(block, style)
        case Picture():
            return f"![{style.text(block.text, CELL)}]({block.name}.png)\n"
        case Fold():
            return _fold(block, style)
    return ""


def _fold(block: Fold, style: Style) -> str:
    """A table of the same title as the fold stands there without it."""
    inner = "\n".join(
        _table(b, style) if isinstance(b, Table) else _block(b, style) for b in block.inner
    )
    heading = title(block.title, CELL)  # no Markdown is read in a summary
    heading = heading.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<details><summary>{heading}</summary>\n\n{inner}\n</details>\n"


def _bullets(block: Bullets, style: Style) -> str:
    shown = [f"- {style.text(line, 1000)}" for line in block.lines[: style.most]]
    return "\n".join([*shown, *_more(len(block.lines) - style.most, "lines")]) + "\n"


def _table(block: Table, style: Style) -> str:
    rule = ["---:" if i in block.right else "---" for i in range(len(block.head))]
    cells = [[style.cell(text_of(cell)) for cell in row] for row in block.rows[: style.most]]
    lines = [
        f"| {' | '.join(row)} |" for row in ([style.cell(h) for h in block.head], rule, *cells)
    ]
    return "\n".join(lines + _more(len(block.rows) - style.most, "rows")) + "\n"


def _more(count: int, what: str) -> list[str]:
    return [f"\n{numbers.figure(count)} more {what} in the HTML report"] if count > 0 else []


def _graph(block: Graph, style: Style) -> str:
    """The stages as Mermaid's flow chart, those whose entry changed in another colour."""
    lines = ["```mermaid", "flowchart LR", *(f"  {_label(s)}" for s in block.stages)]
    lines += [f"  {_label(source)} --> {_label(name)}" for source, name in block.edges]
    lines += ["  classDef changed fill:#f9a825,color:#000000,stroke:#795548"]
    lines += [f"  class {_label(s)} changed" for s in block.stages if s in block.changed]
    return "\n".join([f"{style.text(block.title, CELL)}\n", *lines, "```"]) + "\n"


def _bars(block: Bars, style: Style, most: int = 12) -> str:
    """Two bars per label, base's and head's, each in its colour: a series leaves the other's places empty."""
    labels = [f'"{_label(name)[:24]} {side}"' for name in block.labels[:most] for side in SIDES]
    pairs = list(zip(block.base[:most], block.head[:most], strict=True))
    base, head = (
        ", ".join(f"{pair[i]:.6g}, 0" if i == 0 else f"0, {pair[i]:.6g}" for pair in pairs)
        for i in (0, 1)
    )
    chart = (
        f"xychart-beta horizontal\n  x-axis [{', '.join(labels)}]\n  bar [{base}]\n  bar [{head}]"
    )
    return f"{style.text(block.title, CELL)}\n\n```mermaid\n{chart}\n```\n"


def _label(text: str) -> str:
    """Letters that mean nothing to Mermaid."""
    return re.sub(r"[^\w .-]", "", text, flags=re.ASCII).strip() or "-"
