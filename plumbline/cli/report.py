"""`report IN.json`: a comparison as Markdown for a pull request, and as one HTML page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.core.files import read_json, replacing
from plumbline.report import html, markdown
from plumbline.review import document, merge_gate


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("report", help="a comparison as Markdown and HTML")
    parser.add_argument("comparison", type=Path, metavar="IN.json", help="what `compare` wrote")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write Markdown there")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write one HTML page there")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Render the JSON alone; nothing else is read."""
    if not chosen.markdown and not chosen.html:
        raise PlumblineError("nothing to write: give --markdown FILE, --html FILE, or both")
    name = str(chosen.comparison)
    blocks = document.blocks(merge_gate.read(read_json(chosen.comparison), name), name)
    for path, render in ((chosen.markdown, markdown.comment), (chosen.html, html.render)):
        if path:
            with replacing(path) as beside:
                beside.write_text(render(blocks), encoding="utf-8")
            print(f"wrote {path}")
