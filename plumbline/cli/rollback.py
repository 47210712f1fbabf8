"""`rollback REV`: put code, outs, registry, feature store and predictions to a commit, or leave all as it is."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from plumbline.ops.rollback import engine


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("rollback", help="put everything to a commit, proved, or nothing")
    parser.add_argument("rev", help="commit, tag or branch; a branch is checked out as such")
    parser.add_argument("--dry-run", action="store_true", help="only say what would change")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Print each step with its proof, or the plan."""
    if chosen.dry_run:
        for line in engine.lines(Path("."), chosen.rev):
            print(line)
        return
    engine.rollback(Path("."), chosen.rev, lambda line: print(line, flush=True))
