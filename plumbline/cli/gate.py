"""`gate IN.json`: may the change be merged? Exit code 1, with the reasons, where it may not."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.core.files import read_json
from plumbline.review import compare, lockcheck, merge_gate, revision, verdict_line


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("gate", help="exit 1 where a change may not be merged")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "comparison", type=Path, nargs="?", metavar="IN.json", help="what `compare` wrote"
    )
    what.add_argument("--lock-only", action="store_true", help="look at dvc.lock alone, in seconds")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Judge; 0 where it may be merged."""
    return _lock() if chosen.lock_only else _comparison(chosen)


def _lock() -> int:
    """Is dvc.lock what the files give? Needs neither data nor credentials."""
    lock = lockcheck.check(revision.side(Path("."), None))
    against = list(merge_gate.reasons({"lock": lock, "usecases": {}}))
    for reason in against:
        print(f"- {verdict_line.reason(reason)}")
    print("dvc.lock: refused" if against else "dvc.lock: up to date")
    return 1 if against else 0


def _comparison(chosen: argparse.Namespace) -> int:
    """Judge the JSON's figures; dvc.lock is checked anew, against the files as they are now."""
    name = str(chosen.comparison)
    found = merge_gate.read(read_json(chosen.comparison), name)
    here = revision.side(Path("."), None)
    if found["lock"].get("md5") != compare.lock_md5(here):
        raise PlumblineError(
            f"{name}: its head has another dvc.lock than this work tree; run `plumbline "
            "compare` again, with head checked out"
        )
    lock = {**lockcheck.check(here), "uncommitted": found["lock"].get("uncommitted")}
    judged = merge_gate.ruling({**found, "lock": lock})
    print(verdict_line.verdict({**found, "gate": judged}))
    for reason in judged["reasons"]:
        print(f"- {verdict_line.reason(reason)}")
    for reason in judged["lifted"]:
        print(
            f"- overridden ({judged['overrides'][reason['usecase']]}): {verdict_line.reason(reason)}"
        )
    return 1 if judged["verdict"] in ("no", "failed") else 0
