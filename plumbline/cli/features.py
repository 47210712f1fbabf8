"""`features`: the catalog (list, search) and the feature store (apply, materialize)."""

from __future__ import annotations

import argparse
from typing import Any

from plumbline.core.errors import ParamsError
from plumbline.repo import artifacts


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("features", help="list, search, apply or materialize features")
    parser.add_argument("action", choices=("list", "search", "apply", "materialize"))
    parser.add_argument("usecase")
    parser.add_argument("words", nargs="*", help="search: words in a name or description")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Do the chosen action for one use case."""
    from plumbline import config
    from plumbline.core import usecase_loader
    from plumbline.features import catalog

    case = usecase_loader.load(chosen.usecase)
    if chosen.action in ("list", "search"):
        for entry in catalog.search(case, " ".join(chosen.words)):
            print(f"{entry.name:28} {entry.kind:9} {entry.description}")
        return
    from plumbline.features import store

    as_of = config.load(chosen.usecase).data.as_of
    store.apply(case, store.REPOSITORY, artifacts.path(case.name, artifacts.Role.SNAPSHOTS))
    if chosen.action == "materialize":
        if as_of is None:
            raise ParamsError(f"params.yaml, {case.name}.data.as_of: missing; set the day to serve")
        store.materialize(case, as_of)
    print(f"{chosen.usecase}: feature store {chosen.action} done")
