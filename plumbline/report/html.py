"""A report's blocks as one HTML page: no script, no address outside of it, light and dark. Pure.

The frame, a template for each block and the one style sheet are in `templates/`.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plumbline.core.safe_text import BREAK, visible
from plumbline.report import svg
from plumbline.report.blocks import Badge, Block, Picture, Title, Verdict, is_date, is_number

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).with_name("templates")
CODE, STRONG = re.compile(r"`([^`]+)`"), re.compile(r"\*\*([^*]+)\*\*")


def render(blocks: Sequence[Block], pictures: Mapping[str, bytes] | None = None) -> str:
    """The whole page, named by its title or verdict; `pictures`: each picture's PNG, by its name."""
    title = next((b.text for b in blocks if isinstance(b, (Title, Verdict))), "Report")
    return page(title, "\n".join(fragment(block, pictures) for block in blocks))


def page(title: str, body: str) -> str:
    """The frame around a body, which is HTML."""
    from markupsafe import Markup

    frame, style = _environment().get_template("page.html"), TEMPLATES / "style.css"
    css = Markup(style.read_text(encoding="utf-8"))
    return frame.render(title=title, style=css, body=Markup(body))


def fragment(block: Block, pictures: Mapping[str, bytes] | None = None) -> Markup:
    """One block's HTML; KeyError with a picture's name where `pictures` lacks it."""
    if isinstance(block, Picture):
        return _macro("picture")(block, b64encode((pictures or {})[block.name]).decode())
    return _macro(_kind(block))(block)


def badge(block: Badge) -> str:
    """The badge as an SVG file."""
    return _environment().get_template("badge.svg").render(svg.badge(block)) + "\n"


def inline(text: str) -> Markup:
    """Text as HTML, escaped; `code` and **strong** words marked.

    >>> print(inline("`a` < **b**"))
    <code>a</code> &lt; <strong>b</strong>
    """
    from markupsafe import Markup, escape

    return Markup(
        STRONG.sub(r"<strong>\1</strong>", CODE.sub(r"<code>\1</code>", str(escape(_shown(text)))))
    )


def _macro(name: str) -> Any:
    return getattr(_environment().get_template("blocks.html").module, name)


def _visible(value: object) -> object:
    """What a template shows: HTML as it is, text without what steers or hides it."""
    from markupsafe import Markup

    return _shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _shown(text: str) -> str:
    """Visible characters, and the mark by which a mail's text is kept from being linked."""
    return BREAK.join(map(visible, text.split(BREAK)))


def _kind(value: object) -> str:
    return type(value).__name__.lower()


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "badge": lambda block: Markup(badge(block)),
        "bars_drawing": svg.bars,
        "block": fragment,
        "inline": inline,
        "is_date": is_date,
        "is_number": is_number,
        "kind": _kind,
        "line_drawing": svg.line,
        "widths": svg.pair,
    }
    return environment
