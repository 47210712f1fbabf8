"""`retrain`: each use case's champion on newer data, and a challenger where the monitor calls for one."""

from __future__ import annotations

import argparse
import tempfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

from plumbline import config
from plumbline.core.errors import PlumblineError, suggest
from plumbline.core.files import replacing, write_json
from plumbline.ops.retrain import as_of, messages, outcomes, retraining
from plumbline.ops.retrain.retraining import Case
from plumbline.repo import revisions


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("retrain", help="the champion on newer data; retrain if need be")
    when = parser.add_mutually_exclusive_group()
    when.add_argument("--as-of", type=_day, metavar="DATE", help="today without it")
    when.add_argument("--days", type=int, metavar="N", help="move every as-of date on by N days")
    parser.add_argument("--usecase", action="append", metavar="NAME", help="only this one")
    parser.add_argument("--json", type=Path, required=True, metavar="FILE", help="what came of it")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="the same to read")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Retrain, write the JSON, print a line for each use case; `propose` tells the team."""
    records = []
    for case in cases(chosen):
        with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
            records.append(retraining.retrain(case, Path(folder)))
    base = revisions.commit(Path("."), "HEAD")
    write_json(chosen.json, {"format": outcomes.FORMAT, "base": base, "usecases": records})
    if chosen.markdown:
        with replacing(chosen.markdown) as beside:
            beside.write_text(messages.summary(records), encoding="utf-8")
    for record in records:
        print(f"{record['usecase']}: {record['outcome']}: {'; '.join(record['reasons'])}")
        if record["branch"]:
            print(f"  committed on {record['branch']}; look: git switch {record['branch']}")
    print(f"wrote {chosen.json}")


def cases(chosen: argparse.Namespace) -> list[Case]:
    """The use cases asked for, each with the day to retrain it at."""
    listed = list(config.read()["usecases"])
    wrong = [name for name in chosen.usecase or () if name not in listed]
    if wrong:
        raise PlumblineError(
            f"--usecase {wrong[0]}: not in params.yaml; {suggest(wrong[0], listed)}"
        )
    today = datetime.now().astimezone().date()
    found = []
    for name in chosen.usecase or listed:
        data = config.load(name).data
        day = as_of.target(name, data, day=chosen.as_of, days=chosen.days, today=today)
        found.append(Case(Path("."), name, data.as_of, day))
    return found


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a day like 2025-07-01, found {text}") from None
