"""`remote [ADDRESS]`: where this clone's outs are kept for others, every fetch hashed."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.repo import configure, remote_config

URL = "DVC_REMOTE_URL"


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser(
        "remote", help="set the remote of this clone, and check what it sends"
    )
    said = (
        f"a folder, s3://BUCKET/PATH, ssh://USER@HOST/PATH, ...; without it that of {URL}, or none"
    )
    parser.add_argument("url", nargs="?", help=said)
    parser.add_argument("--name", default="storage", help="of the remote (storage)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="an option of DVC's for it"
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Write .dvc/config.local, and say whether the remote answers; 0 when it does, else 1."""
    if chosen.url is None:
        return _environment()
    wrong = [pair for pair in chosen.set if "=" not in pair]
    if wrong:
        raise PlumblineError(f"--set {wrong[0]}: expected KEY=VALUE")
    options = dict(pair.split("=", 1) for pair in chosen.set)
    print(configure.remote(Path("."), chosen.name, chosen.url, options))
    reason = configure.answers(Path("."), chosen.name)
    print(f"it does not answer: {reason}" if reason else "it answers; `dvc push` fills it")
    return 1 if reason else 0


def _environment() -> int:
    """As a workflow does; without an address nothing is shared."""
    url = os.environ.get(URL, "").strip()
    file = remote_config.use(Path("."), url)
    if url:
        print(f"{file}: the remote is that of {URL}; what it sends is hashed")
    else:
        print(f"::notice::{URL} is not set: no remote, everything is computed here")
    return 0
