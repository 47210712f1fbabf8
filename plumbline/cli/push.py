"""`push`: send every object that is recorded to the remote, and prove that it is there."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from plumbline.cli.verify import revs
from plumbline.core.errors import PlumblineError
from plumbline.ops.rollback import restore
from plumbline.repo import object_stores, state, verify


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("push", help="push, and hash again what the remote then has")
    parser.add_argument(
        "--all-tags", action="store_true", help="every tag's objects too: a release"
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """`dvc push`, then every object of the remote hashed; 1 where one is missing or bad."""
    settings = object_stores.settings(Path("."))
    if not settings.default:
        raise PlumblineError("no default remote; `dvc remote default NAME` sets one")
    if chosen.all_tags and settings.default in settings.relative:
        raise PlumblineError(
            f"remote {settings.default}: its path is relative, which DVC takes from the root folder of "
            f"the disk for other revisions; set it once more as `dvc remote modify --local "
            f"{settings.default} url {settings.remotes[settings.default]}`"
        )
    state.refuse_running(settings.root)
    restore.dvc(settings.root, "push", *(["--all-tags"] if chosen.all_tags else []))
    report = verify.check(settings, list(revs(settings.root, None, chosen.all_tags)), ("remote",))
    for finding in report.findings:
        sys.stdout.write(f"{finding.kind:10} {finding.where}: {finding.use.path}\n")
    checked = sum(part.checked for part in report.parts if part.where.startswith("remote"))
    sys.stdout.write(f"{len(report.findings)} not as recorded; {checked:,} objects on the remote\n")
    return 1 if report.findings else 0
