"""`registry status|sync|rebuild`: what git and MLflow say of the models, and making them agree."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from plumbline.ops.rollback import agree, plan


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser(
        "registry", help="git's models beside MLflow's, and make them agree"
    )
    parser.add_argument("action", choices=("status", "sync", "rebuild"))
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Do it, and print where both stand; 0 when they agree, else 1."""
    root = Path(".")
    actions = {"sync": agree.sync, "rebuild": agree.rebuild}
    if chosen.action in actions:
        for line in actions[chosen.action](root):
            print(line, flush=True)
    rows = agree.status(root)
    for line in plan.table(rows):
        print(line)
    return 0 if all(row.agrees for row in rows) else 1
