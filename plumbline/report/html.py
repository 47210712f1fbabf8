"""A report's blocks as one HTML page: no script, no address outside of it, light and dark. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from plumbline.report import html_page
from plumbline.report.blocks import Bars, Block, Bullets, Fold, Graph, Heading, Table, Text, Verdict

STYLE = """
ol.graph { display: flex; flex-wrap: wrap; gap: .4rem; list-style: none; padding: 0 }
ol.graph li { border: 1px solid var(--line); border-radius: .4rem; padding: .2rem .6rem }
ol.graph li.reran { background: var(--mark); color: var(--on-mark); font-weight: 600 }
"""
WIDTH, BAR, GAP, LABEL = 640, 9, 8, 240


def render(blocks: Sequence[Block]) -> str:
    """The whole page; its title is the verdict."""
    title = next((b.text for b in blocks if isinstance(b, Verdict)), "Report")
    body = "\n".join(_block(b) for b in blocks)
    return html_page.frame(title, body, STYLE)


def _block(block: Block) -> str:
    match block:
        case Verdict():
            return f'<h1 class="{block.tone}">{escape(block.text)}</h1>'
        case Heading():
            return f"<h2>{escape(block.text)}</h2>"
        case Text():
            return f"<p>{escape(block.text)}</p>"
        case Bullets():
            return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in block.lines)}</ul>"
        case Table():
            return html_page.table(block.title, block.head, block.rows, block.numbers)
        case Graph():
            return _graph(block)
        case Bars():
            return _bars(block)
        case Fold():
            inner = "\n".join(_block(b) for b in block.inner)
            return f"<details><summary>{escape(block.title)}</summary>\n{inner}\n</details>"


def _graph(block: Graph) -> str:
    items = "".join(
        f'<li class="reran">{escape(s)} (changed)</li>'
        if s in block.reran
        else f"<li>{escape(s)}</li>"
        for s in block.stages
    )
    return f'<p>{escape(block.title)}</p>\n<ol class="graph">{items}</ol>'


def _bars(block: Bars) -> str:
    """Two bars per label as SVG; the table beside it has the figures."""
    widest = max((abs(v) for v in (*block.base, *block.head)), default=0.0) or 1.0
    step = 2 * BAR + GAP
    rows = [
        _pair(label, i * step, (base / widest, head / widest))
        for i, (label, base, head) in enumerate(
            zip(block.labels, block.base, block.head, strict=True)
        )
    ]
    height = len(rows) * step
    title = escape(f"{block.title}: base (grey) above head (blue)")
    return (
        f'<p>{title}</p>\n<svg role="img" aria-label="{title}" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" style="max-width:100%">\n'
        + "\n".join(rows)
        + "\n</svg>"
    )


def _pair(label: str, top: int, shares: tuple[float, float]) -> str:
    room = WIDTH - LABEL
    text = f'<text x="0" y="{top + BAR + 4}" font-size="12" fill="var(--ink)">{escape(label[:36])}</text>'
    bars = "".join(
        f'<rect x="{LABEL}" y="{top + i * BAR}" width="{abs(share) * room:.1f}" height="{BAR - 1}" '
        f'fill="var(--{name})"/>'
        for i, (name, share) in enumerate(zip(("base", "head"), shares, strict=True))
    )
    return text + bars
