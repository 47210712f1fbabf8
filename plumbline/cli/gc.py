"""`gc`: free what no branch, tag, other ref or file here needs; dry unless `--apply`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plumbline.repo import garbage, object_stores
from plumbline.repo.garbage import Survey

SHOWN = 20


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("gc", help="free objects that no branch or tag needs")
    parser.add_argument("--apply", action="store_true", help="remove them; without it, only say")
    parser.add_argument("--cloud", action="store_true", help="on the default remote too")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Refuse where there is doubt, say what is free, and let `dvc gc` remove it if asked."""
    settings = object_stores.settings(Path("."))
    object_stores.refuse_links(settings)
    garbage.refuse_doubt(settings.root, cloud=chosen.cloud)
    found = garbage.survey(settings, cloud=chosen.cloud)
    for line in lines(found, chosen.apply):
        print(line)
    garbage.collect(settings, found, cloud=chosen.cloud, apply=chosen.apply)
    if not chosen.apply:
        print("nothing was removed; `--apply` removes it, from the remote for ever")


def lines(found: Survey, apply: bool) -> Iterator[str]:
    """What is free in each place, the largest first."""
    yield f"{len(found.needed):,} objects are needed by the work tree and {len(found.commits):,} commits"
    for place, free in found.free.items():
        verb = "removing" if apply else "would free"
        yield f"{place}: {verb} {len(free):,} objects, {sum(free.values()):,} bytes"
        largest = sorted(free, key=lambda oid: (-free[oid], oid))
        yield from (f"  {oid}  {free[oid]:,}" for oid in largest[:SHOWN])
        if len(largest) > SHOWN:
            yield f"  and {len(largest) - SHOWN:,} more"
