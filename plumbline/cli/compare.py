"""`compare BASE [HEAD]`: what a change does to every use case's model, data and features, as JSON."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.core.files import write_json
from plumbline.review import compare, verdict_line


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("compare", help="two revisions' models and data, by numbers")
    parser.add_argument("base", metavar="BASE", help="commit, tag or branch")
    parser.add_argument(
        "head", metavar="HEAD", nargs="?", help="the same; the work tree without it"
    )
    parser.add_argument("--json", type=Path, required=True, metavar="FILE", help="write it there")
    parser.add_argument(
        "--log", type=Path, metavar="FILE", help="what `dvc repro` printed: a failed stage is named"
    )
    text = (
        "dvc.lock must be the committed one: what `dvc repro` changed in it speaks against merging"
    )
    parser.add_argument("--committed", action="store_true", help=text)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Compare, write the JSON, print the verdict; `gate` decides by exit code."""
    log = _log(chosen.log)
    found = compare.compare(Path("."), chosen.base, chosen.head, log, committed=chosen.committed)
    write_json(chosen.json, found)
    print(verdict_line.verdict(found))
    print(f"wrote {chosen.json}")


def _log(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise PlumblineError(
            f"--log {path}: {error.strerror}; give what `dvc repro` printed"
        ) from None
