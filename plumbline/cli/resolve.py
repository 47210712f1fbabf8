"""`resolve`: dvc.lock after a merge, from what either side executed; the rest runs again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from plumbline.ops.resolve import engine


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("resolve", help="settle a conflict in dvc.lock, and run the rest")
    parser.add_argument("targets", nargs="*", help="run only these stages of what is to run")
    parser.add_argument("--no-repro", action="store_true", help="only write dvc.lock and metrics")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Print what became of each stage, run the rest, and say what is left to do."""
    choices = engine.resolve(
        Path("."),
        lambda line: print(line, flush=True),
        chosen.targets,
        repro=not chosen.no_repro,
    )
    dropped = sum(choice.entry is None for choice in choices)
    print(f"{len(choices) - dropped} entries taken, {dropped} dropped")
    if chosen.no_repro:
        print("next: `dvc checkout`, `dvc repro`, `git add dvc.lock metrics`, `git commit`")
    else:
        print("dvc.lock is what this tree gives; `git commit` ends the merge")
