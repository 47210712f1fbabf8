"""`accept USECASE`: make the data of the last run the accepted profile that later data are held against,
and keep its days in the monitor's history."""

from __future__ import annotations

import argparse
import shutil
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
    from plumbline.repo import artifacts
    from plumbline.repo.artifacts import Role

    accepted = artifacts.path(chosen.usecase, Role.ACCEPTED_PROFILE)
    write_json(accepted, read_json(artifacts.path(chosen.usecase, Role.PROFILE)))
    print(f"{accepted}: written; commit it. The next `dvc repro` compares new data with it.")
    judged = artifacts.path(chosen.usecase, Role.MONITOR_REPORT) / "history.csv"
    if judged.exists():
        history = artifacts.path(chosen.usecase, Role.MONITOR_HISTORY)
        with replacing(history) as beside:
            shutil.copyfile(judged, beside)
        print(f"{history}: written with the days that the monitor judged; commit it too.")
