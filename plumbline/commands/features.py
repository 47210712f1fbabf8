"""`features`: the catalog (list, search) and the feature store (apply, materialize)."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from plumbline.errors import ParamsError
from plumbline.files import read_json


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("features", help="list, search, apply or materialize features")
    parser.add_argument("action", choices=("list", "search", "apply", "materialize"))
    parser.add_argument("usecase")
    parser.add_argument("words", nargs="*", help="search: words in a name or description")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Do the chosen action for one use case."""
    if chosen.action in ("list", "search"):
        show(chosen.usecase, [w.lower() for w in chosen.words])
        return
    from plumbline import params, usecase
    from plumbline.features import store

    case = usecase.load(chosen.usecase)
    store.apply(case)
    if chosen.action == "materialize":
        as_of = params.load(chosen.usecase).data.as_of
        if as_of is None:
            raise ParamsError(f"params.yaml, {case.name}.data.as_of: missing; set the day to serve")
        store.materialize(case, as_of)
    print(f"{chosen.usecase}: feature store {chosen.action} done")


def show(usecase: str, words: list[str]) -> None:
    """Print the catalog's features, those with every word where there are any."""
    catalog = read_json(Path("metrics") / usecase / "features.json")
    for feature in catalog["features"]:
        line = f"{feature['name']:28} {feature['kind']:9} {feature['description']}"
        if all(word in line.lower() for word in words):
            print(line)
