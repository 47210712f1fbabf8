"""`propose RETRAIN.json`: a retrain's outcome as one pull request or one issue, never two."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from plumbline.core.files import read_json
from plumbline.ops.hosting import github
from plumbline.ops.retrain import outcomes, proposals


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("propose", help="a retrain as a pull request or an issue")
    parser.add_argument("retrain", type=Path, metavar="RETRAIN.json", help="what `retrain` wrote")
    parser.add_argument("--base", default="main", metavar="BRANCH", help="to merge into (main)")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Act on each use case's record, in the repository that the environment names."""
    records = outcomes.read(read_json(chosen.retrain), str(chosen.retrain))
    hub = github.from_environment()
    for record in records:
        done = proposals.propose(Path("."), hub, record, chosen.base)
        print(f"{record['usecase']}: {record['outcome']}: {done}")
