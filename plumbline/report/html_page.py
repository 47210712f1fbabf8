"""What every HTML page here shares: style sheet, frame, table. No script, no address outside of it. Pure."""

from __future__ import annotations

from collections.abc import Container, Sequence
from html import escape

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
.scroll { overflow-x: auto; overflow-wrap: break-word } table { border-collapse: collapse; margin: .5rem 0; font-size: .9rem }
caption { text-align: left; font-weight: 600; padding: .3rem 0 }
th, td { border: 1px solid var(--line); padding: .25rem .6rem; text-align: left; vertical-align: top }
th { background: var(--soft) } .number { text-align: right; font-variant-numeric: tabular-nums }
.better { color: var(--good); font-weight: 600 } .worse { color: var(--bad); font-weight: 600 }
summary { cursor: pointer; padding: .2rem 0 }
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


class Markup(str):
    """HTML that is not to be escaped again."""

    __slots__ = ()


def frame(title: str, body: str, style: str = "") -> str:
    """The whole page around its body; `style` is added to the sheet."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f'<link rel="icon" href="data:,">\n<title>{escape(title)}</title>\n'
        f"<style>{STYLE}{style}</style>\n"
        f"</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def table(
    title: str,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    numbers: Container[int] = (),
) -> str:
    """A table that scrolls by itself where it is wide; the columns at places in `numbers` to the right."""
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    lines = "\n".join(f"<tr>{_cells(row, numbers)}</tr>" for row in rows)
    label = escape(title)
    return (
        f'<div class="scroll" role="group" tabindex="0" aria-label="{label}"><table>\n'
        f"<caption>{label}</caption>\n<thead><tr>{names}</tr></thead>\n<tbody>\n{lines}\n</tbody>\n"
        "</table></div>"
    )


def text(cell: str) -> str:
    """A cell's HTML."""
    return cell if isinstance(cell, Markup) else escape(cell)


def _cells(row: Sequence[str], numbers: Container[int]) -> str:
    return "".join(
        f"<td{_class(cell, number=i in numbers)}>{text(cell)}</td>" for i, cell in enumerate(row)
    )


def _class(cell: str, *, number: bool) -> str:
    name = "number" if number else cell if cell in ("better", "worse") else ""
    return f' class="{name}"' if name else ""
