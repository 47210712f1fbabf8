"""Changes that must pass, each by itself."""

from __future__ import annotations

import shutil

import yaml

from bench.attacks import data
from bench.attacks.edits import Attack, both, params, replaced, written
from bench.attacks.subjects import CSV, DELIVERIES, DIABETES, part
from tests.project import Project
from tests.usecases import delivery_rows

BETTER = {"rounds": 400, "params": {"eta": 0.1, "max_depth": 4}}
OTHER_CODE = "rush = np.isin(hour, (17, 18, 19))\n    return rush.astype(np.float64)"


def of_deliveries() -> list[Attack]:
    """The timed table's."""
    features = part(DELIVERIES, "features")
    doc = replaced(features, "Whether most people order, 0 or 1.", "0 or 1: do most order?")
    code = both(
        replaced(features, "return ((hour >= 17) & (hour < 20)).astype(np.float64)", OTHER_CODE),
        replaced(features, "Row(rush)", "Row(rush, version=2)"),
    )
    edits = {
        "a better model": params({f"{DELIVERIES}.train": BETTER}),
        "a docstring of a feature": doc,
        "a refactored feature": code,
        "a new feature": data.feature(DELIVERIES),
        "a new feature and a better model": both(
            data.feature(DELIVERIES), params({f"{DELIVERIES}.train": BETTER})
        ),
        "another seed": params({"seed": 8}),
        "more days of data": _newer,
        "a new use case": _second,
        "a new test and documents": both(
            written("tests/code/test_new.py", "def test_new() -> None: ...\n"),
            written("docs/new.md", "# New\n"),
        ),
    }
    return [Attack("control", what, edit) for what, edit in edits.items()]


def of_diabetes() -> list[Attack]:
    """The plain table's."""
    model = part(DIABETES, "model")
    edits = {
        "a docstring": replaced(model, "The same patient under another number.", "Renumbered."),
        "a slice more": replaced(
            model, "slices=(", 'slices=(Slice("bp", "bp", "mmHg", edges=(95,)), '
        ),
    }
    return [Attack("control", what, edit) for what, edit in edits.items()]


def _newer(project: Project) -> None:
    path = project.path / CSV[DELIVERIES]
    rows = path.read_text().splitlines()[1:]
    delivery_rows.write(path, rows + delivery_rows.rows("2025-05-01", 14, start=len(rows)))
    params({f"{DELIVERIES}.data.as_of": "2025-05-15"})(project)


def _second(project: Project) -> None:
    for module in ("contract", "features", "model", "__init__"):
        source, target = (project.path / part(n, module) for n in (DELIVERIES, "parcels"))
        target.parent.mkdir(exist_ok=True)
        target.write_text(source.read_text().replace(DELIVERIES, "parcels"))
    source = project.path / "sources" / "parcels"
    shutil.copytree(project.path / "sources" / DELIVERIES, source)
    (source / f"{DELIVERIES}.csv").rename(source / "parcels.csv")
    for file in (project.path / "profiles").glob(f"{DELIVERIES}.*"):
        shutil.copy2(file, file.with_name(file.name.replace(DELIVERIES, "parcels")))
    whole = yaml.safe_load((project.path / "params.yaml").read_text())
    section = yaml.safe_dump(whole[DELIVERIES]).replace(DELIVERIES, "parcels")
    whole["parcels"] = yaml.safe_load(section)
    whole["usecases"] = [*whole["usecases"], "parcels"]
    (project.path / "params.yaml").write_text(yaml.safe_dump(whole, sort_keys=False))
