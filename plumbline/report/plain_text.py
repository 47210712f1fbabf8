"""A report's blocks as plain text, for a mail. Tables and pictures are left to the other forms. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from plumbline.core.safe_text import one_line, unlinked
from plumbline.report.blocks import Block, Bullets, Heading, Text, Title, Verdict

WIDTH = 78
LONGEST = 2000


def render(blocks: Sequence[Block]) -> str:
    """The whole text.

    >>> print(render([Verdict("Alert", "bad"), Heading("shop"), Bullets(["one"]), Text("two")]), end="")
    Alert
    <BLANKLINE>
    shop
    ----
    <BLANKLINE>
    - one
    <BLANKLINE>
    two
    """
    return "\n\n".join(part for part in map(_block, blocks) if part) + "\n"


def _block(block: Block) -> str:
    match block:
        case Title() | Verdict() | Text():
            return textwrap.fill(_text(block.text), WIDTH)
        case Heading():
            title = unlinked(one_line(block.text, WIDTH))
            return f"{title}\n{'-' * len(title)}"
        case Bullets():
            return "\n".join(map(_bullet, block.lines))
    return ""


def _bullet(line: str) -> str:
    return textwrap.fill(_text(line), WIDTH, initial_indent="- ", subsequent_indent="  ")


def _text(text: str) -> str:
    """One line; a mail program links no address in it."""
    return unlinked(one_line(text, LONGEST))
