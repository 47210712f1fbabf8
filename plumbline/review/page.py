"""A report's blocks as one HTML page: no script, no address outside of it, light and dark. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from plumbline.review.blocks import (
    Bars,
    Block,
    Bullets,
    Fold,
    Graph,
    Heading,
    Table,
    Text,
    Verdict,
)

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --line: #c4c9cf; --soft: #f3f4f6;
  --good: #116329; --bad: #a40e26; --plain: #6f4400; --base: #59636e; --head: #0a5bc4;
  --mark: #ffe08a; --on-mark: #1b1f24 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --paper: #14181d; --line: #48505a;
  --soft: #20262d; --good: #6fdd8b; --bad: #ff9aa5; --plain: #f2c46d; --base: #a7b0ba; --head: #79b8ff } }
body { margin: 0 auto; max-width: 70rem; padding: 1rem; font: 16px/1.5 system-ui, sans-serif;
  color: var(--ink); background: var(--paper); overflow-wrap: anywhere }
h1 { font-size: 1.4rem } h1.good { color: var(--good) } h1.bad { color: var(--bad) }
h1.plain { color: var(--plain) } h2 { border-bottom: 1px solid var(--line) }
.scroll { overflow-x: auto } table { border-collapse: collapse; margin: .5rem 0; font-size: .9rem }
caption { text-align: left; font-weight: 600; padding: .3rem 0 }
th, td { border: 1px solid var(--line); padding: .25rem .6rem; text-align: left; vertical-align: top }
th { background: var(--soft) } .number { text-align: right; font-variant-numeric: tabular-nums }
.better { color: var(--good); font-weight: 600 } .worse { color: var(--bad); font-weight: 600 }
summary { cursor: pointer; padding: .2rem 0 }
ol.graph { display: flex; flex-wrap: wrap; gap: .4rem; list-style: none; padding: 0 }
ol.graph li { border: 1px solid var(--line); border-radius: .4rem; padding: .2rem .6rem }
ol.graph li.reran { background: var(--mark); color: var(--on-mark); font-weight: 600 }
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
WIDTH, BAR, GAP, LABEL = 640, 9, 8, 240


def render(blocks: Sequence[Block]) -> str:
    """The whole page; its title is the verdict."""
    title = next((b.text for b in blocks if isinstance(b, Verdict)), "Report")
    body = "\n".join(_block(b) for b in blocks)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f'<link rel="icon" href="data:,">\n<title>{escape(title)}</title>\n<style>{STYLE}</style>\n'
        f"</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


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
            return _table(block)
        case Graph():
            return _graph(block)
        case Bars():
            return _bars(block)
        case Fold():
            inner = "\n".join(_block(b) for b in block.inner)
            return f"<details><summary>{escape(block.title)}</summary>\n{inner}\n</details>"


def _table(block: Table) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in block.head)
    rows = "\n".join(f"<tr>{_cells(block, row)}</tr>" for row in block.rows)
    label = escape(block.title)
    return (
        f'<div class="scroll" role="group" tabindex="0" aria-label="{label}"><table>\n'
        f"<caption>{label}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n"
        "</table></div>"
    )


def _cells(block: Table, row: Sequence[str]) -> str:
    return "".join(
        f"<td{_class(cell, number=i in block.numbers)}>{escape(cell)}</td>"
        for i, cell in enumerate(row)
    )


def _class(cell: str, *, number: bool) -> str:
    name = "number" if number else cell if cell in ("better", "worse") else ""
    return f' class="{name}"' if name else ""


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
