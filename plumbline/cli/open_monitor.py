"""`open-monitor`: the monitor's page of a use case, opened in the browser; with --html drawn anew from the JSON."""

from __future__ import annotations

import argparse
import webbrowser
from pathlib import Path
from typing import Any

from plumbline import config
from plumbline.core.errors import PlumblineError, suggest
from plumbline.core.files import read_json, replacing
from plumbline.repo import artifacts


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("open-monitor", help="open the monitor's page")
    parser.add_argument("usecase", nargs="*", metavar="USECASE", help="only these")
    parser.add_argument("--html", type=Path, metavar="FOLDER", help="write the pages there instead")
    parser.add_argument("--no-open", action="store_true", help="only say where it is")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Print each use case's verdict and where its page is; open it."""
    listed = [str(name) for name in config.read()["usecases"]]
    for name in chosen.usecase or listed:
        if name not in listed:
            raise PlumblineError(
                f"'{name}': not in params.yaml's usecases; {suggest(name, listed)}"
            )
        found = read_json(artifacts.metrics_path(name, "monitor"))
        path = _drawn(chosen.html, name, found) if chosen.html else _there(name)
        print(f"{name}: {found['summary']}\n{path.resolve().as_uri()}")
        if not chosen.no_open:
            webbrowser.open(path.resolve().as_uri())


def _there(name: str) -> Path:
    from plumbline.monitor import page

    path = artifacts.path(name, artifacts.Role.MONITOR_REPORT) / page.FILE
    if not path.is_file():
        raise PlumblineError(f"{path}: no such file; run `dvc repro` or `dvc checkout`")
    return path


def _drawn(folder: Path, name: str, found: Any) -> Path:
    from plumbline.monitor import page

    path = folder / f"{name}-monitor.html"
    with replacing(path) as beside:
        beside.write_text(page.render(name, found), encoding="utf-8")
    return path
