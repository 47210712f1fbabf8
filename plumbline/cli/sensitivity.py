"""`sensitivity [USECASE]`: each searched setting changed alone around the best, and what that costs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from plumbline import config
from plumbline.core.errors import PlumblineError


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("sensitivity", help="how flat the optimum of the search is")
    parser.add_argument("usecase", nargs="?", help="the first of params.yaml without it")
    parser.add_argument("--points", type=int, default=6, metavar="N", help="values per setting")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write it there too")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw it there too (PNG)")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Print the table; leave it as JSON and PNG in reports/<usecase>/sensitivity/."""
    from plumbline.core import files
    from plumbline.repo import artifacts
    from plumbline.studies.sensitivity import plots, study, text_report

    if chosen.points < 2:
        raise PlumblineError(f"--points: got {chosen.points}, expected 2 or more")
    usecase = chosen.usecase or config.first()
    found = study.study(Path("."), usecase, chosen.points)
    for line in text_report.lines(found):
        print(line)
    target = artifacts.study_folder(usecase, "sensitivity")
    with files.replacing_folder(target) as folder:
        files.write_json(folder / "sensitivity.json", found)
        plots.draw(folder / "sensitivity.png", found)
    if chosen.json:
        files.write_json(chosen.json, found)
    if chosen.plot:
        with files.replacing(chosen.plot) as beside:
            plots.draw(beside, found)
    print(f"wrote {target}")
