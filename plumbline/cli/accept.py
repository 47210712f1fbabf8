"""`accept USECASE`: make the data of the last run the accepted profile that later data are held against,
and keep its days in the monitor's history."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

from plumbline.core.files import read_json, replacing, write_json


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("accept", help="accept the last run's data profile")
    parser.add_argument("usecase")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Copy data/<usecase>/profile.json to profiles/, where git keeps it and `validate` reads it.

    So too the monitor's history, where there is one: `monitor` reads it and adds its days.
    """
    accepted = Path("profiles") / f"{chosen.usecase}.json"
    write_json(accepted, read_json(Path("data") / chosen.usecase / "profile.json"))
    print(f"{accepted}: written; commit it. The next `dvc repro` compares new data with it.")
    judged = Path("reports") / chosen.usecase / "monitor" / "history.csv"
    if judged.exists():
        history = Path("profiles") / f"{chosen.usecase}.history.csv"
        with replacing(history) as beside:
            shutil.copyfile(judged, beside)
        print(f"{history}: written with the days that the monitor judged; commit it too.")
