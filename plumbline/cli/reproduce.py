"""`reproduce [REV]`: run a commit again in a fresh clone, and say output by output whether it is the same."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.core.files import write_json
from plumbline.repo import reproduce
from plumbline.repo.reproduce import Reproduction


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("reproduce", help="run a commit again from nothing, and compare")
    parser.add_argument("rev", nargs="?", default="HEAD", help="commit, tag or branch (HEAD)")
    parser.add_argument("--clean-room", action="store_true", help="in a new environment")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the comparison there")
    parser.add_argument(
        "--env", action="append", default=[], metavar="KEY=VALUE", help="a variable for the run"
    )
    parser.add_argument("--keep", action="store_true", help="leave the clone, and say where")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Print the table; 0 when every out is reproduced, else 1."""
    wrong = [pair for pair in chosen.env if "=" not in pair]
    if wrong:
        raise PlumblineError(f"--env {wrong[0]}: expected KEY=VALUE")
    extra = dict(pair.split("=", 1) for pair in chosen.env)
    folder = Path(tempfile.mkdtemp(prefix="plumbline-")).resolve()
    try:
        done = reproduce.reproduce(
            Path("."), chosen.rev, folder, extra, clean_room=chosen.clean_room
        )
    finally:
        if not chosen.keep:
            shutil.rmtree(folder, ignore_errors=True)
    for line in table(done):
        print(line)
    if chosen.keep:
        print(f"kept: {folder}")
    if chosen.json:
        write_json(chosen.json, record(done, chosen.clean_room, extra))
    return 0 if done.same else 1


def table(done: Reproduction) -> Iterator[str]:
    """Stage, output, result and both md5s in columns; the message of a failed stage; the count."""
    head = ("stage", "output", "result", "recorded", "this run")
    rows = [(r.stage, r.path, r.result, r.expected or "-", r.found or "-") for r in done.results]
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    for row in (head, *rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    if done.failed:
        yield f"\n{done.failed} failed:\n{done.message}\n"
    counts = Counter(r.result for r in done.results)
    yield f"{done.commit}: " + ", ".join(f"{n} {kind}" for kind, n in sorted(counts.items()))


def record(done: Reproduction, clean_room: bool, extra: dict[str, str]) -> dict[str, Any]:
    """The same as values for a file."""
    return {
        "commit": done.commit,
        "same": done.same,
        "clean_room": clean_room,
        "environment": extra,
        "machine": reproduce.about(),
        "failed": {"stage": done.failed, "message": done.message} if done.failed else None,
        "outs": [vars(result) for result in done.results],
    }
