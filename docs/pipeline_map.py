"""docs/map.md: parts, arrows, levels of automation, tasks and assets, each with what does it and its tests."""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from docs import capabilities
from docs.marks import MarkedTest, tests_by_row
from plumbline.cli.app import command_line

DOCS = Path(__file__).parent
ROOT = DOCS.parent
USECASE = "${item.usecase}"
HEAD = """# The pipeline's map

Which stage, workflow or command stands for each part, arrow and task of a machine-learning pipeline, and which tests hold
it. Numbers are rows of [capabilities](capabilities.md).

<!-- Written by `python -m docs.reference` from docs/map.toml, dvc.yaml and the marks on the tests; edit those instead. -->
"""
LISTS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "parts": (
        "Six parts",
        "What every pipeline has, whatever it predicts.",
        ("part", "by", "command", "tests"),
    ),
    "inside": (
        "Arrows of the graph",
        "From `dvc.yaml`: who reads what whom writes. The suite fails for an arrow without a test.",
        ("from", "to", "what goes along", "tests"),
    ),
    "outside": (
        "Arrows around it",
        "Between the graph and people, hosts and time.",
        ("from", "to", "by", "tests"),
    ),
    "levels": (
        "Levels of automation",
        "The project is on the third. What stays with a person: to declare, to accept a profile, to merge.",
        ("level", "means", "here", "tests"),
    ),
    "tasks": (
        "Tasks that can be automated",
        "Each is a stage, a workflow or a command.",
        ("phase", "task", "by", "tests"),
    ),
    "assets": (
        "Assets",
        "What may change, and how it comes back.",
        ("asset", "where", "may it change", "comes back by", "tests"),
    ),
}
"""Title, sentence and columns of each list."""
BY = {"parts": 1, "outside": 2, "tasks": 2}
"""The column that says what does it."""


@dataclass(frozen=True)
class Project:
    """What the map is held against: the graph, the workflows, the commands, the packages, the rows with tests."""

    stages: Mapping[str, Any]
    workflows: frozenset[str]
    commands: frozenset[str]
    packages: frozenset[str]
    tests: Mapping[str, Sequence[MarkedTest]]


def read(path: Path = DOCS / "map.toml") -> dict[str, list[list[str]]]:
    """The lists as their file has them."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def project(root: Path = ROOT) -> Project:
    """This project."""
    return Project(
        stages=yaml.safe_load((root / "dvc.yaml").read_text(encoding="utf-8"))["stages"],
        workflows=frozenset(p.stem for p in (root / ".github/workflows").glob("*.yml")),
        commands=frozenset(command_line().commands),
        packages=frozenset(p.parent.name for p in (root / "plumbline").glob("*/__init__.py")),
        tests=tests_by_row(root),
    )


def edges(stages: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Who reads what whom writes, in the order of the graph."""
    outs = {name: list(written(stage)) for name, stage in stages.items()}
    return [
        (writer, reader)
        for reader, stage in stages.items()
        for writer in stages
        if any(_meet(dep, out) for dep in stage["deps"] for out in outs[writer])
    ]


def written(stage: Mapping[str, Any]) -> Iterator[str]:
    """The paths of a stage's outs."""
    for kind in ("outs", "metrics", "plots"):
        for out in stage.get(kind, ()):
            yield out if isinstance(out, str) else next(iter(out))


def _meet(dep: str, out: str) -> bool:
    return f"{dep}/".startswith(f"{out}/") or f"{out}/".startswith(f"{dep}/")


def problems(lists: Mapping[str, Sequence[Sequence[str]]], of: Project) -> Iterator[str]:
    """What the map says that the project does not have, and the other way round; a line each."""
    arrows, drawn = set(edges(of.stages)), {(row[0], row[1]) for row in lists["inside"]}
    yield from (
        f"inside: {a} -> {b} is in dvc.yaml and not in the map" for a, b in sorted(arrows - drawn)
    )
    yield from (
        f"inside: {a} -> {b} is in the map and not in dvc.yaml" for a, b in sorted(drawn - arrows)
    )
    for name, rows in lists.items():
        for row in rows:
            yield from (f"{name}: {row[0]}: {p}" for p in _row_problems(name, row, of))
    yield from _left_out(lists, of)


def _row_problems(name: str, row: Sequence[str], of: Project) -> Iterator[str]:
    columns = LISTS[name][2]
    if len(row) != len(columns):
        yield f"{len(row)} columns, expected {len(columns)}: {', '.join(columns)}"
        return
    untested = [id for id in row[-1].split() if id not in of.tests]
    if untested or not row[-1].split():
        yield f"no test carries {', '.join(untested) or 'it: name a row'}"
    for kind, word in _doers(name, row):
        if word not in getattr(of, f"{kind}s", ()):
            yield f"no {kind} {word!r}"


def _doers(name: str, row: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Kind and name of what does it: ("stage", "data")."""
    for words in row[BY[name]].split(", ") if name in BY else ():
        kind, _, word = words.partition(" ")
        yield kind, word


def _left_out(lists: Mapping[str, Sequence[Sequence[str]]], of: Project) -> Iterator[str]:
    """Stages and workflows that no list names, and outs that are no asset."""
    named = {doer for name in BY for row in lists[name] for doer in _doers(name, row)}
    for kind, all_of in (("stage", of.stages), ("workflow", of.workflows)):
        yield from (f"{kind} {w} is in no list" for w in sorted(all_of) if (kind, w) not in named)
    places = [place for row in lists["assets"] for place in row[1].split(", ")]
    for stage in of.stages.values():
        for out in written(stage):
            if not any(fnmatch.fnmatch(out.replace(USECASE, "x"), place) for place in places):
                yield f"assets: {out} of dvc.yaml is none of them"


def page() -> str:
    """The page's text."""
    lists, tests = read(), tests_by_row(ROOT)
    parts = [HEAD]
    for name, (title, sentence, columns) in LISTS.items():
        cells = _cells(name, tests)
        parts.append(f"## {title}\n\n{sentence}\n\n{_table(columns, map(cells, lists[name]))}\n")
    return "\n".join(parts)


def _cells(
    name: str, tests: Mapping[str, Sequence[MarkedTest]]
) -> Callable[[Sequence[str]], list[str]]:
    code = {"parts": 2, "assets": 1}.get(name)

    def cells(row: Sequence[str]) -> list[str]:
        *words, ids = row
        if code is not None:
            words[code] = ", ".join(f"`{part}`" for part in words[code].split(", "))
        first = [t for id in ids.split() for t in tests.get(id, ())[:1]]
        links = "<br>".join(dict.fromkeys(map(capabilities.linked, first)))
        return [*words, f"{', '.join(ids.split())}<br>{links}"]

    return cells


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
