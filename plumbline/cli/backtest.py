"""`backtest [USECASE]`: the model made again at many days of the past, each judged on what followed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from plumbline import config
from plumbline.core.errors import PlumblineError


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser(
        "backtest", help="models of many past days, judged on what followed"
    )
    parser.add_argument("usecase", nargs="?", help="the first of params.yaml without it")
    parser.add_argument("--origins", type=int, metavar="N", help="models, one after another")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write it there too")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw it there too (PNG)")
    text = "write profiles/USECASE.staleness.json, for git: how quality falls with age"
    parser.add_argument("--keep", action="store_true", help=text)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Print the lines; leave backtest.json and backtest.png in reports/<usecase>/backtest/."""
    from plumbline.core import files
    from plumbline.repo import artifacts
    from plumbline.studies.backtest import plots, study, text_report

    if chosen.origins is not None and chosen.origins < 2:
        raise PlumblineError(f"--origins: got {chosen.origins}, expected 2 or more")
    usecase = chosen.usecase or config.first()
    found = study.study(Path("."), usecase, chosen.origins)
    for line in text_report.lines(found):
        print(line)
    target = artifacts.study_folder(usecase, "backtest")
    with files.replacing_folder(target) as folder:
        files.write_json(folder / "backtest.json", found)
        plots.draw(folder / "backtest.png", found)
    if chosen.json:
        files.write_json(chosen.json, found)
    if chosen.keep:
        profile = artifacts.path(usecase, artifacts.Role.ACCEPTED_PROFILE)
        files.write_json(profile.with_name(f"{usecase}.staleness.json"), found["staleness"])
    if chosen.plot:
        with files.replacing(chosen.plot) as beside:
            plots.draw(beside, found)
    print(f"wrote {target}")
