"""`scan-pii`: are there card numbers, e-mail addresses or names in the outputs and logs? Exit 1 where so."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

DEFAULT = ("data", "models", "reports", "metrics", "profiles", ".plumbline")


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("scan-pii", help="search outputs and logs for personal data")
    parser.add_argument(
        "paths", type=Path, nargs="*", metavar="PATH", help=f"default: {' '.join(DEFAULT)}"
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Print what was found, masked; 1 where it was anything."""
    from plumbline import config
    from plumbline.core import usecase_loader
    from plumbline.core.errors import PlumblineError
    from plumbline.studies.privacy import scan

    gone = [p for p in chosen.paths if not p.exists()]
    if gone:
        raise PlumblineError(f"{gone[0]}: no such file or folder; what is to be searched?")
    paths = chosen.paths or [p for p in map(Path, DEFAULT) if p.exists()]
    owners = {usecase_loader.load(name).owner for name in config.read()["usecases"]}
    count = 0
    for path, found in scan.search(paths, owners):
        count += 1
        print(f"{path}: {found.kind} {found.shown}")
    print(f"{count} things found that should not be there" if count else "nothing personal found")
    return 1 if count else 0
