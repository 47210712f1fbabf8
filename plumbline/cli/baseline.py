"""`baseline REV`: bring the models that a change is compared with into the cache; run REV if need be."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from plumbline.review import baseline


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("baseline", help="have REV's models at hand, to compare with")
    parser.add_argument("rev", metavar="REV", help="commit, tag or branch")
    text = "then put REV's dvc.lock in place, so that `dvc repro` runs whatever differs from REV"
    parser.add_argument("--lock", action="store_true", help=text)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Fetch, or compute, what `compare` needs of REV and of the last release."""
    root = Path(".")
    for line in baseline.bring(root, chosen.rev):
        print(line, flush=True)
    if chosen.lock:
        print(baseline.start_from(root, chosen.rev))
