"""A new feature, as a person adds one: three files, under thirty lines, tested and in the tables.

`python -m bench.new_feature` does it in a copy of the project with small data, and prints files, lines
and seconds. The feature: is the amount a whole number of units, as those of fraudsters often are?
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.project import Project, make

NAME = "whole_units"
FUNCTION = '''def whole_units(amount_cents: Array) -> Array:
    """1 where the amount is a whole number of units, else 0."""
    return (amount_cents % 100 == 0).astype(np.int64)


'''
TEST = '''"""Amounts in whole units."""

import numpy as np

from plumbline.core import row_features
from usecases.card_fraud import features as use


def test_whole_units() -> None:
    cents = np.array([1_200, 1_250, -500, 0])
    assert use.whole_units(cents).tolist() == [1, 0, 1, 1]


def test_it_is_made_and_in_the_model() -> None:
    inputs = {name: np.ones(3) for row in use.ROWS for name in row.inputs}
    events = {**inputs, "payment_id": np.arange(3), "paid_at": np.zeros(3, "datetime64[us]")}
    assert row_features.row_features(use.FEATURES, events)["whole_units"].tolist() == [0.0, 0.0, 0.0]
    assert "whole_units" in use.FEATURES.features
'''
USECASE, TESTS, NEWS = (
    "usecases/card_fraud/features.py",
    f"tests/code/test_{NAME}.py",
    "CHANGELOG.md",
)
OFF = {"MLFLOW_TRACKING_URI": "off"}


@dataclass(frozen=True)
class Added:
    """What it took: files, lines added and removed, seconds; the output of the tests and of the run."""

    files: tuple[str, ...]
    lines: int
    seconds: float
    tests: str
    listed: str
    ran: str


def write(project: Project) -> None:
    """The three edits."""
    path = project.path / USECASE
    text = path.read_text()
    text = text.replace("ROWS = tuple(", f"{FUNCTION}ROWS = tuple(", 1)
    text = text.replace("    for f in (\n", f"    for f in (\n        {NAME},\n", 1)
    text = re.sub(r'( +features=\(\n)( +)"', rf'\1\2"{NAME}",\n\2"', text, count=1)
    path.write_text(text)
    (project.path / TESTS).write_text(TEST)
    news = project.path / NEWS
    news.write_text(news.read_text().rstrip("\n") + "\n- card_fraud: a feature, whole_units.\n")


def add(project: Project) -> Added:
    """Write the feature into a committed project, test it, and run the graph up to the tables."""
    started = time.perf_counter()
    write(project)
    tests = project.run(
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", TESTS, ok=False
    )
    listed = project.run(
        sys.executable, "-m", "plumbline", "features", "search", "card_fraud", NAME, ok=False
    )
    ran = ""
    if "error" not in tests.lower() and "failed" not in tests.lower():
        ran = project.run("dvc", "repro", "features@card_fraud", env=OFF, ok=False)
    seconds = time.perf_counter() - started
    project.run("git", "add", "-A", USECASE, TESTS, NEWS)
    stat = project.run("git", "diff", "--cached", "--numstat").split("\n")
    rows = [line.split("\t") for line in stat if line]
    lines = sum(int(added) + int(removed) for added, removed, _ in rows)
    return Added(tuple(name for *_, name in rows), lines, seconds, tests, listed, ran)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = make(Path(folder) / "project", ["card_fraud"])
        project.set({"card_fraud.features.join": "direct"})
        project.commit("small and quick")
        effort = add(project)
    print(effort.tests, effort.listed, effort.ran, sep="\n")
    print(f"{len(effort.files)} files, {effort.lines} lines, {effort.seconds:.0f} s")


if __name__ == "__main__":
    main()
