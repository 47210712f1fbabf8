"""`issue KIND`: the one open issue of a kind, opened, updated or closed. For jobs that watch something."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.ops.hosting import github

WELL = "success"
LINES, WIDTH = 60, 300
"""Of a log, what is quoted."""


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("issue", help="open, update or close the one issue of a kind")
    parser.add_argument("kind", metavar="KIND", help="a word, e.g. nightly")
    parser.add_argument(
        "--result", required=True, metavar="WORD", help=f"{WELL} closes it, anything else opens it"
    )
    parser.add_argument("--title", metavar="TEXT", help="without it: the kind and the result")
    parser.add_argument("--log", type=Path, metavar="FILE", help="its last lines are quoted")
    parser.add_argument("--link", default="", metavar="ADDRESS", help="where the run is to be seen")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Print what was done."""
    hub = github.from_environment()
    if chosen.result == WELL:
        closed = hub.close_issue(chosen.kind, f"Well again. {chosen.link}".strip())
        print(f"issue #{closed['number']} closed" if closed else "no issue is open")
        return
    title = chosen.title or f"{chosen.kind}: {chosen.result}"
    made = hub.report_issue(chosen.kind, title, _body(chosen))
    print(f"issue #{made['number']}: {title}")


def _body(chosen: argparse.Namespace) -> str:
    start = f"The last run ended with: {chosen.result}. {chosen.link}".strip()
    if not chosen.log or not chosen.log.is_file():
        return start
    try:
        text = chosen.log.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise PlumblineError(f"--log {chosen.log}: {error.strerror}") from None
    return f"{start}\n\n{quoted(text)}"


def quoted(text: str) -> str:
    """The last lines as a block of code, in which no mention, link or HTML acts.

    >>> quoted("one\\n@all\\n")
    '    one\\n    @all'
    """
    lines = text.expandtabs().splitlines()[-LINES:]
    return "\n".join(f"    {line[:WIDTH]}" for line in lines)
