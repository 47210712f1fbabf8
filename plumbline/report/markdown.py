"""A report's blocks as Markdown for GitHub: short enough for a comment, and nothing in it acts. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from plumbline.core.safe_text import one_line
from plumbline.report.blocks import Bars, Block, Bullets, Fold, Graph, Heading, Table, Text, Verdict

LIMIT = 65_000
"""UTF-8 bytes; GitHub refuses more than 65,536 characters."""
CHARTS = 3
ROWS = 60
CELL = 400
MARKS = {"good": "✅", "bad": "❌", "plain": "⚠️"}
NOTE = "_{n} more parts are left out here: they are in the HTML report._\n"
BREAK = "\u200b"


def render(blocks: Sequence[Block]) -> str:
    """The whole text. Parts that do not fit are left out, and the last line says how many."""
    room = LIMIT - len(NOTE.encode()) - 20
    parts, left, charts = [], 0, 0
    for block in blocks:
        chart = isinstance(block, (Graph, Bars))
        if chart and charts == CHARTS:
            continue
        part = _block(block)
        size = len(part.encode()) + 1
        if size > room:
            left += 1
            continue
        room -= size
        charts += chart
        parts.append(part)
    return "\n".join([*parts, NOTE.format(n=left)] if left else parts)


def escaped(text: str, most: int = CELL) -> str:
    """Text that shows as it is: no mention, reference, link, HTML, table cell or emphasis comes of it.

    >>> escaped("a|b <i> @all #1").replace(BREAK, "")
    'a\\\\|b &lt;i&gt; @all \\\\#1'
    """
    plain = re.sub(r"([\\`*_{}\[\]()|~!#])", r"\\\1", one_line(text, most))
    plain = re.sub(r"^([-+=]|\d+\.)(?=\s|$)", r"\\\1", plain)
    plain = plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    plain = re.sub(r"(@|:(?=//)|\\#|\bwww)", rf"\1{BREAK}", plain)
    return re.sub(r"\b(GH)-(?=\d)", rf"\1{BREAK}-", plain, flags=re.IGNORECASE)


def _block(block: Block) -> str:
    match block:
        case Verdict():
            return f"**{MARKS[block.tone]} {escaped(block.text, 1000)}**\n"
        case Heading():
            return f"## {escaped(block.text)}\n"
        case Text():
            return f"{escaped(block.text, 2000)}\n"
        case Bullets():
            return _bullets(block)
        case Table():
            return f"{escaped(block.title)}\n\n{_table(block)}"
        case Graph():
            return _graph(block)
        case Bars():
            return _bars(block)
        case Fold():
            inner = "\n".join(_inner(b) for b in block.inner)
            title = escaped(block.title).replace("\\", "")  # no Markdown is read in a summary
            return f"<details><summary>{title}</summary>\n\n{inner}\n</details>\n"


def _inner(block: Text | Bullets | Table) -> str:
    return _table(block) if isinstance(block, Table) else _block(block)


def _bullets(block: Bullets) -> str:
    shown = [f"- {escaped(line, 1000)}" for line in block.lines[:ROWS]]
    return "\n".join([*shown, *_more(len(block.lines), "lines")]) + "\n"


def _table(block: Table) -> str:
    rule = ["---:" if i in block.numbers else "---" for i in range(len(block.head))]
    rows = [map(escaped, block.head), rule, *(map(escaped, r) for r in block.rows[:ROWS])]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines + _more(len(block.rows), "rows")) + "\n"


def _more(count: int, what: str) -> list[str]:
    return [f"\n{count - ROWS:,} more {what} in the HTML report"] if count > ROWS else []


def _graph(block: Graph) -> str:
    """The stages as Mermaid's flow chart, those whose entry changed in another colour."""
    lines = ["```mermaid", "flowchart LR", *(f"  {_label(s)}" for s in block.stages)]
    lines += [f"  {_label(source)} --> {_label(name)}" for source, name in block.edges]
    lines += ["  classDef reran fill:#f9a825,color:#000000,stroke:#795548"]
    lines += [f"  class {_label(s)} reran" for s in block.stages if s in block.reran]
    return "\n".join([f"{escaped(block.title)}\n", *lines, "```"]) + "\n"


def _bars(block: Bars, most: int = 12) -> str:
    """Head's figures as bars, base's as a line."""
    labels = ", ".join(f'"{_label(name)[:24]}"' for name in block.labels[:most])
    bars, line = (", ".join(f"{v:.6g}" for v in vs[:most]) for vs in (block.head, block.base))
    chart = f"xychart-beta\n  x-axis [{labels}]\n  bar [{bars}]\n  line [{line}]"
    return f"{escaped(block.title)} (bars: head, line: base)\n\n```mermaid\n{chart}\n```\n"


def _label(text: str) -> str:
    """Letters that mean nothing to Mermaid."""
    return re.sub(r"[^\w .-]", "", text, flags=re.ASCII).strip() or "-"
