"""The skeleton of a use case: a package, a params section, a source folder, a profile."""

from __future__ import annotations

from pathlib import Path

from plumbline.config import read
from plumbline.core import usecase_name
from plumbline.core.errors import PlumblineError
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role

PARTS = {
    "__init__": '"""{name}: say in one line what is predicted, and when."""\n',
    "contract": '''"""The events of {name}: columns, key, label."""

from __future__ import annotations

from plumbline.core.declarations import Column
from plumbline.core.usecase import Contract

CONTRACT = Contract(
    name="{name}",
    title="{name}",
    owner="you@example.com",
    problem="regression",  # or classification, with a label of 0 and 1; or multiclass
    key="id",
    label="answer",
    # time="at", label_delay=1, entities=...: for events with a history
    columns=(
        Column("id", "int", "-", "number of the row"),
        Column("size", "float", "metres", "a number", min=0),
        Column("units", "int", "-", "a count", min=1),
        Column("answer", "float", "metres", "what is to be predicted", known=False),
    ),
)
''',
    "features": '''"""The features of {name}, in the order in which the model sees them."""

from __future__ import annotations

from plumbline.core.declarations import Array, Row
from plumbline.core.usecase import FeatureSet
from usecases.{name}.contract import CONTRACT


def size_per_unit(size: Array, units: Array) -> Array:
    """Size per unit, in the size's unit."""
    return size / units


FEATURES = FeatureSet.of(
    CONTRACT,
    # snapshots=..., fresh=..., derived=...: histories, for events with a time
    rows=(Row(size_per_unit),),
    features=("size", "units", "size_per_unit"),
)
''',
    "model": '''"""How the answers of {name} are judged: slices, groups, behaviours, intended use."""

from __future__ import annotations

from plumbline.core.usecase import UseCase
from usecases.{name}.features import FEATURES

USECASE = UseCase.of(
    FEATURES,
    # naive=..., slices=..., groups=..., behaviours=..., use=Use(intended=..., out_of_scope=...)
)
''',
}
"""The modules of the package, with `{name}` to fill in."""
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


def create(name: str, root: Path = Path(".")) -> list[Path]:
    """Write the skeleton of the use case `name` below `root`; the paths written.

    Raises PlumblineError, before anything is written, where the name is taken or no Python name.
    """
    usecase_name.check(name, "the use case's name")
    package, source = root / "usecases" / name, artifacts.path(name, Role.SOURCE, root)
    if package.exists() or name in read(root / "params.yaml"):
        raise PlumblineError(
            f"'{name}' exists already ({package}, params.yaml); choose another name"
        )
    package.mkdir(parents=True)
    for part, text in PARTS.items():
        (package / f"{part}.py").write_text(text.replace("{name}", name), encoding="utf-8")
    source.mkdir(parents=True, exist_ok=True)
    (source / "README.md").write_text(
        f"# {name}\n\nSay where the data come from.\n", encoding="utf-8"
    )
    profile, history = (
        artifacts.path(name, role, root) for role in (Role.ACCEPTED_PROFILE, Role.MONITOR_HISTORY)
    )
    profile.write_text("{}\n", encoding="utf-8")
    history.touch()
    with (root / "params.yaml").open("a", encoding="utf-8") as params:
        params.write(SECTION.format(name=name))
    return [package, profile, history, source]
