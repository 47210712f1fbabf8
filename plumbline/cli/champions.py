"""`champions [USECASE]`: which bundle was champion when, and why."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from plumbline.core.files import write_json
from plumbline.ops.lineage import champions, past


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("champions", help="which bundle was champion when, and why")
    parser.add_argument("usecase", nargs="?", help="one use case; all without it")
    parser.add_argument("--branch", help="whose commits count; the one checked out, or main")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write it there as JSON")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Print the table and the notes."""
    found, notes = past.champions(Path("."), chosen.usecase, chosen.branch)
    for line in champions.table(found):
        print(line)
    for note in notes:
        print(f"note: {note}")
    if chosen.json:
        write_json(chosen.json, {"events": [asdict(event) for event in found], "notes": notes})
