"""Edits of a project by which a contributor might talk the gate round. Each changes files, runs nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.project import Project

Edit = Callable[[Project], None]


@dataclass(frozen=True)
class Attack:
    """One way: its family, what it is, and the edit that goes with the worse model.

    `after`: an edit that is made once the stages have run, such as one of their outs, and committed; `before`:
    one that is made, and not committed, before the comparison. `alone`: no worse model comes with it yet.
    """

    family: str
    what: str
    edit: Edit
    after: Edit | None = None
    before: Edit | None = None
    alone: bool = False


def params(changes: Mapping[str, Any]) -> Edit:
    """Settings by dotted key; sections that are not there are made."""

    def edit(project: Project) -> None:
        path = project.path / "params.yaml"
        whole = yaml.safe_load(path.read_text())
        for dotted, value in changes.items():
            *parts, last = dotted.split(".")
            place = whole
            for part in parts:
                place = place.setdefault(part, {})
            place[last] = value
        path.write_text(yaml.safe_dump(whole, sort_keys=False))

    return edit


def replaced(file: str, old: str, new: str) -> Edit:
    """A text of a file by another; AssertionError where it is not there."""

    def edit(project: Project) -> None:
        path = project.path / file
        text = path.read_text()
        assert old in text, f"{file}: no {old!r}"
        path.write_text(text.replace(old, new))

    return edit


def appended(file: str, code: str) -> Edit:
    """Code below the end of a file."""

    def edit(project: Project) -> None:
        path = project.path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as text:
            text.write(code)

    return edit


def written(file: str, text: str) -> Edit:
    """A file with this text and no other."""

    def edit(project: Project) -> None:
        path = project.path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return edit


def linked(file: str, code: str) -> Edit:
    """A module as a link to a copy of it with more code below its end."""

    def edit(project: Project) -> None:
        path, copy = project.path / file, project.path / "docs" / "copy.py"
        copy.write_text(path.read_text() + code)
        path.unlink()
        path.symlink_to(copy)

    return edit


def git(*words: str) -> Edit:
    """A command of git's."""

    def edit(project: Project) -> None:
        project.run("git", *words)

    return edit


def removed(*files: str) -> Edit:
    """Files that are deleted."""

    def edit(project: Project) -> None:
        for file in files:
            (project.path / file).unlink()

    return edit


def renamed(old: str, new: str) -> Edit:
    """A use case under another name: its package, source, profile and params section."""

    def edit(project: Project) -> None:
        root = project.path
        (root / "usecases" / old).rename(root / "usecases" / new)
        for part in ("contract", "features", "model"):
            replaced(f"usecases/{new}/{part}.py", old, new)(project) if old in (
                root / "usecases" / new / f"{part}.py"
            ).read_text() else None
        (root / "sources" / old).rename(root / "sources" / new)
        (root / "sources" / new / f"{old}.csv").rename(root / "sources" / new / f"{new}.csv")
        for profile in (root / "profiles").glob(f"{old}.*"):
            profile.rename(profile.with_name(profile.name.replace(old, new)))
        text = (root / "params.yaml").read_text()
        (root / "params.yaml").write_text(re.sub(rf"\b{old}\b", new, text))

    return edit


def lines(file: str, change: Callable[[list[str]], list[str]]) -> Edit:
    """The lines of a table below its header, changed."""

    def edit(project: Project) -> None:
        path = Path(project.path / file)
        head, *rest = path.read_text().splitlines()
        path.write_text("\n".join([head, *change(rest)]) + "\n")

    return edit


def both(*edits: Edit) -> Edit:
    """Several edits, one after the other."""

    def edit(project: Project) -> None:
        for one in edits:
            one(project)

    return edit
