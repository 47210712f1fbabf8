"""`release TAG`: push every tag's objects, prove that the tag comes back, pack its bundles in dist/TAG."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from plumbline.ops.retrain import releases


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("release", help="push, prove and pack a tag")
    parser.add_argument("tag", metavar="TAG", help="e.g. model-v1")
    parser.add_argument("--into", type=Path, metavar="FOLDER", help="dist/TAG without it")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Print the files that were written."""
    target = chosen.into or Path("dist") / chosen.tag
    for path in releases.release(Path("."), chosen.tag, target):
        print(f"wrote {path}")
