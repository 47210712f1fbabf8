"""`new NAME`: the skeleton of a use case of one's own: a module, a params section, a source, a profile."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from plumbline.config import read
from plumbline.core.errors import PlumblineError

MODULE = '''"""{name}: say in one line what is predicted, and when."""

from __future__ import annotations

from plumbline.core.usecase import Array, Column, Row, UseCase


def size_per_unit(size: Array, units: Array) -> Array:
    """Size per unit, in the size's unit."""
    return size / units


USECASE = UseCase(
    name="{name}",
    title="{name}",
    owner="you@example.com",
    problem="regression",  # or classification, with a label of 0 and 1
    key="id",
    label="answer",
    # time="at", label_delay=1, entities=..., snapshots=..., fresh=..., derived=...: for events with a history
    columns=(
        Column("id", "int", "-", "number of the row"),
        Column("size", "float", "metres", "a number", min=0),
        Column("units", "int", "-", "a count", min=1),
        Column("answer", "float", "metres", "what is to be predicted", known=False),
    ),
    rows=(Row(size_per_unit),),
    features=("size", "units", "size_per_unit"),
    # slices=..., groups=..., behaviours=..., use=Use(intended=..., out_of_scope=...): for the model card
)
'''

SECTION = """
{name}:
  data:
    source: csv
    path: sources/{name}/{name}.csv
  validate: {{}}
  features: {{}}
  tune: {{}}
  train: {{}}
  evaluate: {{}}
  monitor: {{}}
"""


def add(parsers: Any) -> None:
    """Declare the command."""
    parser = parsers.add_parser("new", help="start a use case of your own")
    parser.add_argument("name", help="lower case, digits and underscores")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> None:
    """Write what is missing; refuse a name that is taken or no Python name."""
    name = chosen.name
    module = Path("usecases") / f"{name}.py"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise PlumblineError(f"'{name}': expected lower-case letters, digits and underscores")
    if module.exists() or name in read():
        raise PlumblineError(
            f"'{name}' exists already ({module}, params.yaml); choose another name"
        )
    source = Path("sources") / name
    source.mkdir(parents=True, exist_ok=True)
    (source / "README.md").write_text(
        f"# {name}\n\nSay where the data come from.\n", encoding="utf-8"
    )
    (Path("profiles") / f"{name}.json").write_text("{}\n", encoding="utf-8")
    (Path("profiles") / f"{name}.history.csv").touch()
    module.write_text(MODULE.format(name=name), encoding="utf-8")
    with Path("params.yaml").open("a", encoding="utf-8") as params:
        params.write(SECTION.format(name=name))
    print(f"Written: {module}, profiles/{name}.json, {source}/, and a section in params.yaml.")
    print(f"Next: put your table at {source}/{name}.csv, declare its columns in {module},")
    print(f"add {name} to `usecases` in params.yaml, and run `dvc repro`.")
