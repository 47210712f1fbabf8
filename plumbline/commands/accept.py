"""`accept USECASE`: make the data of the last run the accepted profile that later data are held against."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from plumbline.files import read_json, write_json


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("accept", help="accept the last run's data profile")
    parser.add_argument("usecase")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Copy data/<usecase>/profile.json to profiles/, where git keeps it and `validate` reads it."""
    accepted = Path("profiles") / f"{chosen.usecase}.json"
    write_json(accepted, read_json(Path("data") / chosen.usecase / "profile.json"))
    print(f"{accepted}: written; commit it. The next `dvc repro` compares new data with it.")
