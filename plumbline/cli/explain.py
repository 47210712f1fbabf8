"""`explain ID`: why one event was scored as it was, and what the score was made from."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from plumbline import config


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("explain", help="why one event was scored as it was")
    parser.add_argument("id", metavar="ID", help="the event's key, in the test or current table")
    parser.add_argument("--usecase", help="the first of params.yaml without it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write it there too")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Print the explanation."""
    from plumbline.core import files
    from plumbline.studies.explain import explanation, text_report

    found = explanation.explain(Path("."), chosen.usecase or config.first(), chosen.id)
    for line in text_report.lines(found):
        print(line)
    if chosen.json:
        files.write_json(chosen.json, found)
