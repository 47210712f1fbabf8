"""`new NAME`: the skeleton of a use case of one's own: a module, a params section, a source, a profile."""

from __future__ import annotations

import argparse
from typing import Any

from plumbline.ops import new_usecase


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("new", help="start a use case of your own")
    parser.add_argument("name", help="lower case, digits and underscores")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Write what is missing; refuse a name that is taken or no Python name."""
    package, profile, _, source = new_usecase.create(chosen.name)
    print(f"Written: {package}/, {profile}, {source}/, and a section in params.yaml.")
    print(f"Next: put your table at {source}/{chosen.name}.csv, declare its columns in {package},")
    print(f"add {chosen.name} to `usecases` in params.yaml, and run `dvc repro`.")
